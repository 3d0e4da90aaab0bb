// A person's own account: where they are signed in, with a way to end it, and what happened.

import { showAlarm } from "/pages/alarm.js";
import { deviceCard, devicesOf, label } from "/pages/devices.js";
import { asked } from "/pages/dialogs.js";
import { byId, element } from "/pages/dom.js";
import { holdsElsewhere, start } from "/pages/frame.js";
import { historyOf } from "/pages/history.js";
import { part } from "/pages/lists.js";
import { attempt, pagesOf, request } from "/pages/session.js";
import { counted, quoted } from "/pages/texts.js";
import { notice } from "/pages/toasts.js";

const NAMED = 5; // devices in a question; the others are counted
const OLD_MS = 30000; // after which a page that is looked at again is loaded again

let devices = [];
let reused = []; // sessions that ended as an old key of them came back
let shownAt = 0;

const list = part(byId("devices"), {
  load: () => Promise.all([pagesOf("/auth/sessions", "sessions"), pagesOf("/auth/devices", "devices")]),
  show: ([sessions, found]) => {
    [devices, reused] = [devicesOf(sessions.sessions, found.devices), sessions.reused];
    byId("end-others").hidden = devices.every((device) => device.current);
    showAlarm(reused, history.events(), endOthers);
    return [element("ul", { class: "devices" }, devices.map((device) => deviceCard(device, acts)))];
  },
  empty: "You are signed in nowhere.",
});
const history = historyOf(byId("history"), (id) => devices.find((device) => device.id === id));

async function show() {
  await list.refresh();
  shownAt = Date.now();
  await history.refresh(); // after the devices, which it names
  showAlarm(reused, history.events(), endOthers);
}

const acts = {
  async rename(device) {
    const title = ["Rename ", quoted(label(device))];
    const name = await asked({ title, act: "Rename", isDanger: false, field: { label: "Name", value: device.name } });
    if (name) await change(() => request("PATCH", `/auth/devices/${device.id}`, { name }), ["The device is now called ", quoted(name), "."]);
  },

  async signOut(device) {
    const told = [
      `${counted(device.sessions.length, "session")} on it will end, and it signs in again only with the password.`,
      holdsElsewhere(),
    ];
    const isSure = await asked({ title: ["Sign out ", quoted(label(device)), "?"], told, act: "Sign out this device" });
    if (isSure) await change(() => request("DELETE", endOf(device)), [quoted(label(device)), " is signed out."]);
  },

  async forget(device) {
    const told = ["Nobody is signed in on it. It signs in again only with the password."];
    const isSure = await asked({ title: ["Forget ", quoted(label(device)), "?"], told, act: "Forget this device" });
    if (isSure) await change(() => request("DELETE", endOf(device)), [quoted(label(device)), " is forgotten."]);
  },

  async endSession(device, session) {
    const stays = device.remembered
      ? "The device stays remembered: it may sign in again without the password. To end that, too, sign out the device."
      : "The device stays in the list.";
    const isSure = await asked({ title: ["End this session on ", quoted(label(device)), "?"], told: [stays, holdsElsewhere()], act: "End 1 session" });
    const path = `/auth/sessions/${session.session_id}?keep_device=true`;
    if (isSure) await change(() => request("DELETE", path), ["A session on ", quoted(label(device)), " has ended."]);
  },
};

async function endOthers() {
  const others = devices.filter((device) => !device.current);
  const sessions = others.reduce((sum, device) => sum + device.sessions.length, 0);
  const names = others.slice(0, NAMED).map((device) => element("li", {}, quoted(label(device))));
  const more = others.length > NAMED && element("li", {}, `and ${counted(others.length - NAMED, "other device")}`);
  const told = [
    `${counted(sessions, "session")} on ${counted(others.length, "other device")} will end:`,
    element("ul", {}, names, more),
    `These devices sign in again only with the password. This browser stays signed in. ${holdsElsewhere()}`,
  ];
  const isSure = await asked({ title: "Sign out everywhere else?", told, act: `End ${counted(sessions, "session")}` });
  if (isSure) await change(() => request("POST", "/auth/logout", { scope: "others" }), "Everything else is signed out.");
}

// A session without a device ends by itself.
const endOf = (device) => (device.id ? `/auth/devices/${device.id}` : `/auth/sessions/${device.sessions[0].session_id}`);

function change(act, done) {
  return attempt(async () => {
    await act();
    await show();
    notice(done);
  });
}

byId("end-others").addEventListener("click", endOthers);
addEventListener("visibilitychange", () => {
  if (!document.hidden && !byId("content").hidden && Date.now() - shownAt > OLD_MS) show();
});

await start("account", show);
