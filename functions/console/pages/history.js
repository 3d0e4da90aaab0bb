// What happened to the account, in words, newest first.

import { element, focusOn } from "/pages/dom.js";
import { label } from "/pages/devices.js";
import { part } from "/pages/lists.js";
import { attempt, request } from "/pages/session.js";
import { country, quoted } from "/pages/texts.js";
import { ago } from "/pages/times.js";

const PAGE = 20;
const ENDS = {
  logout: "A session was signed out",
  revoked: "A session was ended",
  reuse: "A session ended, because an old key of it came back",
  replaced: "A session ended, as its browser signed in anew",
  device_forgotten: "A device was signed out",
  admin: "A session was ended",
};
const EVERYTHING = {
  password_changed: "All sessions ended, as the password was changed",
  user_disabled: "All sessions ended, as the account was closed",
};
// Each kind in words; what is newer than this page is told by its name.
const WORDS = {
  login_succeeded: () => "You signed in with your password",
  login_failed: () => "Somebody tried a wrong password",
  session_issued: ({ detail }) => (detail.amr === "device" ? "A remembered device signed in" : "You were signed in"),
  session_taken_over: () => "A session moved here from the Portal",
  legacy_token_revoked: () => "A session of the Portal was ended",
  step_up_succeeded: () => "You confirmed that it is you",
  step_up_failed: () => "A wrong password was given to confirm that it is you",
  new_device: () => "A new device signed in",
  session_evicted: () => "A session ended, as there were too many",
  token_reuse_detected: () => "An old key of a session was used; the session was ended",
  session_revoked: ({ detail }) => (detail.scope === "others" ? "Everything else was signed out" : detail.scope === "all" ? "Everything was signed out" : (ENDS[detail.reason] ?? ENDS.revoked)),
  device_revoked: ({ detail }) => (detail.reason === "evicted" ? "A device was forgotten, as there were too many" : "A device was signed out"),
  access_token_revoked: () => "An access token was ended",
  user_revoked: ({ detail }) => EVERYTHING[detail.reason] ?? "All sessions were ended",
  session_moved: () => "A session was used from far away, sooner than one can travel",
  token_key_mismatch: () => "A token was used without its key, and refused",
};
const ALARMING = new Set(["login_failed", "step_up_failed", "token_reuse_detected", "session_moved", "token_key_mismatch"]);
const BY = { operator: "by an operator", portal: "by the Portal", backend: "" };

/** The part of the page. deviceOf: id → a device of the account, where it is still there. */
export function historyOf(place, deviceOf) {
  const more = element("button", { type: "button", onclick: () => attempt(older) }, "Show older");
  let shown = [];
  let cursor = null;
  let items = null;

  const list = part(place, {
    load: () => request("GET", `/auth/events?limit=${PAGE}`),
    show: (page) => {
      [shown, cursor] = [page.events, page.next_cursor];
      items = element("ol", { class: "history" }, shown.map((event) => item(event, deviceOf)));
      more.hidden = !cursor;
      return shown.length ? [items, more] : [];
    },
    empty: "Nothing yet. Sign-ins, new devices and what was ended will stand here.",
    rows: 4,
  });

  async function older() {
    const page = await request("GET", `/auth/events?limit=${PAGE}&cursor=${cursor}`);
    const made = page.events.map((event) => item(event, deviceOf));
    cursor = page.next_cursor;
    shown = [...shown, ...page.events];
    items.append(...made);
    more.hidden = !cursor;
    if (made.length) focusOn(made[0]);
  }

  return { refresh: list.refresh, events: () => shown };
}

function item(event, deviceOf) {
  const text = (WORDS[event.type] ?? (() => event.type.replaceAll("_", " ")))(event);
  const device = deviceOf(event.detail.device_id);
  const from = country(event.detail.place ?? "");
  const about = [from && `from ${from}`, event.by && BY[event.by], event.current && "in this browser"].filter(Boolean);
  return element(
    "li",
    { class: ALARMING.has(event.type) && "alarming" },
    element("span", {}, text, device && [": ", quoted(label(device))], about.length > 0 && element("span", { class: "quiet" }, `, ${about.join(", ")}`)),
    ago(event.at),
  );
}
