// What operators look at: figures, findings, events, users. Its address says which, and this file follows it.

import { addressOf, parseAddress } from "/pages/address.js";
import { byId, element, focusOn, withFocusKept } from "/pages/dom.js";
import { showEvents } from "/pages/events.js";
import { showFinding } from "/pages/finding.js";
import { showFindings } from "/pages/findings.js";
import { operatorsOnly, start } from "/pages/frame.js";
import { keys } from "/pages/keys.js";
import { overview } from "/pages/overview.js";
import { Refreshing } from "/pages/refreshing.js";
import { STEP_UP } from "/pages/refusals.js";
import { ago, nowS } from "/pages/times.js";
import { showUser } from "/pages/user.js";

const TITLES = { findings: "Findings", events: "Events", users: "A user" };

const place = byId("view");
const figures = overview(go);
const refreshing = new Refreshing(() => refresh(true));
let shown = null; // { where, refresh }: what is in `place`

/** Goes to an address; where that is the present one, loads anew. */
function go(address) {
  const hash = addressOf(address);
  if (hash === location.hash) refreshing.run();
  else location.hash = hash;
}

function follow() {
  const address = parseAddress(location.hash);
  const where = `${address.view}/${address.id}`;
  const isElsewhere = shown !== null && shown.where !== where;
  byId("drawer")?.close();
  document.title = `${TITLES[address.view] ?? "Not found"} · Security · auth-user-tokens`;
  byId("above").hidden = Boolean(address.problem || address.id);
  for (const link of byId("views").querySelectorAll("a")) markCurrent(link, link.hash === `#${address.view}`);
  const isOtherSpan = !address.problem && figures.update(address);
  withFocusKept(place, () => (shown = { where, ...view(address) }));
  if (isElsewhere) focusOn(place.querySelector("a, h2") ?? place);
  refreshing.run(() => refresh(isOtherSpan));
}

function markCurrent(link, isCurrent) {
  if (isCurrent) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}

function view(address) {
  if (address.problem) return refused(address);
  if (address.view === "users") return showUser(place, address);
  if (address.view === "events") return showEvents(place, address, go);
  return address.id ? showFinding(place, address) : showFindings(place, address, go);
}

// A mistyped address asks for nothing: without its filter it would show everything.
function refused({ view: asked, problem }) {
  const all = asked === "events" ? "events" : "findings";
  place.replaceChildren(
    element("h2", {}, "This address is not right"),
    element("p", { class: "bad", role: "alert" }, problem),
    element("p", {}, "Nothing was asked for. ", element("a", { href: addressOf({ view: all }) }, `Show all ${all}`)),
  );
  return { refresh: () => null };
}

// Null, or what it was refused by.
async function refresh(isEverything) {
  if (byId("content").hidden) return null;
  const refusals = await Promise.all([isEverything && !byId("above").hidden ? figures.refresh() : null, shown.refresh()]);
  const refusal = refusals.find(Boolean) ?? null;
  if (refusal?.code === STEP_UP) pause(true); // it would be refused each time
  if (!refusal) byId("updated").replaceChildren("Updated ", ago(nowS()));
  return refusal;
}

function pause(isPaused) {
  refreshing.pause(isPaused);
  byId("pause").textContent = isPaused ? "Go on" : "Pause";
}

byId("pause").addEventListener("click", () => pause(!refreshing.isPaused));
byId("reload").addEventListener("click", () => refreshing.run());
byId("find-user").addEventListener("submit", (event) => {
  event.preventDefault();
  go({ view: "users", id: event.target.elements.user.value.trim() });
});
addEventListener("hashchange", follow);
keys(place);
await start("security", follow, operatorsOnly);
