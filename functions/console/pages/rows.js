// Security events as rows of a list, and the drawer with all that one of them says.

import { addressOf } from "/pages/address.js";
import { opened } from "/pages/dialogs.js";
import { element } from "/pages/dom.js";
import { nameOf } from "/pages/lookup.js";
import { ago, exactly } from "/pages/times.js";
import { isOfNobody, sayEvent, titleOfType } from "/pages/words.js";

const INSTANTS = ["first_at", "last_at", "since", "until", "before"]; // of details

/** A link to what somebody did and has: by the id at first, by the name once that is known. */
export function userLink(userId) {
  const shown = element("bdi", {}, userId);
  const link = element("a", { href: addressOf({ view: "users", id: userId }), class: "user-link", title: userId }, shown);
  nameOf(userId).then((name) => name && (shown.textContent = link.title = name));
  return link;
}

/** A link to all events from a network. source: 32 hexadecimal digits, which say nothing but same or other. */
export function sourceLink(source) {
  return element(
    "a",
    { href: addressOf({ view: "events", filter: { source } }), title: source },
    "source ",
    element("code", {}, source.slice(0, 8)),
  );
}

export function eventRow(event) {
  const open = element(
    "button",
    {
      type: "button",
      class: "open",
      "data-focus": event.id,
      "aria-haspopup": "dialog",
      "aria-label": `Details: ${titleOfType(event.type)}`,
      onclick: () => openDrawer(event),
    },
    "Details",
  );
  return element(
    "li",
    { class: "happened" },
    element("span", { class: "when" }, ago(event.at)),
    element("span", { class: "what" }, sentence(event), by(event)),
    element("span", { class: "where" }, event.source && sourceLink(event.source)),
    open,
  );
}

function sentence(event) {
  const who = event.user_id && userLink(event.user_id);
  if (isOfNobody(event)) return [sayEvent(event), who && ": ", who];
  return [who ?? "Somebody unknown", " ", sayEvent(event)];
}

// Who acted on somebody else's account.
function by(event) {
  const actor = event.detail?.actor;
  return actor ? element("span", { class: "quiet" }, " · by ", actorName(actor)) : null;
}

/** An operator as a link, a principal by its name. */
export function actorName(actor) {
  return actor.startsWith("user:") ? userLink(actor.slice(5)) : element("bdi", { class: "cut", title: actor }, actor);
}

function openDrawer(event) {
  const members = Object.entries(event.detail ?? {}).flatMap(([name, value]) => [
    element("dt", {}, name),
    element("dd", {}, INSTANTS.includes(name) ? exactly(value) : String(value)),
  ]);
  const form = element(
    "form",
    { method: "dialog", class: "card" },
    element("h2", { id: "drawer-title" }, titleOfType(event.type)),
    element("p", {}, sentence(event), by(event)),
    element("p", {}, exactly(event.at)),
    element(
      "ul",
      { class: "ways" },
      waysOn(event).map(([text, address]) => element("li", {}, element("a", { href: addressOf(address) }, text))),
    ),
    element("dl", { class: "claims" }, members),
    element(
      "details",
      {},
      element("summary", {}, "As the service has it"),
      element("pre", { tabindex: "0" }, JSON.stringify(event, null, 2)),
    ),
    element("div", { class: "row actions" }, element("button", { type: "submit", autofocus: true }, "Close")),
  );
  form.addEventListener("click", ({ target }) => target.closest("a") && form.closest("dialog").close());
  opened(form, () => {}, { id: "drawer" });
}

function waysOn({ id, type, user_id: user, source, session_id: session, detail }) {
  const finding = { finding: id, finding_changed: detail?.finding_id }[type];
  return [
    user && ["This user: sessions, devices, timeline", { view: "users", id: user }],
    user && ["All events of this user", { view: "events", filter: { user } }],
    source && ["All events from this source", { view: "events", filter: { source } }],
    session && ["All events of this session", { view: "events", filter: { session } }],
    finding && ["The finding", { view: "findings", id: finding }],
  ].filter(Boolean);
}
