// Small pictures beside a text that says the same.

import { shape } from "/pages/dom.js";

const PATHS = {
  computer: "M4 5h16v11H4zM2 20h20M9 16v4M15 16v4",
  phone: "M7 2h10v20H7zM11 18h2",
  tablet: "M4 3h16v18H4zM11 18h2",
  program: "M3 5h18v14H3zM7 10l3 2.5L7 15M12 15h5",
  pencil: "M4 20l1-5L16 4l4 4L9 19zM14 6l4 4",
  alarm: "M12 3l10 18H2zM12 10v5M12 17.5v.5",
};

export function icon(name) {
  return shape("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, shape("path", { d: PATHS[name] }));
}
