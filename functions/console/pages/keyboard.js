// Keys of one letter. They do nothing in fields, with a modifier, under a dialog, and where they are switched off (WCAG 2.1.4).

const OFF = "auth-user-tokens keys off"; // in this browser's storage

const isField = (target) => Boolean(target.closest?.("input, textarea, select, [contenteditable]"));
const isOffHere = () => localStorage.getItem(OFF) !== null;

export const keysAreOn = () => !isOffHere();
export function switchKeys(isOn) {
  if (isOn) localStorage.removeItem(OFF);
  else localStorage.setItem(OFF, "");
}

// acts: {key: function}; each may return false where it has nothing to do.
export function listen(acts) {
  document.addEventListener("keydown", (event) => {
    const isMeant = !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing && !event.defaultPrevented;
    if (!isMeant || isOffHere() || isField(event.target) || document.querySelector("dialog[open]")) return;
    if (acts[event.key] && acts[event.key](event) !== false) event.preventDefault();
  });
}

// Moves the focus among the rows of a list by as many as step says; into it where the focus is elsewhere.
export function moveFocus(rows, step) {
  if (!rows.length) return false;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step));
  const target = rows[next].querySelector("a[href], button, [tabindex]") ?? rows[next];
  target.focus();
  target.scrollIntoView({ block: "nearest" });
  return true;
}
