// A list in pages. The first is loaded anew as long as nobody has asked for a second one.

import { element } from "/pages/dom.js";
import { part } from "/pages/lists.js";
import { attempt } from "/pages/session.js";

/** load: cursor or null → Promise of { items, next }; item: → a row; label: of the list, for those who hear it; empty: as of
`part`; shown: called with the first page. Returns { refresh }. */
export function pagedList(place, { load, item, label, empty, shown = () => {} }) {
  let isExtended = false;

  function show(page) {
    shown(page);
    if (!page.items.length && !page.next) return [];
    const list = element("ul", { class: "rows", "aria-label": label }, page.items.map(item));
    return [list, more(list, page.next)];
  }

  function more(list, next) {
    const button = element("button", { type: "button", hidden: !next, "data-focus": "more", onclick: extend }, "Show more");
    async function extend() {
      button.disabled = true;
      const page = await attempt(() => load(next), extend);
      button.disabled = false;
      if (!page) return;
      isExtended = true;
      const made = page.items.map(item);
      list.append(...made);
      button.replaceWith(more(list, page.next));
      made[0]?.querySelector("a, button")?.focus();
    }
    return button;
  }

  const first = part(place, { load: () => load(null), show, empty });
  return { refresh: () => (isExtended ? null : first.refresh()) };
}
