// Instants (epoch seconds) in words, exact on hover, kept true while the page is open.

import { element } from "/pages/dom.js";

const UNITS = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];
const STEP_MS = 5000;
const SKEW_S = 120; // by which the viewer's clock may be behind the service's
const WORDS = new Intl.RelativeTimeFormat(document.documentElement.lang, { style: "short", numeric: "auto" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export const nowS = () => Date.now() / 1000;

/** «3 min. ago», in a <time> that says the instant and its zone. */
export function ago(seconds) {
  return element("time", { ...about(seconds), "data-ago": String(seconds) }, since(seconds));
}

/** The instant itself, in the viewer's zone. */
export function exactly(seconds) {
  return element("time", about(seconds), exact(seconds));
}

export const exact = (seconds) => EXACT.format(new Date(seconds * 1000));

/** From one instant to another, what both have in common said once. */
export const between = (from, to) => EXACT.formatRange(new Date(from * 1000), new Date(to * 1000));

/** «40 s», «5 min»: how long something takes. */
export function span(seconds) {
  const [unit, length] = UNITS.find(([, of]) => seconds >= of) ?? ["second", 1];
  return new Intl.NumberFormat(undefined, { style: "unit", unit, unitDisplay: "short" }).format(Math.round(seconds / length));
}

function since(seconds) {
  const passed = nowS() - seconds;
  const size = Math.abs(passed);
  if (size < 5 || (passed < 0 && size < SKEW_S)) return "just now";
  const [unit, length] = UNITS.find(([, of]) => size >= of) ?? ["second", 1];
  return WORDS.format(-Math.sign(passed) * Math.floor(size / length), unit);
}

const about = (seconds) => ({ datetime: new Date(seconds * 1000).toISOString(), title: exact(seconds) });

setInterval(() => {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const text = since(Number(time.dataset.ago));
    if (time.textContent !== text) time.textContent = text;
  }
}, STEP_MS);
