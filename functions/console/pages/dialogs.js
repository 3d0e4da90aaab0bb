// The one dialog that asks before something ends, or for a word on it.

import { element } from "/pages/dom.js";

/** Asks once. Resolves to true, or with a field to its text; to null where the person thinks better of it.

title: the question, a text or pieces of one; told: sentences or elements, what ends and when it holds; act: the button's own words («End 3 sessions»);
isDanger: it cannot be undone; field: { label, value, maxLength, isRequired }, for a reason, a note, a name. The focus goes
back to where it was. */
export function asked({ title, told = [], act, isDanger = true, field = null }) {
  const input = field && fieldOf(field);
  const form = element(
    "form",
    { method: "dialog", class: "card" },
    element("h2", { id: "dialog-title" }, title),
    told.map((one) => (one instanceof Element ? one : element("p", {}, one))),
    field && element("label", {}, field.label, input),
    element(
      "div",
      { class: "row actions" },
      element("button", { type: "submit", value: "yes", class: isDanger ? "danger" : "primary" }, act),
      element("button", { type: "submit", value: "", formnovalidate: true, autofocus: !field }, "Cancel"),
    ),
  );
  return opened(form, (value) => (value === "yes" ? (input ? input.value.trim() : true) : null));
}

/** Shows a form as a modal dialog until it is closed. Resolves to what `result` makes of its return value. */
export function opened(form, result, { id = "dialog" } = {}) {
  const dialog = element("dialog", { id, "aria-labelledby": form.querySelector("h2").id }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result(dialog.returnValue));
    });
  });
}

function fieldOf({ value = "", maxLength = 200, isRequired = true }) {
  return element("input", { name: "text", value, maxlength: String(maxLength), required: isRequired, autofocus: true, autocomplete: "off" });
}
