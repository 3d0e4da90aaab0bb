// The findings as an inbox: one row for a rule and its subject, the worst first, by what has become of them.

import { STATES, addressOf, secondsOf } from "/pages/address.js";
import { element } from "/pages/dom.js";
import { choice, field, filterForm } from "/pages/fields.js";
import { stateButtons } from "/pages/finding-acts.js";
import { pagedList } from "/pages/list.js";
import { userIdOf } from "/pages/lookup.js";
import { actorName, sourceLink, userLink } from "/pages/rows.js";
import { request } from "/pages/session.js";
import { amount } from "/pages/texts.js";
import { ago, between, exact } from "/pages/times.js";
import { RULE_NAMES, SEVERITIES, nextStep, sayFinding, titleOfRule } from "/pages/words.js";

const EMPTY = {
  open: "Nothing open. What the detection rules find comes here, every five minutes.",
  acknowledged: "Nobody looks into anything. What is acknowledged comes here.",
  closed: "Nothing was closed.",
};
const TITLES = { open: "Open", acknowledged: "Acknowledged", closed: "Closed" };

/** The view of #findings. Returns { refresh }. */
export function showFindings(place, { filter }, go) {
  const state = filter.state ?? "open";
  const tabs = element("nav", { class: "tabs", "aria-label": "State of findings" });
  const list = element("div", {});
  const counts = (known = {}) => tabs.replaceChildren(...STATES.map((each) => tab(each, state, filter, known[each])));
  counts();
  const isFiltered = Object.keys(filter).some((name) => !["state", "span"].includes(name));
  place.replaceChildren(
    element("h2", { class: "unseen" }, "Findings"),
    element("div", { class: "top" }, tabs, form(filter, go, isFiltered)),
    chosenTime(filter),
    list,
  );

  const empty = isFiltered ? "No finding fits this filter." : EMPTY[state];
  const told = element("span", {}, empty);
  async function load(cursor) {
    const query = await queryOf(filter, state);
    told.textContent = query ? empty : `Nobody is called “${filter.user}”, or has that id.`;
    if (!query) return { items: [], next: null };
    if (cursor) query.set("cursor", cursor);
    const page = await request("GET", `/console/inbox?${query}`);
    return { items: page.groups.filter(isWithin(filter)), next: page.next_cursor, counts: page.counts };
  }
  const shown = pagedList(list, {
    load,
    item: (group) => groupRow(group, () => shown.refresh()),
    label: `${TITLES[state]} findings, the worst first`,
    empty: told,
    shown: (page) => counts(page.counts),
  });
  return shown;
}

// Which groups have anything of the time that a bar of the chart has chosen.
function isWithin({ from, to }) {
  const [since, until] = [secondsOf(from) ?? -Infinity, secondsOf(to) ?? Infinity];
  return ({ first_at: first, newest }) => (newest?.last_at ?? first) >= since && first < until;
}

async function queryOf({ severity, rule, user }, state) {
  const userId = user && (await userIdOf(user));
  if (userId === null) return null;
  const all = { state, severity, rule, user_id: userId };
  return new URLSearchParams(Object.entries(all).filter(([, value]) => value));
}

function tab(state, current, filter, count) {
  const address = addressOf({ view: "findings", filter: { ...filter, state } });
  const about = { href: address, "aria-current": state === current && "page", "data-focus": `tab ${state}` };
  return element("a", about, TITLES[state], count !== undefined && element("span", { class: "count" }, ` ${amount(count)}`));
}

function form(filter, go, isUsed) {
  const fields = [
    choice(
      "severity",
      "Severity",
      SEVERITIES.map((severity) => [severity, severity]),
      filter.severity,
    ),
    choice(
      "rule",
      "Rule",
      RULE_NAMES.map((rule) => [rule, titleOfRule(rule)]),
      filter.rule,
    ),
    field("user", "User, by name or id", filter.user, { maxlength: "254" }),
  ];
  const { span, state, from, to } = filter;
  return filterForm(
    fields,
    (chosen) => go({ view: "findings", filter: { span, state, from, to, ...chosen } }),
    addressOf({ view: "findings", filter: { span, state } }),
    isUsed,
  );
}

// What a bar of the chart has chosen, and the way back.
function chosenTime({ from, to, ...rest }) {
  if (!from && !to) return "";
  const [since, until] = [secondsOf(from), secondsOf(to)];
  const told = from && to ? between(since, until) : from ? `from ${exact(since)} on` : `before ${exact(until)}`;
  return element(
    "p",
    { class: "chosen" },
    `Only what was found within this time: ${told}. `,
    element("a", { href: addressOf({ view: "findings", filter: rest }), "data-focus": "any time" }, "Any time"),
  );
}

// newest: the finding that the buttons are about; null where its event is not kept any more.
function groupRow({ newest, ...group }, after) {
  const address = addressOf({ view: "findings", id: group.newest_id });
  const title = element("a", { class: "open", href: address, "data-focus": `${group.rule} ${group.subject}` }, titleOfRule(group.rule));
  return element(
    "li",
    { class: "finding card", "data-severity": group.severity },
    element(
      "h3",
      {},
      element("span", { class: `badge ${group.severity}` }, group.severity),
      " ",
      title,
      element(
        "span",
        { class: "quiet" },
        group.findings > 1 && ` · ${amount(group.findings)} times`,
        " · ",
        ago(newest?.last_at ?? group.first_at),
      ),
    ),
    element("p", {}, newest ? `${sayFinding(newest)}.` : "Its report is not kept any more."),
    newest && element("p", {}, "Concerns ", whom(newest)),
    element("p", { class: "quiet" }, "Next: ", nextStep(group), " ", runbookLink(group)),
    newest?.changed_at && element("p", { class: "quiet" }, changedBy(newest)),
    newest && element("div", { class: "row actions" }, stateButtons(newest, after)),
  );
}

/** To the first steps of a rule, where the service names a runbook. found: the service's answer about a finding, or a group. */
export function runbookLink({ rule, runbook_url: address }) {
  const about = { href: address, rel: "noreferrer", target: "_blank", "aria-label": `Runbook: ${titleOfRule(rule)}` };
  return address && element("a", about, "Runbook");
}

/** Whom a finding is about, as far as that is one. */
export function whom({ user_id: user, session_id: session, source }) {
  const parts = [
    user && userLink(user),
    session && element("a", { href: addressOf({ view: "events", filter: { session } }), title: session }, "one session"),
    source && sourceLink(source),
  ].filter(Boolean);
  return parts.length ? parts.flatMap((part, index) => (index ? [" · ", part] : [part])) : ["many users and sources"];
}

/** «Acknowledged by alice@example.com, 3 min. ago: “a note”». */
export function changedBy({ state, changed_at: at, changed_by: by, note }) {
  return [
    TITLES[state],
    by && " by ",
    by && actorName(by),
    ", ",
    ago(at),
    note && element("span", {}, ": “", element("bdi", {}, note), "”"),
  ];
}
