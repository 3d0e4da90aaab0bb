// One card a device, with its sessions inside.

import { kindOf, program } from "/pages/agents.js";
import { element } from "/pages/dom.js";
import { icon } from "/pages/icons.js";
import { counted, country, name, quoted } from "/pages/texts.js";
import { ago } from "/pages/times.js";

/** The devices with their sessions, this browser's first, then by last use. A session without a device is one by itself. */
export function devicesOf(sessions, devices) {
  const byDevice = Map.groupBy(sessions, (session) => session.device_id ?? session.session_id);
  const known = new Set(devices.map((device) => device.device_id));
  const alone = [...byDevice].filter(([id]) => !known.has(id)).map(([, [session]]) => ofSession(session));
  return [...devices, ...alone].map((device) => ofDevice(device, byDevice.get(device.device_id ?? device.alone) ?? [])).sort(byUse);
}

/** How a device is called: by its owner, or by what its program says of itself. */
export const label = (device) => device.name || program(device.agent) || "Unnamed device";

export function deviceCard(device, acts) {
  const called = label(device);
  const rename = device.id && element(
    "button",
    { type: "button", class: "quiet", "aria-label": `Rename ${called}`, "data-focus": `rename:${device.key}`, onclick: () => acts.rename(device) },
    icon("pencil"),
  );
  return element(
    "li",
    { class: "card device", "data-device": device.key },
    icon(kindOf(device.agent, device.platform)),
    element(
      "div",
      { class: "what" },
      element("div", { class: "title" }, element("h3", {}, name(called)), rename, device.current && element("span", { class: "badge" }, "this browser")),
      element("p", { class: "about" }, facts(device)),
      device.sessions.length > 0 && sessionsOf(device, acts),
    ),
    device.current ? null : actionOf(device, acts),
  );
}

function facts(device) {
  const remembered = device.remembered ? "remembered" : "asks for the password each time";
  const said = program(device.agent) !== label(device) && program(device.agent);
  return dotted([said, country(device.place), ["active ", ago(device.lastUsedAt)], remembered]);
}

function actionOf(device, acts) {
  const isIn = device.sessions.length > 0;
  const [title, act] = isIn ? ["Sign out this device", acts.signOut] : ["Forget this device", acts.forget];
  return element(
    "button",
    { type: "button", class: "end", "aria-label": `${title}: ${label(device)}`, "data-focus": `out:${device.key}`, onclick: () => act(device) },
    title,
  );
}

// Mostly one, so folded.
function sessionsOf(device, acts) {
  const { sessions } = device;
  const shown = sessions.map((session) => sessionItem(device, session, acts));
  return element("details", { open: sessions.length > 1 }, element("summary", {}, counted(sessions.length, "session")), element("ul", { class: "sessions" }, shown));
}

function sessionItem(device, session, acts) {
  const end = element(
    "button",
    { type: "button", "aria-label": `End this session on ${label(device)}`, "data-focus": `end:${session.session_id}`, onclick: () => acts.endSession(device, session) },
    "End",
  );
  const texts = [
    program(session.user_agent) || "a program that does not say its name",
    country(session.place),
    session.address && element("bdi", {}, session.address),
    ["signed in ", ago(session.created_at)],
    ["active ", ago(session.last_used_at)],
  ];
  const here = session.current && element("span", { class: "badge" }, "this browser");
  return element("li", { "data-session": session.session_id }, element("span", {}, dotted(texts), here && " ", here), session.current ? null : end);
}

function ofDevice(device, sessions) {
  const [newest] = sessions;
  return {
    id: device.device_id,
    key: device.device_id ?? device.alone,
    name: device.name,
    platform: device.platform,
    remembered: device.remembered,
    current: device.current || sessions.some((session) => session.current),
    place: newest?.place ?? device.place,
    agent: newest?.user_agent ?? "",
    lastUsedAt: Math.max(device.last_used_at, newest?.last_used_at ?? 0),
    sessions,
  };
}

const ofSession = (session) => ({
  device_id: null,
  alone: session.device_id ?? session.session_id,
  name: session.device_name,
  platform: "",
  remembered: false,
  current: session.current,
  place: session.place,
  last_used_at: session.last_used_at,
});

const byUse = (one, other) => other.current - one.current || other.lastUsedAt - one.lastUsedAt;

// Texts, or pieces of one, with a dot between those that are there.
function dotted(texts) {
  const there = texts.filter(Boolean);
  return there.flatMap((text, index) => [index ? " · " : null, typeof text === "string" ? quoted(text) : text].flat());
}
