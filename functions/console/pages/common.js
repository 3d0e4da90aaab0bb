// What both pages share: the client of the session, the sign-in form, and small helpers that build the page of elements and
// text, never of markup.

import { AuthError, createClient } from "/pages/client.js";

const client = createClient({ issuer: location.origin, mode: "cookie" });

// What the person can do about a refusal, where the service's own words are for programs (RFC 9470).
const TOLD = {
  insufficient_user_authentication: "This page asks for a recent sign-in with your password. Please sign in again.",
  unreachable: "The service cannot be reached. Please try again.",
};
const textOf = (error) => TOLD[error.code] ?? error.message;

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
    if (error.status === 401 && error.code !== "invalid_credentials") showSignIn(true);
    notice(textOf(error), true);
    return undefined;
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
