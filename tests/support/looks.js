// What is wrong with a page as it looks now: texts, one a fault. Read by tests/support/looks.py.

const SEEN = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true });
const CONTROLS = "button, input, select, textarea";
const LEAST = 3; // WCAG 2.2, 1.4.11

const named = (one) => one.outerHTML.slice(0, 160);

function colour(text) {
  const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
  return { r, g, b, a };
}

function ground(one) {
  for (let each = one; each; each = each.parentElement) {
    const found = colour(getComputedStyle(each).backgroundColor);
    if (found.a > 0) return found;
  }
  return colour("rgb(255, 255, 255)");
}

function light({ r, g, b }) {
  const [red, green, blue] = [r, g, b].map((value) => value / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

// A text that looks like a link needs no border; what has one is told from what is around by it, or by what it is filled with.
function hasNoEdge(control) {
  const style = getComputedStyle(control);
  const border = colour(style.borderTopColor);
  if (control.disabled || border.a === 0 || parseFloat(style.borderTopWidth) === 0) return false;
  const outside = ground(control.parentElement);
  return Math.max(contrast(border, outside), contrast(ground(control), outside)) < LEAST;
}

function isOffScreen(action) {
  const { left, right } = action.getBoundingClientRect();
  return left < -0.5 || right > innerWidth + 0.5;
}

// More lines than words: one was too narrow, and its letters stand below each other.
function isBroken(control) {
  const text = document.createRange();
  text.selectNodeContents(control);
  const lines = new Set([...text.getClientRects()].map(({ bottom }) => Math.round(bottom)));
  return lines.size > control.textContent.trim().split(/\s+/).length;
}

const seen = (selector) => [...document.querySelectorAll(selector)].filter(SEEN);
const width = document.documentElement.scrollWidth;

return [
  ...(width > innerWidth ? [`the page scrolls sideways: ${width} of ${innerWidth} pixels`] : []),
  ...seen(`a, summary, ${CONTROLS}`).filter(isOffScreen).map((one) => `off the screen: ${named(one)}`),
  ...seen("button, .button").filter(isBroken).map((one) => `words that are broken: ${named(one)}`),
  ...seen(CONTROLS).filter(hasNoEdge).map((one) => `a border of less than ${LEAST}:1: ${named(one)}`),
];
