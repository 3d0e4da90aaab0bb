// What operators look at: figures, findings, and a user's sessions and devices with a way to end them.

import { barChart } from "/pages/chart.js";
import { element } from "/pages/dom.js";
import { operatorsOnly, start } from "/pages/frame.js";
import { rows } from "/pages/lists.js";
import { attempt, request } from "/pages/session.js";
import { ago } from "/pages/times.js";
import { notice } from "/pages/toasts.js";

const TILES = [
  ["logins", "logins"],
  ["failures", "failed logins", true],
  ["refreshes", "refreshes"],
  ["reuse", "reused tokens", true],
  ["revocations", "revocations"],
  ["new_devices", "new devices"],
];
const LEVELS = [
  ["active_sessions", "active sessions"],
  ["devices", "devices"],
];
const CHARTS = [
  ["Logins", "logins", false],
  ["Failed logins", "failures", true],
  ["Refreshes", "refreshes", false],
  ["Reused tokens", "reuse", true],
  ["Revocations", "revocations", false],
  ["Active sessions", "active_sessions", false],
];

let shownUser = null;

async function show() {
  const [span, step] = document.getElementById("span").value.split(" ");
  const [summary, findings] = await Promise.all([
    request("GET", `/console/summary?span_s=${span}&step=${step}`),
    request("GET", "/console/events?type=finding"),
  ]);
  showFigures(summary, step === "day");
  showFindings(findings.events);
  const sources = summary.top_sources.map((top) =>
    element("tr", {}, element("td", {}, element("code", {}, top.source)), element("td", { class: "amount" }, String(top.failures))),
  );
  rows(document.getElementById("sources"), sources, "No failed login.");
}

function showFigures(summary, byDay) {
  const sum = (name) => summary.series.reduce((total, step) => total + (step[name] ?? 0), 0);
  const latest = (name) => summary.series.findLast((step) => step[name] !== null)?.[name] ?? 0;
  const tiles = [
    ...TILES.map(([name, title, isBad]) => tile(sum(name), title, isBad && sum(name) > 0)),
    ...LEVELS.map(([name, title]) => tile(latest(name), title)),
    tile(summary.cleanup.due, "rows due for cleanup"),
  ];
  document.getElementById("tiles").replaceChildren(...tiles);
  const charts = CHARTS.map(([title, name, isBad]) => {
    const points = summary.series.map((step) => ({ at: step.at, value: step[name] ?? 0 }));
    return barChart(title, points, { isBad, byDay });
  });
  document.getElementById("charts").replaceChildren(...charts);
}

function tile(amount, title, isBad = false) {
  return element("li", isBad ? { class: "bad" } : {}, element("strong", {}, amount.toLocaleString()), element("span", {}, title));
}

function showFindings(events) {
  const made = events.map((event) => {
    const { rule, severity, events: count, accounts, sources, first_at: first } = event.detail;
    const evidence = `${count} events, ${accounts} accounts, ${sources} sources since ${new Date(first * 1000).toLocaleTimeString()}`;
    const look = { type: "button", onclick: () => attempt(() => showUser(event.user_id)) };
    return element(
      "tr",
      {},
      element("td", {}, ago(event.at)),
      element("td", {}, element("span", { class: `badge ${severity}` }, severity ?? "")),
      element("th", { scope: "row" }, (rule ?? event.type).replaceAll("_", " ")),
      element("td", {}, event.user_id ? element("button", look, event.user_id) : ""),
      element("td", {}, evidence),
    );
  });
  rows(document.getElementById("findings"), made, "Nothing found.");
}

async function showUser(userId) {
  const user = await everythingOf(userId);
  shownUser = userId;
  document.querySelector("#find-user [name=user_id]").value = userId;
  rows(document.getElementById("user-sessions"), user.sessions.map(sessionRow), "No live session.");
  rows(document.getElementById("user-devices"), user.devices.map(deviceRow), "No device.");
  document.getElementById("user").hidden = false;
}

// A user's sessions and devices, page by page of both.
async function everythingOf(userId) {
  const found = { sessions: [], devices: [] };
  let query = "";
  do {
    const page = await request("GET", `/console/users/${encodeURIComponent(userId)}${query}`);
    const cursors = new URLSearchParams();
    for (const kind of ["sessions", "devices"]) {
      if (!query || query.includes(`${kind}_cursor`)) found[kind].push(...page[kind]);
      const next = page[`next_${kind}_cursor`];
      if (next && (!query || query.includes(`${kind}_cursor`))) cursors.set(`${kind}_cursor`, next);
    }
    query = cursors.size ? `?${cursors}` : "";
  } while (query);
  return found;
}

function sessionRow(session) {
  const end = element(
    "button",
    { type: "button", class: "end", "aria-label": `End session ${session.session_id}`, "aria-describedby": "what-ends", onclick: () => endRow("sessions", session.session_id, "The session has ended. Its device can sign in again only with the password.") },
    "End",
  );
  return element(
    "tr",
    { "data-session": session.session_id },
    element("td", {}, element("code", {}, session.session_id)),
    element("td", {}, session.device_name),
    element("td", {}, session.place),
    element("td", {}, session.address),
    element("td", {}, ago(session.created_at)),
    element("td", {}, ago(session.last_used_at)),
    element("td", {}, end),
  );
}

function deviceRow(device) {
  const end = element(
    "button",
    { type: "button", class: "end", "aria-label": `Forget device ${device.name || device.device_id}`, onclick: () => endRow("devices", device.device_id, "The device is forgotten, and its sessions have ended.") },
    "Forget",
  );
  return element(
    "tr",
    { "data-device": device.device_id },
    element("td", {}, device.name || "Unnamed device"),
    element("td", {}, device.platform),
    element("td", {}, ago(device.created_at)),
    element("td", {}, ago(device.last_used_at)),
    element("td", {}, end),
  );
}

const endRow = (kind, id, told) =>
  attempt(async () => {
    await request("DELETE", `/console/users/${encodeURIComponent(shownUser)}/${kind}/${id}`);
    await showUser(shownUser);
    notice(told);
  });

document.getElementById("find-user").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(() => showUser(new FormData(event.target).get("user_id").trim()));
});
for (const [id, type] of [["span", "change"], ["reload", "click"]]) {
  document.getElementById(id).addEventListener(type, () => attempt(show));
}

await start("security", show, operatorsOnly);
