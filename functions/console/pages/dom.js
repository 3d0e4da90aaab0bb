// Elements and text, never markup: a device called `<script>` is just a name.

const SVG = "http://www.w3.org/2000/svg";

/** An element. properties: attributes; `onclick` and the like: listeners; false and null are left out. */
export function element(name, properties = {}, ...children) {
  return built(document.createElement(name), properties, children);
}

/** The same of SVG. */
export function shape(name, properties = {}, ...children) {
  return built(document.createElementNS(SVG, name), properties, children);
}

export const byId = (id) => document.getElementById(id);

/** Runs a change of what is in `place`. The focus stays on its element, or goes to the next one that is left.

An element is known by its `data-focus` before and after; the last resort is the first heading of `place`. */
export function withFocusKept(place, change) {
  const held = place.contains(document.activeElement) ? document.activeElement : null;
  const keys = [...place.querySelectorAll("[data-focus]")].map((one) => one.dataset.focus);
  change();
  if (!held || held.isConnected) return;
  const at = keys.indexOf(held.closest("[data-focus]")?.dataset.focus);
  const wanted = at < 0 ? [] : [keys[at], ...keys.slice(at + 1), ...keys.slice(0, at).reverse()];
  const left = new Map([...place.querySelectorAll("[data-focus]")].map((one) => [one.dataset.focus, one]));
  const next = wanted.map((key) => left.get(key)).find((one) => one?.checkVisibility() && !one.disabled);
  focusOn(next ?? place.querySelector("h1, h2, h3") ?? place);
}

/** Moves the focus, also to a heading. */
export function focusOn(target) {
  if (target.tabIndex < 0) target.tabIndex = -1;
  target.focus();
}

function built(made, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}
