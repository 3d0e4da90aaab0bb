// Fields of the filters. Times are typed and shown by the viewer's clock, and are in addresses by UTC.

import { instantOf, secondsOf } from "/pages/address.js";
import { element } from "/pages/dom.js";

/** Is there room for more than the list itself? */
export const isWide = () => matchMedia("(min-width: 44rem)").matches;

/** A form whose fields become the address: those that are empty are left out. go: called with the filter; clearTo: an address
without one; isUsed: it stays open on a narrow screen, too. */
export function filterForm(fields, go, clearTo, isUsed) {
  const form = element(
    "form",
    { class: "row", role: "search", onsubmit: (event) => (event.preventDefault(), go(readFrom(event.target))) },
    fields,
    element("button", { type: "submit", class: "primary", "data-focus": "filter" }, "Filter"),
    element("a", { href: clearTo, class: "clear", "data-focus": "clear" }, "Clear"),
  );
  return element("details", { class: "filter", open: isUsed || isWide() }, element("summary", { "data-focus": "unfold" }, "Filter"), form);
}

export function choice(name, title, options, value) {
  const made = [["", "any"], ...options].map(([key, text]) => element("option", { value: key, selected: key === (value ?? "") }, text));
  return element("label", {}, title, element("select", { name, "data-focus": name }, made));
}

export function field(name, title, value, about = {}) {
  return element(
    "label",
    {},
    title,
    element("input", { name, value: value ?? "", autocomplete: "off", spellcheck: "false", "data-focus": name, ...about }),
  );
}

/** value: as in addresses. */
export function timeField(name, title, value, about = {}) {
  return field(name, title, value && localOf(secondsOf(value)), { type: "datetime-local", step: "60", ...about });
}

function readFrom(form) {
  const pairs = [...form.elements].filter((one) => one.name && one.value.trim()).map((one) => [one.name, valueOf(one)]);
  return Object.fromEntries(pairs);
}

const valueOf = (input) => (input.type === "datetime-local" ? instantOf(new Date(input.value).getTime() / 1000) : input.value.trim());

function localOf(seconds) {
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
