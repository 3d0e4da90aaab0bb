// A person's own sessions and devices: see them, end them, rename a device.

import { element } from "/pages/dom.js";
import { start } from "/pages/frame.js";
import { rows } from "/pages/lists.js";
import { attempt, pagesOf, request } from "/pages/session.js";
import { ago } from "/pages/times.js";
import { notice } from "/pages/toasts.js";

async function show() {
  const [sessions, devices] = await Promise.all([
    pagesOf("/auth/sessions", "sessions"),
    pagesOf("/auth/devices", "devices"),
  ]);
  rows(document.getElementById("sessions"), sessions.sessions.map(sessionRow), "No session.");
  rows(document.getElementById("reused"), sessions.reused.map(reusedRow), "None.");
  document.getElementById("alarm").hidden = sessions.reused.length === 0;
  rows(document.getElementById("devices"), devices.devices.map(deviceRow), "No device.");
  document.getElementById("end-others").disabled = sessions.sessions.length < 2 && devices.devices.length < 2;
}

function sessionRow(session) {
  const name = session.device_name || "Unnamed device";
  const here = element("span", { class: "badge" }, "this browser");
  const end = element(
    "button",
    { type: "button", class: "end", "aria-label": `End the session on ${name}`, "aria-describedby": "what-ends", onclick: () => endSession(session, name) },
    "End",
  );
  return element(
    "tr",
    { "data-session": session.session_id },
    element("th", { scope: "row" }, name, " ", session.current ? here : null),
    element("td", {}, session.place),
    element("td", {}, session.address),
    element("td", {}, ago(session.created_at)),
    element("td", {}, ago(session.last_used_at)),
    element("td", {}, session.current ? "" : end),
  );
}

// A session that ended because an old token of it came back: somebody else may have had a copy.
function reusedRow(session) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, session.device_name || "Unnamed device"),
    element("td", {}, session.place),
    element("td", {}, session.address),
    element("td", {}, ago(session.ended_at)),
  );
}

function deviceRow(device) {
  const name = device.name || "Unnamed device";
  const field = element("input", { value: device.name, maxlength: "200", "aria-label": `Name of ${name}` });
  const rename = element("button", { type: "submit" }, "Rename");
  const form = element("form", { class: "row", onsubmit: (event) => renameDevice(event, device, field.value) }, field, rename);
  const forget = element(
    "button",
    { type: "button", class: "end", "aria-label": `Forget ${name}`, onclick: () => forgetDevice(device, name) },
    "Forget",
  );
  return element(
    "tr",
    { "data-device": device.device_id },
    element("td", {}, form),
    element("td", {}, device.platform),
    element("td", {}, ago(device.created_at)),
    element("td", {}, ago(device.last_used_at)),
    element("td", {}, device.remembered ? "yes" : "no"),
    element("td", {}, forget),
  );
}

const endSession = (session, name) =>
  attempt(async () => {
    await request("DELETE", `/auth/sessions/${session.session_id}`);
    await show();
    notice(`The session on ${name} has ended. The device can sign in again only with the password.`);
  });

const forgetDevice = (device, name) =>
  attempt(async () => {
    await request("DELETE", `/auth/devices/${device.device_id}`);
    await show();
    notice(`${name} is forgotten, and its sessions have ended.`);
  });

function renameDevice(event, device, name) {
  event.preventDefault();
  return attempt(async () => {
    await request("PATCH", `/auth/devices/${device.device_id}`, { name });
    await show();
    notice(`The device is now called ${name}.`);
  });
}

document.getElementById("end-others").addEventListener("click", () =>
  attempt(async () => {
    await request("POST", "/auth/logout", { scope: "others" });
    await show();
    notice("All other sessions have ended. Other devices can sign in again only with the password.");
  }),
);

await start("account", show);
