// What the page shows, as its address says it behind the #: #events?type=login_failed&from=2026-12-01T04:00Z. So each view is a
// link, back and forward work, and no name that an operator looks for reaches an access log.

import { EVENT_TYPES, RULE_NAMES, SEVERITIES } from "/pages/words.js";

export const STATES = ["open", "acknowledged", "closed"];
export const SPANS = { "1h": 3600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000 };
const SPAN_NAMES = Object.keys(SPANS);
const MOST_SPAN_S = 90 * 86_400;
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
export const SOURCE = /^[0-9a-f]{32}$/i;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/;

// Each check returns what would be right, or null for a value that is.
const oneOf = (names) => (value) => {
  if (names.includes(value)) return null;
  const near = nearest(value, names);
  return near ? `Did you mean “${near}”?` : `It may be ${names.join(", ")}.`;
};
const matching = (pattern, told) => (value) => (pattern.test(value) ? null : told);
const instant = (value) =>
  INSTANT.test(value) && !Number.isNaN(Date.parse(value)) ? null : "It is a time with its zone, such as 2026-12-01T04:00Z.";
const short = (value) => (value.length <= 254 ? null : "It has at most 254 characters.");
const severity = oneOf(SEVERITIES);

const CHECKS = {
  span: (value) => (value.includes("/") ? checkOwnSpan(value) : oneOf(SPAN_NAMES)(value)),
  from: instant,
  to: instant,
  text: short,
  user: short,
  severity,
  state: oneOf(STATES),
  rule: oneOf(RULE_NAMES),
  type: oneOf(EVENT_TYPES),
  source: matching(SOURCE, "It is 32 hexadecimal digits, as events have it."),
  session: matching(UUID, "It is a session's id, a UUID."),
};
const VIEWS = {
  findings: { takes: ["span", "state", "severity", "rule", "user", "from", "to"] },
  events: { takes: ["span", "text", "type", "user", "source", "session", "severity", "from", "to"] },
  users: { takes: ["span"], isOfOne: true },
};

// {view, id, filter, problem}: problem says what is wrong, and what would be right; nothing may be asked for then.
export function parseAddress(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split("?");
  const [view = "", id = "", ...rest] = path.split("/").map(decoded);
  const pairs = [...new URLSearchParams(query)];
  const where = { view: view || "findings", id, filter: Object.fromEntries(pairs) };
  return {
    ...where,
    problem: problemOf(
      where,
      rest,
      pairs.map(([name]) => name),
    ),
  };
}

// view: as of parseAddress. Parameters without a value are left out.
export function addressOf({ view, id = "", filter = {} }) {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value));
  return `#${view}${id ? `/${encodeURIComponent(id)}` : ""}${query.size ? `?${query}` : ""}`;
}

// The seconds of a span of one's own, 2026-11-01T00:00Z/2026-11-08T00:00Z (ISO 8601), or null.
export function ownSpan(text) {
  const [since, until, ...rest] = text.split("/");
  if (rest.length || instant(since) || instant(until ?? "")) return null;
  const [from, to] = [secondsOf(since), secondsOf(until)];
  return from < to && to - from <= MOST_SPAN_S ? { from, to } : null;
}

export const secondsOf = (text) => (text ? Math.floor(Date.parse(text) / 1000) : null);
export const instantOf = (seconds) => new Date(seconds * 1000).toISOString().replace(/(:00)?\.000Z$/, "Z");

const checkOwnSpan = (value) =>
  ownSpan(value) ? null : "It is two times with their zones and a slash between, the first before the second, at most 90 days apart.";

function problemOf({ view, id, filter }, rest, names) {
  const known = VIEWS[view];
  if (!known || rest.length) return `There is no view “${view}”. ${oneOf(Object.keys(VIEWS))(view)}`;
  if (known.isOfOne && !id) return "Whose? The address of a user ends with their name or id.";
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) return `“${twice}” is in the address twice.`;
  for (const [name, value] of Object.entries(filter)) {
    if (!known.takes.includes(name)) return `“${name}” is no filter here. ${oneOf(known.takes)(name)}`;
    const told = CHECKS[name](value);
    if (told) return `“${value}” is no ${name}. ${told}`;
  }
  const isReversed = filter.from && filter.to && secondsOf(filter.from) >= secondsOf(filter.to);
  return isReversed ? "“from” must be before “to”." : null;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// The name that is one or two letters away from a mistyped one, or that it begins or ends; null where none is.
export function nearest(value, names) {
  const lower = value.toLowerCase();
  const near = names.filter((name) => (lower.length > 3 && name.includes(lower)) || distance(lower, name) <= 2);
  return near.sort((one, other) => distance(lower, one) - distance(lower, other))[0] ?? null;
}

// How many letters are added, left out or changed (Levenshtein).
function distance(one, other) {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, against] of [...other].entries()) {
      next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (letter === against ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1);
}
