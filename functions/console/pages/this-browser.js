// Which device this browser is, for each person who signs in here: else each sign-in would make a new one.
//
// Two people may share a browser, so an id is kept for each. Names are not: a key is a hash of one. The service takes an id
// for its own user's device alone, and makes a new one where it is of somebody else, forgotten or wrong.

import { program } from "/pages/agents.js";

const KEY = "auth-user-tokens devices";
const MOST = 10; // people of one browser
const ID = /^[0-9a-f-]{36}$/;

/** What a sign-in says of this browser. A device that is known keeps its name: its owner may have chosen it. */
export async function deviceFor(username) {
  const id = kept()[await keyOf(username)];
  return ID.test(id) ? { id, platform: "web" } : { id: undefined, name: program(navigator.userAgent), platform: "web" };
}

/** Keeps what the service made of it. */
export async function keepDevice(username, id) {
  const { [await keyOf(username)]: _, ...others } = kept();
  const newest = [[await keyOf(username), id], ...Object.entries(others)].slice(0, MOST);
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(newest)));
  } catch {
    // A browser that keeps nothing is a new device each time.
  }
}

function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY));
    return found && typeof found === "object" ? found : {};
  } catch {
    return {};
  }
}

async function keyOf(username) {
  const text = new TextEncoder().encode(`auth-user-tokens ${username.trim().normalize("NFKC").toLowerCase()}`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  return [...hash.slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
