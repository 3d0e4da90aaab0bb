// What both pages share: the client of the session, the sign-in form, the question for the password, and small helpers that
// build the page of elements and text, never of markup.

import { AuthError, createClient } from "/pages/client.js";

const client = createClient({ issuer: location.origin, mode: "cookie", onStepUp: askForPassword });

const STEP_UP = "insufficient_user_authentication"; // RFC 9470
const REACHED = "urn:auth-user-tokens:acr:password"; // the acr of a password
let asking = null; // one question for all requests that are refused at once
let wantsMore = false; // than a password

// What the person can do about a refusal, where the service's own words are for programs.
const TOLD = {
  [STEP_UP]: "This asks for a recent sign-in with your password. Nothing was changed.",
  rate_limited: "Too many attempts. Please try again later.",
  unreachable: "The service cannot be reached. Please try again.",
};
const MORE = "This asks for a stronger sign-in than a password. Please sign in again the way you did before.";
const textOf = (error) => (wantsMore && error.code === STEP_UP ? MORE : (TOLD[error.code] ?? error.message));

export const request = (method, path, body) => client.request(method, path, body);

// Every page of a list, one after the other. path: without a query; name: of the list in the answer.
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

export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function instant(seconds) {
  const at = new Date(seconds * 1000);
  return element("time", { datetime: at.toISOString() }, at.toLocaleString());
}

export function rows(table, made, empty) {
  const columns = table.tHead.rows[0].cells.length;
  const none = element("tr", {}, element("td", { colspan: String(columns) }, empty));
  table.tBodies[0].replaceChildren(...(made.length ? made : [none]));
}

export function notice(text, isBad = false) {
  const place = document.getElementById("notice");
  place.textContent = text;
  place.classList.toggle("bad", isBad);
}

// Runs something that may be refused. A session that is over brings the sign-in form back.
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    if (error.status === 401 && error.code !== "invalid_credentials" && error.code !== STEP_UP) showSignIn(true);
    notice(textOf(error), true);
    return undefined;
  }
}

// A request was refused until the person has authenticated again. True once they have: the client repeats it then.
function askForPassword({ acrValues, maxAgeS }) {
  wantsMore = Boolean(acrValues) && !acrValues.split(" ").includes(REACHED);
  if (wantsMore) return false;
  asking ??= passwordDialog({ acrValues, maxAgeS }).finally(() => (asking = null));
  return asking;
}

// asked: what goes with the password. Stays open until the password is right or the person gives up.
function passwordDialog(asked) {
  const told = element("p", { role: "alert" });
  const field = element("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
  const proceed = element("button", { type: "submit" }, "Continue");
  const cancel = element("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
  const form = element(
    "form",
    { class: "sign-in", onsubmit: send },
    element("h2", { id: "step-up-title" }, "Your password, please"),
    element("p", {}, "You signed in a while ago. Please confirm that it is you."),
    element("input", { name: "username", autocomplete: "username", hidden: true }), // browsers look for one
    element("label", {}, "Password ", field),
    told,
    element("div", { class: "row" }, proceed, cancel),
  );
  const dialog = element("dialog", { id: "step-up", "aria-labelledby": "step-up-title" }, form);
  async function send(event) {
    event.preventDefault();
    proceed.disabled = true;
    const refusal = await stepUp(field.value, asked);
    proceed.disabled = false;
    if (refusal === null) return dialog.close("raised");
    told.textContent = refusal;
    field.value = "";
    field.focus();
  }
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "raised");
    });
  });
}

// Null where the session is raised, else what the person is told.
async function stepUp(password, asked) {
  try {
    await client.stepUp(password, asked);
    return null;
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    return error.code === "invalid_credentials" ? "The password is wrong." : textOf(error);
  }
}

function showSignIn(isShown) {
  document.getElementById("sign-in").hidden = !isShown;
  document.getElementById("content").hidden = isShown;
  document.getElementById("sign-out").hidden = isShown;
}

// Wires sign-in and sign-out, and shows the page once there is a session. show: fills the page.
export async function start(show) {
  const form = document.getElementById("sign-in");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      const { username, password } = Object.fromEntries(new FormData(form));
      await client.signIn({ username, password, device: { name: "browser", platform: "web" } });
      form.reset();
      await enter(show);
    });
  });
  document.getElementById("sign-out").addEventListener("click", () => attempt(() => client.signOut()));
  client.addEventListener("signedout", ({ detail }) => {
    showSignIn(true);
    notice(detail.reason === "session_over" ? "Your session is over. Please sign in again." : "You are signed out.");
  });
  if (await attempt(() => client.ready)) await enter(show);
  else showSignIn(true);
}

async function enter(show) {
  try {
    await show();
    showSignIn(false);
    notice("");
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    showSignIn(true);
    notice(textOf(error), true);
  }
}
