// The events: a filter, rows in words, and a way out as a file.

import { addressOf, secondsOf } from "/pages/address.js";
import { element } from "/pages/dom.js";
import { choice, field, filterForm, timeField } from "/pages/fields.js";
import { pagedList } from "/pages/list.js";
import { part } from "/pages/lists.js";
import { userIdOf } from "/pages/lookup.js";
import { eventRow } from "/pages/rows.js";
import { filterOf, whyNothing } from "/pages/search.js";
import { attempt, request } from "/pages/session.js";
import { failure, notice } from "/pages/toasts.js";
import { EVENT_TYPES, SEVERITIES, titleOfType } from "/pages/words.js";

const FORMATS = { csv: "CSV", json: "JSON" };

/** The view of #events. Returns { refresh }. */
export function showEvents(place, { filter }, go) {
  const list = element("div", {});
  const { text, ...others } = filter;
  place.replaceChildren(element("h2", {}, "Events"), form(filter, go), text ? "" : exports(filter), list);
  if (text) return searched(list, text, others);
  return eventList(list, filter, "No event fits this filter. Leave a part of it out, or take a longer time.");
}

// A text becomes the filter that it stands for, beside the others, and the address says that one in its place: what is shown is
// what was understood. Until then, and where it stands for nothing, no event is asked for.
function searched(place, text, others) {
  const told = element("span", { class: "bad", role: "alert" });
  let isUnderstood = false; // or refused, for good
  const shown = part(place, {
    load: () => filterOf(text),
    show: (found) => {
      isUnderstood = true;
      told.textContent = found ? contradiction(text, found, others) : whyNothing(text);
      if (told.textContent || !place.isConnected) return [];
      location.replace(addressOf({ view: "events", filter: { ...others, ...found } }));
      if (found.user && found.user !== text) notice("That is the id of a device: these are all events of its user.");
      return [];
    },
    empty: told,
  });
  return { refresh: () => (isUnderstood ? null : shown.refresh()) };
}

function contradiction(text, found, others) {
  const name = Object.keys(found).find((each) => others[each] && others[each] !== found[each]);
  return name ? `“${text}” is another ${name} than “${others[name]}”, which the filter has. Leave one of them out.` : "";
}

/** A list of the events that a filter of an address chooses. Returns { refresh }. */
export function eventList(place, filter, empty) {
  const told = element("span", {}, empty);
  async function load(cursor) {
    const query = await queryOf(filter);
    told.textContent = query ? empty : `Nobody is called “${filter.user}”, or has that id.`;
    if (!query) return { items: [], next: null };
    if (cursor) query.set("cursor", cursor);
    const page = await request("GET", `/console/events?${query}`);
    return { items: page.events, next: page.next_cursor };
  }
  return pagedList(place, { load, item: eventRow, label: "Events, newest first", empty: told });
}

/** The service's parameters for a filter; null where it names a user that nobody is. */
export async function queryOf({ type, user, source, session, severity, from, to }) {
  const userId = user && (await userIdOf(user));
  if (userId === null) return null;
  const all = { type, user_id: userId, source, session_id: session, severity, since: secondsOf(from), until: secondsOf(to) };
  return new URLSearchParams(Object.entries(all).filter(([, value]) => value));
}

function form(filter, go) {
  const fields = [
    field("text", "Search", filter.text, { maxlength: "254", placeholder: "Name, id, source or kind of event" }),
    choice(
      "type",
      "What",
      EVENT_TYPES.map((type) => [type, titleOfType(type)]),
      filter.type,
    ),
    field("user", "User, by name or id", filter.user, { maxlength: "254" }),
    field("source", "Source", filter.source, { maxlength: "32", placeholder: "32 hexadecimal digits" }),
    field("session", "Session", filter.session, { maxlength: "36", placeholder: "id" }),
    choice(
      "severity",
      "Severity of findings",
      SEVERITIES.map((severity) => [severity, severity]),
      filter.severity,
    ),
    timeField("from", "From", filter.from),
    timeField("to", "To", filter.to),
  ];
  const clearTo = addressOf({ view: "events", filter: { span: filter.span } });
  return filterForm(
    fields,
    (chosen) => go({ view: "events", filter: { ...chosen, span: filter.span } }),
    clearTo,
    Object.keys(filter).some((name) => name !== "span"),
  );
}

// The file comes by a navigation, which brings the cookie: no script holds thousands of rows.
function exports(filter) {
  const buttons = Object.entries(FORMATS).map(([format, title]) =>
    element("button", { type: "button", "data-focus": format, onclick: () => attempt(() => save(filter, format)) }, `Export ${title}`),
  );
  return element("div", { class: "row exports" }, buttons);
}

async function save(filter, format) {
  const query = await queryOf(filter);
  if (!query) return failure("Nobody has this name or id, so there is nothing to export.");
  query.set("format", format);
  element("a", { href: `/console/events/export?${query}`, download: "" }).click();
}
