// One finding: what it is, its events, whom it touched, what has become of it, and what can be done.

import { addressOf, instantOf } from "/pages/address.js";
import { element } from "/pages/dom.js";
import { endFromSource, stateButtons } from "/pages/finding-acts.js";
import { changedBy, runbookLink, whom } from "/pages/findings.js";
import { part } from "/pages/lists.js";
import { eventRow, userLink } from "/pages/rows.js";
import { request } from "/pages/session.js";
import { counted } from "/pages/texts.js";
import { between } from "/pages/times.js";
import { nextStep, sayFinding, titleOfRule } from "/pages/words.js";

const MOST_EVENTS = 200; // that are read for the users whom they name

/** The view of #findings/ID. Returns { refresh }. */
export function showFinding(place, { id }) {
  const content = element("div", {});
  place.replaceChildren(element("p", {}, element("a", { href: addressOf({ view: "findings" }) }, "← All findings")), content);
  const shown = part(content, { load: () => everythingOf(id), show: (found) => show(found, () => shown.refresh()), empty: "" });
  return shown;
}

// The finding with its events' users, and who got in from its source.
async function everythingOf(id) {
  const found = await request("GET", `/console/findings/${encodeURIComponent(id)}`);
  const { search } = found;
  const [events, entered] = await Promise.all([
    request("GET", `/console/events?${new URLSearchParams({ ...search, limit: MOST_EVENTS })}`),
    search.source ? request("GET", `/console/events?${signInsFrom(search)}`) : null,
  ]);
  return { ...found, events, entered };
}

const signInsFrom = ({ source, since }) => new URLSearchParams({ source, type: "login_succeeded", since, limit: MOST_EVENTS });

function show(found, after) {
  const { finding, search } = found;
  const end =
    search.source &&
    element(
      "button",
      { type: "button", class: "end", "data-focus": "end", onclick: () => endFromSource(finding, after) },
      "End the sessions from this source…",
    );
  return [
    element("h2", {}, element("span", { class: `badge ${finding.severity}` }, finding.severity), " ", titleOfRule(finding.rule)),
    element("p", {}, sayFinding(finding), "."),
    element("p", {}, "Concerns ", whom(finding)),
    element("p", { class: "quiet" }, between(finding.first_at, finding.last_at)),
    element("p", {}, element("strong", {}, "Next: "), nextStep(finding), " ", runbookLink({ ...finding, runbook_url: found.runbook_url })),
    element("div", { class: "row actions" }, stateButtons(finding, after), end),
    history(found),
    entered(found),
    touched(found),
    evidence(found),
  ].filter(Boolean);
}

function history({ finding, history: changes }) {
  const rows = changes.map(({ state, at, by, note }) => element("li", {}, changedBy({ state, changed_at: at, changed_by: by, note })));
  return section(
    "What has become of it",
    rows.length
      ? element("ul", { class: "listed" }, rows)
      : element("p", { class: "empty" }, `Nobody has said anything: it is ${finding.state}.`),
  );
}

// Of a single source, which alone a sign-in can be compared with.
function entered({ entered: page }) {
  if (!page) return null;
  const { events, next_cursor: more } = page;
  const users = usersOf(events);
  const told = users.length
    ? element("ul", { class: "listed" }, users)
    : element("p", { class: "empty" }, "Nobody signed in from this source in the hour before it was found, or since.");
  return section("Who got in from this source", told, more && element("p", { class: "quiet" }, "These are of the newest events alone."));
}

function touched({ events: { events, next_cursor: more } }) {
  const users = usersOf(events);
  const unknown = events.filter(({ user_id: user }) => !user).length;
  return section(
    "Whom it touched",
    element(
      "ul",
      { class: "listed" },
      users,
      unknown > 0 && element("li", { class: "quiet" }, `${counted(unknown, "event")} of names that nobody has`),
    ),
    more && element("p", { class: "quiet" }, `These are of the newest ${MOST_EVENTS} events alone.`),
  );
}

// A row for each user, with how many events name them, most first.
function usersOf(events) {
  const counts = new Map();
  for (const { user_id: user } of events) if (user) counts.set(user, (counts.get(user) ?? 0) + 1);
  return [...counts]
    .sort((one, other) => other[1] - one[1])
    .map(([user, count]) => element("li", {}, userLink(user), element("span", { class: "quiet" }, ` · ${counted(count, "event")}`)));
}

function evidence({ evidence: events, search }) {
  const filter = {
    type: search.type,
    user: search.user_id,
    session: search.session_id,
    source: search.source,
    from: instantOf(search.since),
    to: instantOf(search.until),
  };
  return section(
    "Its newest events",
    element("ul", { class: "rows" }, events.map(eventRow)),
    element("p", {}, element("a", { href: addressOf({ view: "events", filter }) }, "All of its events")),
  );
}

const section = (title, ...content) => element("section", {}, element("h3", {}, title), content);
