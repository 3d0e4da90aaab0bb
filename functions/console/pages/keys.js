// The keys of the security page: what each does, and the dialog that says so and switches them off.

import { opened } from "/pages/dialogs.js";
import { byId, element } from "/pages/dom.js";
import { keysAreOn, listen, moveFocus, switchKeys } from "/pages/keyboard.js";
import { notice } from "/pages/toasts.js";

const HELP = [
  ["/", "go to the filter"],
  ["j", "next row"],
  ["k", "row before"],
  ["Enter", "open the row"],
  ["a", "acknowledge the finding"],
  ["?", "this help"],
];

/** place: where the rows are. */
export function keys(place) {
  const rows = () => [...place.querySelectorAll(".rows > li")];
  listen({
    "/": () => toFilter(place),
    j: () => moveFocus(rows(), 1),
    k: () => moveFocus(rows(), -1),
    a: () => acknowledge(place, rows()),
    "?": showHelp,
  });
  byId("keys").addEventListener("click", showHelp);
}

function toFilter(place) {
  const filter = place.querySelector(".filter");
  if (filter) filter.open = true;
  const field = filter?.querySelector("input, select") ?? byId("find-user").elements.user;
  field.focus();
  field.scrollIntoView({ block: "nearest" });
}

// Of the row that has the focus; where a finding is open, of that.
function acknowledge(place, rows) {
  const row = rows.find((one) => one.contains(document.activeElement)) ?? place;
  const buttons = row.querySelectorAll("[data-act=acknowledged]");
  if (buttons.length === 1) buttons[0].click();
  else notice("Which finding? Move to it by j and k.");
}

function showHelp() {
  const isOn = element("input", { type: "checkbox", checked: keysAreOn(), onchange: ({ target }) => switchKeys(target.checked) });
  const form = element(
    "form",
    { method: "dialog", class: "card" },
    element("h2", { id: "help-title" }, "Keyboard shortcuts"),
    element(
      "dl",
      { class: "claims" },
      HELP.map(([key, text]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, text)]).flat(),
    ),
    element("label", { class: "check" }, isOn, "Keys of one letter work on this page"),
    element("div", { class: "row actions" }, element("button", { type: "submit", autofocus: true }, "Close")),
  );
  opened(form, () => {}, { id: "help" });
}
