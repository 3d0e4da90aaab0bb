// What a text in the search box of the events stands for. Each meaning is one of the filters, which the service answers by an
// index; it has none for words within events, so a text that is nothing of this is refused.

import { SOURCE, UUID, nearest } from "/pages/address.js";
import { rowOf, userIdOf } from "/pages/lookup.js";
import { request } from "/pages/session.js";
import { EVENT_TYPES, SEVERITIES, titleOfType } from "/pages/words.js";

const PART_OF_SOURCE = /^[0-9a-f]{8,31}$/i; // a row shows the first eight digits
const WHAT_IT_MAY_BE =
  "Events are looked for by a whole user name, the id of a user, session or device, a source of 32 hexadecimal digits, or a kind such as “login_failed”.";

/** The filter that a text stands for, such as { type }; null for nothing. */
export async function filterOf(text) {
  const type = typeOf(text);
  if (type) return { type };
  if (SEVERITIES.includes(text.toLowerCase())) return { severity: text.toLowerCase() };
  if (SOURCE.test(text)) return { source: text.toLowerCase() };
  if ((await userIdOf(text)) !== null) return { user: text };
  return UUID.test(text) ? filterOfId(text) : null;
}

/** Why a text stands for nothing, and what would be right. */
export function whyNothing(text) {
  if (PART_OF_SOURCE.test(text)) return `“${text}” is a part of a source at most: follow the link in a row, or give all 32 digits.`;
  const near = nearest(text, EVENT_TYPES);
  return `“${text}” is nothing that events are looked for by. ${near ? `Did you mean “${near}”? ` : ""}${WHAT_IT_MAY_BE}`;
}

// By its name or by the words that the page has for it.
function typeOf(text) {
  const lower = text.toLowerCase();
  return EVENT_TYPES.find((type) => type === lower.replace(/[\s-]+/g, "_") || titleOfType(type).toLowerCase() === lower);
}

// Events are kept for longer than sessions, and name no devices: of a device, its user.
async function filterOfId(id) {
  const { events } = await request("GET", `/console/events?session_id=${id}&limit=1`);
  if (events.length) return { session: id };
  const found = await rowOf(id);
  if (!found) return null;
  return found.row.kind === "device" ? { user: found.username ?? found.user_id } : { session: id };
}
