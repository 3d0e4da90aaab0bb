// What people or their devices chose, and figures: shown so that none of it moves or turns what is around it.

import { element } from "/pages/dom.js";

const MOST_QUOTED = 40; // letters of a name in a sentence
const NUMBERS = new Intl.NumberFormat();
const COUNTRIES = new Intl.DisplayNames(document.documentElement.lang, { type: "region", fallback: "code" });

export const amount = (number) => NUMBERS.format(number);

/** «1 session», «3 sessions». */
export const counted = (number, one, more = `${one}s`) => `${amount(number)} ${number === 1 ? one : more}`;

/** A text of anybody's choice: in its own direction, cut after two lines, whole on demand. */
export function name(text) {
  const shown = element("bdi", { class: "cut" }, text);
  const more = element("button", { type: "button", class: "more", "aria-expanded": "false", hidden: true, onclick: unfold }, "Show all");
  function unfold() {
    const isOpen = shown.classList.toggle("cut");
    more.setAttribute("aria-expanded", String(!isOpen));
    more.textContent = isOpen ? "Show all" : "Show less";
  }
  overflow.observe(shown);
  return element("span", { class: "name" }, shown, more);
}

/** The same within a sentence: cut where it is long. */
export function quoted(text) {
  const letters = [...text];
  return element("bdi", { title: text }, letters.length > MOST_QUOTED ? `${letters.slice(0, MOST_QUOTED - 1).join("")}…` : text);
}

/** The country of a place in words. place: «IE 53.3 -6.3», or a code of the CDN's own, or empty for an unknown one. */
export function country(place) {
  const [code] = place.split(" ");
  return /^[A-Z]{2}$/.test(code) ? COUNTRIES.of(code) : code;
}

// A button to unfold stands beside what was cut, which depends on the width.
const overflow = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.classList.contains("cut")) target.nextElementSibling.hidden = target.scrollHeight <= target.clientHeight + 1;
  }
});
