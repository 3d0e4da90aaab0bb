// Users by name or id. A name goes into no path: paths are in access logs.

import { UUID } from "/pages/address.js";
import { request } from "/pages/session.js";

const ids = new Map(); // of what was asked
const names = new Map(); // promises, by id
let last = Promise.resolve(); // names are asked for one after the other

/** Whose name or id a text is: { user_id, username, status, labels, … }; null for nobody's. */
export async function userOf(text) {
  const [first, second] = UUID.test(text) ? ["user_id", "name"] : ["name", "user_id"];
  const user = (await lookUp(first, text)) ?? (await lookUp(second, text));
  if (user) ids.set(text, user.user_id);
  return user;
}

/** The id alone, which stays the same; also one that nobody has any more, of whom events are left. Null for nobody's. */
export const userIdOf = async (text) => ids.get(text) ?? (await userOf(text))?.user_id ?? ((await isLeft(text)) ? text : null);

/** The session, device or access token of an id, with its user: { row, user_id, username, … }; null for none. */
export const rowOf = (id) => lookUp("id", id);

/** The name of an id; null where nobody has it, or it cannot be asked for now. */
export function nameOf(userId) {
  if (!names.has(userId)) {
    last = last
      .then(() => lookUp("user_id", userId))
      .then(
        (user) => user?.username ?? null,
        () => forget(userId),
      );
    names.set(userId, last);
  }
  return names.get(userId);
}

function forget(userId) {
  names.delete(userId);
  return null;
}

// A name would be in the address of this request: only what can be an id alone is asked for.
async function isLeft(text) {
  if (!UUID.test(text) && !/^\d{1,20}$/.test(text)) return false;
  const page = await unlessNone(() => request("GET", `/console/events?user_id=${text}&limit=1`));
  return Boolean(page?.events.length);
}

const lookUp = (kind, text) => unlessNone(() => request("POST", "/console/lookup", { [kind]: text }));

async function unlessNone(ask) {
  try {
    return await ask();
  } catch (error) {
    if (error.status === 404 || error.code === "invalid_request") return null;
    throw error;
  }
}
