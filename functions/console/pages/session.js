// The session of this browser: requests in it, the question for the password where one asks for more, and its end.

import { createClient } from "/pages/client.js";
import { element } from "/pages/dom.js";
import { opened } from "/pages/dialogs.js";
import { STEP_UP, isExpected, told } from "/pages/refusals.js";
import { clearFailures, failure } from "/pages/toasts.js";

const REACHED = "urn:auth-user-tokens:acr:password"; // the acr of a password
const MORE = "This asks for a stronger sign-in than a password. Please sign in again the way you did before.";

export const client = createClient({ issuer: location.origin, mode: "cookie" });

const challenges = new Map(); // by the address of a request: what it asked of the sign-in
client.addEventListener("stepup", ({ detail }) => challenges.set(detail.url, detail));

let acts = 0; // of the person
let gaveUpAt = -1; // the act with which they gave up the question
let raised = 0; // how often they gave the password
let asking = null; // one question for all requests that are refused at once
let wantsMore = false; // than a password
let ended = () => {};

for (const kind of ["submit", "hashchange"]) addEventListener(kind, () => (acts += 1), true);
addEventListener("click", ({ target }) => target.closest("a, button") && (acts += 1), true);

/** What asks for a recent sign-in waits for the password, and is sent once more. */
export async function request(method, path, body) {
  const began = { acts, raised };
  try {
    return await client.request(method, path, body);
  } catch (error) {
    if (error.code !== STEP_UP || !(await isRaised(path, began))) throw error;
    return client.request(method, path, body);
  }
}

/** Every page of a list, one after the other. path: without a query; name: of the list in the answer. */
export async function pagesOf(path, name) {
  const pages = [];
  let cursor = "";
  do {
    pages.push(await request("GET", `${path}?limit=100${cursor}`));
    const next = pages.at(-1).next_cursor;
    cursor = next ? `&cursor=${encodeURIComponent(next)}` : "";
  } while (cursor);
  return { ...pages[0], [name]: pages.flatMap((page) => page[name]) };
}

/** Runs something that may be refused, and says so where it is. Resolves to undefined then. again: the way on, where
repeating it helps; none where the person has to press the same button anyway. */
export async function attempt(action, again = null) {
  try {
    const done = await action();
    clearFailures();
    return done;
  } catch (error) {
    if (!isExpected(error)) throw error;
    if (isSessionOver(error)) ended();
    else failure(sentence(error), wayOn(told(error).way, again));
    return undefined;
  }
}

/** Why it did not work, in a sentence. */
export const sentence = (error) => (wantsMore && error.code === STEP_UP ? MORE : told(error).text);

export const isSessionOver = (error) => error.status === 401 && error.code !== "invalid_credentials" && error.code !== STEP_UP;

/** What to do when a request shows that the session is over. One listener: the frame. */
export function onEnded(listener) {
  ended = listener;
}

function wayOn(way, again) {
  if (way === "reload") return { title: "Load the page again", act: () => location.reload() };
  return way === "retry" && again ? { title: "Try again", act: again } : null;
}

// True once the person has given the password. Who gives up settles it for all that began until then, whenever it is refused,
// and for what begins by itself: only another act of theirs may ask again.
async function isRaised(path, began) {
  const asked = challenges.get(new URL(path, location.origin).href); // none where something on the way left its header out
  wantsMore = Boolean(asked?.acrValues) && !asked.acrValues.split(" ").includes(REACHED);
  if (!asked || wantsMore) return false;
  if (raised > began.raised) return true;
  if (!asking && began.acts <= gaveUpAt) return false;
  asking ??= passwordDialog(asked).finally(() => (asking = null));
  return asking;
}

// asked: what goes with the password. Stays open until the password is right or the person gives up.
function passwordDialog(asked) {
  const refused = element("p", { role: "alert", class: "bad" });
  const field = element("input", { name: "password", type: "password", autocomplete: "current-password", required: true, autofocus: true });
  const proceed = element("button", { type: "submit", class: "primary" }, "Continue");
  const cancel = element("button", { type: "button", onclick: () => form.closest("dialog").close() }, "Cancel");
  const form = element(
    "form",
    { class: "card", onsubmit: send },
    element("h2", { id: "step-up-title" }, "Your password, please"),
    element("p", {}, "You signed in a while ago. Please confirm that it is you."),
    element("input", { name: "username", autocomplete: "username", hidden: true }), // browsers look for one
    element("label", {}, "Password", field),
    refused,
    element("div", { class: "row actions" }, proceed, cancel),
  );
  async function send(event) {
    event.preventDefault();
    proceed.disabled = true;
    const refusal = await stepUp(field.value, asked);
    proceed.disabled = false;
    if (refusal === null) return form.closest("dialog").close("raised");
    refused.textContent = refusal;
    field.value = "";
    field.focus();
  }
  return opened(form, answered, { id: "step-up" });
}

function answered(value) {
  if (value === "raised") raised += 1;
  else gaveUpAt = acts;
  return value === "raised";
}

// Null where the session is raised, else what the person is told.
async function stepUp(password, asked) {
  try {
    await client.stepUp(password, asked);
    return null;
  } catch (error) {
    if (!isExpected(error)) throw error;
    return error.code === "invalid_credentials" ? "The password is wrong." : sentence(error);
  }
}
