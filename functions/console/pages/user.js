// One user: who that is, devices with their sessions, what happened, and how to end a session, a device, or everything.

import { program } from "/pages/agents.js";
import { asked } from "/pages/dialogs.js";
import { element } from "/pages/dom.js";
import { eventList } from "/pages/events.js";
import { holdsElsewhere } from "/pages/frame.js";
import { userIdOf, userOf } from "/pages/lookup.js";
import { part } from "/pages/lists.js";
import { attempt, request } from "/pages/session.js";
import { counted, country, name, quoted } from "/pages/texts.js";
import { ago } from "/pages/times.js";
import { notice } from "/pages/toasts.js";

const MAX_REASON = 200;
const STATUS = {
  active: ["good", "active"],
  disabled: ["high", "disabled in the Portal"],
  unknown: ["low", "not in the Portal (any more)"],
};
const KEPT = "The device can sign in again only with the password.";

/** The view of #users/NAME or ID. Returns { refresh }. */
export function showUser(place, { id: text }) {
  const content = element("div", {});
  const timeline = element("div", {});
  const happened = element("section", {}, element("h3", {}, "What happened"), timeline);
  place.replaceChildren(content, happened);
  const events = eventList(timeline, { user: text }, "Nothing in the last 90 days.");
  const shown = part(content, {
    load: () => everythingOf(text),
    show: (found) => {
      happened.hidden = found === null;
      return show(text, found, refresh);
    },
    empty: `Nobody is called “${text}”, or has that id. Names are looked up as a whole.`,
  });
  const refresh = async () => {
    const [refusal] = await Promise.all([shown.refresh(), events.refresh()]);
    return refusal;
  };
  return { refresh };
}

// A user with all their sessions and devices, page by page of both; without a user where nothing but events is left of one;
// null for nobody.
async function everythingOf(text) {
  const user = await userOf(text);
  if (user === null) return (await userIdOf(text)) === null ? null : { user };
  const found = { user, sessions: [], devices: [] };
  let cursors = new URLSearchParams();
  let isFirst = true;
  do {
    const page = await request("GET", `/console/users/${encodeURIComponent(user.user_id)}${cursors.size ? `?${cursors}` : ""}`);
    const next = new URLSearchParams();
    for (const kind of ["sessions", "devices"]) {
      const cursor = `${kind}_cursor`;
      if (!isFirst && !cursors.has(cursor)) continue;
      found[kind].push(...page[kind]);
      if (page[`next_${cursor}`]) next.set(cursor, page[`next_${cursor}`]);
    }
    cursors = next;
    isFirst = false;
  } while (cursors.size);
  return found;
}

function show(text, found, after) {
  if (!found) return [];
  const { user, sessions, devices } = found;
  if (!user) return [element("h2", {}, element("code", {}, text)), element("p", {}, "Nobody has this id any more; its events are left.")];
  const [look, told] = STATUS[user.status] ?? ["low", user.status];
  const loose = sessions.filter(({ device_id: id }) => !devices.some((device) => device.device_id === id));
  const end = element(
    "button",
    { type: "button", class: "end", "data-focus": "end-everything", onclick: () => endEverything(user, found, after) },
    "End everything…",
  );
  return [
    element("h2", {}, name(user.username ?? user.user_id)),
    element("p", {}, element("span", { class: `badge ${look}` }, told), " ", element("code", {}, user.user_id)),
    element("p", { class: "quiet" }, user.labels.length ? ["Labels: ", element("bdi", {}, user.labels.join(", "))] : "No labels."),
    devices.length + sessions.length ? element("div", { class: "row actions" }, end) : "",
    element("h3", {}, `${counted(devices.length, "device")}, ${counted(sessions.length, "session")}`),
    element(
      "ul",
      { class: "rows cards" },
      devices.map((device) => deviceCard(device, sessions, after)),
      loose.length > 0 && looseCard(loose, after),
    ),
  ];
}

function deviceCard(device, sessions, after) {
  const own = sessions.filter(({ device_id: id }) => id === device.device_id);
  const end = element(
    "button",
    { type: "button", class: "end", "data-focus": device.device_id, onclick: () => endDevice(device, own, after) },
    "End device…",
  );
  const about = [device.platform, country(device.place), device.remembered ? "remembered" : "not remembered"].filter(Boolean).join(" · ");
  return element(
    "li",
    { class: "card", "data-device": device.device_id },
    element("h4", {}, name(device.name || "Unnamed device")),
    element("p", { class: "quiet" }, about, " · last used ", ago(device.last_used_at)),
    element(
      "ul",
      { class: "sessions" },
      own.map((session) => sessionRow(session, after)),
    ),
    element("div", { class: "row actions" }, end),
  );
}

const looseCard = (sessions, after) =>
  element(
    "li",
    { class: "card" },
    element("h4", {}, "Without a device"),
    element(
      "ul",
      { class: "sessions" },
      sessions.map((session) => sessionRow(session, after)),
    ),
  );

function sessionRow(session, after) {
  const end = element(
    "button",
    {
      type: "button",
      class: "end",
      "data-focus": session.session_id,
      "aria-label": `End session ${session.session_id}`,
      onclick: () => endSession(session, after),
    },
    "End session…",
  );
  const where = [country(session.place), session.address].filter(Boolean).join(" · ");
  return element(
    "li",
    { "data-session": session.session_id },
    element(
      "div",
      {},
      element("bdi", { class: "cut", title: session.user_agent }, program(session.user_agent) || "Unknown program"),
      element(
        "p",
        { class: "quiet" },
        where,
        where && " · ",
        "signed in ",
        ago(session.created_at),
        ", last used ",
        ago(session.last_used_at),
      ),
    ),
    end,
  );
}

const endSession = ({ session_id: id }, after) =>
  ended(
    { title: "End this session?", told: [`Its device ends as well. ${KEPT}`], act: "End session", path: `/console/sessions/${id}/revoke` },
    after,
  );

function endDevice(device, sessions, after) {
  const told = [
    element("p", {}, quoted(device.name || "Unnamed device")),
    `${sessions.length ? `${counted(sessions.length, "session")} on it ${sessions.length > 1 ? "end" : "ends"} as well. ` : ""}${KEPT}`,
  ];
  return ended({ title: "End this device?", told, act: "End device", path: `/console/devices/${device.device_id}/revoke` }, after);
}

function endEverything(user, { sessions, devices }, after) {
  const what = `${counted(sessions.length, "session")} and ${counted(devices.length, "device")}`;
  const told = [
    element("p", {}, quoted(user.username ?? user.user_id)),
    `${what} end. The user can sign in again with the password: whether they may is up to the Portal.`,
  ];
  return ended(
    { title: "End everything of this user?", told, act: `End ${what}`, path: `/console/users/${encodeURIComponent(user.user_id)}/revoke` },
    after,
  );
}

function ended({ title, told, act, path }, after) {
  return attempt(async () => {
    const reason = await asked({
      title,
      told: [...told, holdsElsewhere()],
      act,
      field: { label: "Reason, for the record", maxLength: MAX_REASON },
    });
    if (reason === null) return;
    await request("POST", path, { reason });
    await after();
    notice(`Done: ${act.toLowerCase().replace(/^end /, "")} ended.`);
  });
}
