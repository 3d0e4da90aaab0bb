// A part of a page whose content is loaded: skeleton, content, nothing, failure, or old content with its age.

import { element, withFocusKept } from "/pages/dom.js";
import { isExpected, told } from "/pages/refusals.js";
import { attempt, isSessionOver, sentence } from "/pages/session.js";
import { ago, nowS } from "/pages/times.js";

const MAX_WAIT_S = 60; // of a service that asks to wait: longer, and the person decides

const refused = new Set(); // what each part that was refused does once the network is back

addEventListener("online", () => {
  for (const tryAgain of refused) tryAgain();
});

/** A part. `place`: an element whose content it becomes.

load: () → Promise of data; show: data → elements, or none where it is empty; empty: the sentence for that, with what would
fill it; rows: of the skeleton. The answer has `refresh()`, which loads and shows again: the content stays meanwhile, the
focus too, and a failure leaves it there with its age. It resolves to null, or to what it was refused by. */
export function part(place, { load, show, empty, rows = 3 }) {
  const state = element("div", { class: "state" });
  const content = element("div", { class: "content" });
  let loadedAt = null;
  let timer;

  async function refresh() {
    clearTimeout(timer);
    refused.delete(tryAgain);
    if (loadedAt === null) content.replaceChildren(skeleton(rows));
    place.setAttribute("aria-busy", "true");
    try {
      const data = await load();
      loadedAt = nowS();
      withFocusKept(place, () => {
        const made = show(data);
        content.replaceChildren(...(made.length ? made : [element("p", { class: "empty" }, empty)]));
        state.replaceChildren();
      });
      return null;
    } catch (error) {
      if (!isExpected(error)) throw error;
      if (isSessionOver(error)) await attempt(() => Promise.reject(error));
      else fail(error);
      return error;
    } finally {
      place.removeAttribute("aria-busy");
    }
  }

  function fail(error) {
    const again = element("button", { type: "button", "data-focus": "try-again", onclick: refresh }, "Try again");
    const age = loadedAt !== null && element("span", {}, "What you see was updated ", ago(loadedAt), ".");
    withFocusKept(place, () => {
      if (loadedAt === null) content.replaceChildren();
      state.replaceChildren(element("div", { class: "refusal", role: "status" }, element("p", {}, sentence(error), " ", age), again));
    });
    const waitS = error.retryAfterMs / 1000;
    if (told(error).way === "retry" && waitS > 0 && waitS <= MAX_WAIT_S) timer = setTimeout(tryAgain, error.retryAfterMs);
    refused.add(tryAgain);
  }

  // Unless the page shows something else by now.
  function tryAgain() {
    if (state.isConnected) refresh();
    else refused.delete(tryAgain);
  }

  place.replaceChildren(state, content);
  return { refresh };
}

function skeleton(rows) {
  const bars = Array.from({ length: rows }, () => element("div", { class: "skeleton" }));
  return element("div", { role: "status" }, element("span", { class: "unseen" }, "Loading …"), bars);
}
