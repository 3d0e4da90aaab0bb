// A bar chart as SVG, with the same figures as a table for those who do not see it.

import { element, shape } from "/pages/dom.js";

const WIDTH = 480;
const HEIGHT = 140;
const BOTTOM = 18;

// points: [{at: epoch seconds, value}]; byDay: how instants are told.
export function barChart(title, points, { isBad = false, byDay = false } = {}) {
  const tell = (at) => {
    const date = new Date(at * 1000);
    return byDay ? date.toLocaleDateString() : date.toLocaleString([], { weekday: "short", hour: "2-digit" });
  };
  const most = Math.max(1, ...points.map((point) => point.value));
  const total = points.reduce((sum, point) => sum + point.value, 0);
  const step = WIDTH / Math.max(1, points.length);
  const bars = points.map((point, index) => {
    const height = (point.value / most) * (HEIGHT - BOTTOM - 14);
    const bar = shape("rect", {
      class: isBad ? "bar bad" : "bar",
      x: (index * step + step * 0.1).toFixed(1),
      y: (HEIGHT - BOTTOM - height).toFixed(1),
      width: (step * 0.8).toFixed(1),
      height: height.toFixed(1),
    });
    bar.append(shape("title", {}, `${tell(point.at)}: ${point.value}`));
    return bar;
  });
  const base = HEIGHT - BOTTOM;
  const picture = shape(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${total} in all, ${most} at the most in one step` },
    ...bars,
    shape("line", { class: "axis", x1: 0, y1: base, x2: WIDTH, y2: base }),
    shape("text", { x: 0, y: 10 }, String(most)),
    shape("text", { x: 0, y: HEIGHT - 4 }, points.length ? tell(points[0].at) : ""),
    shape("text", { x: WIDTH, y: HEIGHT - 4, "text-anchor": "end" }, points.length ? tell(points.at(-1).at) : ""),
  );
  return element("figure", {}, element("figcaption", {}, title), picture, asTable(title, points, tell));
}

function asTable(title, points, tell) {
  const made = points
    .filter((point) => point.value > 0)
    .map((point) => element("tr", {}, element("th", { scope: "row" }, tell(point.at)), element("td", { class: "amount" }, String(point.value))));
  const table = element("table", {}, element("caption", {}, `${title}, steps with any`), element("tbody", {}, ...made));
  return element("details", {}, element("summary", {}, "As a table"), table);
}
