// What is said on top when a used-up token came back: somebody may have had a copy.

import { byId, element, withFocusKept } from "/pages/dom.js";
import { service } from "/pages/frame.js";
import { icon } from "/pages/icons.js";
import { country, quoted } from "/pages/texts.js";
import { program } from "/pages/agents.js";
import { ago } from "/pages/times.js";

/** reused: the sessions that ended so, of GET /auth/sessions; events: the account's newest, which say from where; endOthers: the act. */
export function showAlarm(reused, events, endOthers) {
  withFocusKept(byId("alarm"), () => byId("alarm").replaceChildren(...(reused.length ? [alarm(reused, events, endOthers)] : [])));
}

function alarm(reused, events, endOthers) {
  return element(
    "section",
    { class: "card alarm", "aria-labelledby": "alarm-title" },
    element("h2", { id: "alarm-title" }, icon("alarm"), "Somebody used an old key of your session"),
    element("ul", {}, reused.map((session) => element("li", {}, sentence(session, events)))),
    element("p", {}, "It may have been a copy that was stolen. If it was not you, change your password and end everything else."),
    element(
      "div",
      { class: "row actions" },
      passwordAction(),
      element("button", { type: "button", class: "danger", "data-focus": "alarm", onclick: endOthers }, "End everything else"),
    ),
  );
}

function sentence(session, events) {
  const back = events.find((event) => event.type === "token_reuse_detected" && event.session_id === session.session_id);
  const from = country(back?.detail.place ?? "");
  const on = quoted(session.device_name || program(session.user_agent) || "an unnamed device");
  return ["On ", on, from ? `, from ${from}, ` : ", ", ago(session.ended_at), ". We ended that session."];
}

function passwordAction() {
  const url = service().password_url;
  if (url) return element("a", { class: "button primary", href: url, rel: "noreferrer", target: "_blank" }, "Change password");
  return element("p", {}, "Change the password where you usually do.");
}
