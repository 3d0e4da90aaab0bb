// What both pages share: requests with the session cookie and its CSRF token, the sign-in form, and small helpers
// that build the page of elements and text, never of markup.

// The CSRF token of the session whose cookie this browser holds; null until it is asked for.
let csrfToken = null;

// What the person can do about a refusal, where the service's own words are for programs (RFC 9470).
const TOLD = {
  insufficient_user_authentication: "This page asks for a recent sign-in with your password. Please sign in again.",
};

export class Refused extends Error {
  constructor(status, body) {
    super(TOLD[body?.error] ?? body?.error_description ?? `The service answered ${status}.`);
    this.status = status;
    this.code = body?.error;
  }
}

// A request with the session cookie and, where it changes something, its CSRF token. Another tab may have signed in
// anew: a token that is refused is asked for once more.
export async function request(method, path, body) {
  if (method === "GET" || path === "/auth/login") return send(method, path, body);
  const known = csrfToken;
  try {
    return await send(method, path, body, known ?? (await askForCsrfToken()));
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "access_denied" || known === null) throw error;
    if ((await askForCsrfToken()) === known) throw error;
    return send(method, path, body, csrfToken);
  }
}

async function askForCsrfToken() {
  try {
    csrfToken = (await send("GET", "/auth/session")).csrf_token;
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error;
    csrfToken = null; // The session is over: what is sent without a token says so, and signing out clears the cookie.
  }
  return csrfToken;
}

async function send(method, path, body, csrf) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrf) headers["X-CSRF-Token"] = csrf;
  const response = await fetch(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: "same-origin",
    cache: "no-store",
  });
  const text = await response.text();
  const parsed = text ? JSON.parse(text) : null;
  if (!response.ok) throw new Refused(response.status, parsed);
  return parsed;
}

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
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) showSignIn(true);
    notice(error.message, true);
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
      const session = { username, password, mode: "cookie", device: { name: "browser", platform: "web" } };
      try {
        csrfToken = (await request("POST", "/auth/login", session)).csrf_token;
      } catch (error) {
        if (error instanceof Refused && error.code === "invalid_credentials") error.status = 400;
        throw error;
      }
      form.reset();
      await enter(show);
    });
  });
  document.getElementById("sign-out").addEventListener("click", () =>
    attempt(async () => {
      await request("POST", "/auth/logout", {});
      csrfToken = null;
      showSignIn(true);
      notice("You are signed out.");
    }),
  );
  await enter(show, true);
}

async function enter(show, isFirst = false) {
  try {
    await show();
    showSignIn(false);
    notice("");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    showSignIn(true);
    const isNobody = isFirst && error.status === 401 && !(error.code in TOLD);
    notice(isNobody ? "" : error.message, !isFirst);
  }
}
