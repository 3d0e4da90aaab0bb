// What just happened, pinned where it is seen and announced to those who hear the page.

import { byId, element } from "/pages/dom.js";

const SHOWN_MS = 8000;

/** The two regions: a success is announced when there is time, a failure at once. */
export function toastRegions() {
  return element(
    "div",
    { class: "toasts" },
    element("div", { id: "failures", role: "alert", "aria-live": "assertive" }),
    element("div", { id: "notices", role: "status", "aria-live": "polite" }),
  );
}

/** Says that something was done: a text, or pieces of one. It goes by itself. */
export function notice(text) {
  const made = toast(text);
  show("notices", made);
  const timer = setInterval(() => {
    if (made.matches(":hover, :focus-within")) return;
    clearInterval(timer);
    made.remove();
  }, SHOWN_MS);
}

/** Says that something failed. It stays until it is closed, or anything succeeds. way: { title, act }, the way on. */
export function failure(text, way = null) {
  const made = toast(text, way);
  show("failures", made);
  return made;
}

export function clearFailures() {
  byId("failures").replaceChildren();
}

/** For what is true no longer, such as that one is signed out. */
export function clearNotices() {
  byId("notices").replaceChildren();
}

function toast(text, way = null) {
  const close = element("button", { type: "button", class: "quiet", "aria-label": "Close this message", onclick: () => made.remove() }, "×");
  const proceed = way && element("button", { type: "button", onclick: () => (made.remove(), way.act()) }, way.title);
  const made = element("div", { class: "toast" }, element("p", {}, text), proceed, close);
  return made;
}

// One at a time of each: the newest is what the person waits for.
function show(region, made) {
  if (region === "notices") clearFailures();
  byId(region).replaceChildren(made);
}
