// The figures of a span and the chart of it: what there was, beside the span before.

import { addressOf, instantOf, ownSpan, secondsOf } from "/pages/address.js";
import { Chart } from "/pages/chart.js";
import { byId, element, shape, withFocusKept } from "/pages/dom.js";
import { isWide, timeField } from "/pages/fields.js";
import { figuresOf } from "/pages/figures.js";
import { part } from "/pages/lists.js";
import { amount, counted } from "/pages/texts.js";
import { exact } from "/pages/times.js";

const KINDS = [
  { name: "logins", title: "Sign-ins" },
  { name: "failures", title: "Failures" },
  { name: "reuse", title: "Reused keys" },
  { name: "new_devices", title: "New devices" },
  { name: "revocations", title: "Ends" },
];
const TILES = [
  { name: "logins", title: "Sign-ins" },
  { name: "failures", title: "Failures", isBad: true },
  { name: "reuse", title: "Reused keys", isBad: true },
];
const TITLES = { "1h": "1 hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days" };
const DEFAULT = "24h";
const LINE = { width: 120, height: 28 };

/** Above the lists. go: called with an address. Returns { update, refresh }: update(address) before the first refresh. */
export function overview(go) {
  let address = null;
  const select = (chosen) =>
    go({ ...address, filter: { ...address.filter, from: chosen && instantOf(chosen.from), to: chosen && instantOf(chosen.to) } });
  const chart = new Chart(byId("chart"), KINDS, select);
  let shown = null;
  byId("over-time").open = isWide();

  function show(figures) {
    chart.draw(figures.bars, figures.minutes, selectedBy(address));
    return [
      element(
        "ul",
        { class: "tiles" },
        TILES.map((tile) => figureTile(tile, figures)),
        findingsTile(figures),
      ),
    ];
  }

  return {
    update(next) {
      const isOther = next.filter.span !== address?.filter.span || shown === null;
      address = next;
      withFocusKept(byId("spans"), () => byId("spans").replaceChildren(...spanChooser(address, go)));
      chart.mark(selectedBy(address));
      if (isOther) shown = part(byId("figures"), { load: () => figuresOf(address.filter.span ?? DEFAULT), show, empty: "", rows: 1 });
      return isOther;
    },
    refresh: () => shown.refresh(),
  };
}

const selectedBy = ({ filter: { from, to } }) => (from && to ? { from: secondsOf(from), to: secondsOf(to) } : null);

function spanChooser({ view, filter }, go) {
  const { span = DEFAULT } = filter;
  const kept = { ...filter, from: undefined, to: undefined };
  const links = Object.entries(TITLES).map(([name, title]) =>
    element(
      "a",
      { href: addressOf({ view, filter: { ...kept, span: name } }), "aria-current": name === span && "true", "data-focus": `span ${name}` },
      title,
    ),
  );
  const own = ownSpan(span);
  const form = element(
    "form",
    { class: "row", onsubmit: send },
    timeField("since", "From", own && instantOf(own.from), { required: true }),
    timeField("until", "To", own && instantOf(own.to), { required: true }),
    element("button", { type: "submit", "data-focus": "own" }, "Show"),
  );
  function send(event) {
    event.preventDefault();
    const [since, until] = ["since", "until"].map((each) => instantOf(new Date(form.elements[each].value).getTime() / 1000));
    go({ view, filter: { ...kept, span: `${since}/${until}` } });
  }
  return [
    element("nav", { class: "tabs", "aria-label": "Span of the figures" }, links),
    element(
      "details",
      { class: "own", open: own !== null },
      element("summary", { "data-focus": "span own" }, own ? `${exact(own.from)} to ${exact(own.to)}` : "Own span"),
      form,
    ),
  ];
}

function figureTile({ name, title, isBad = false }, { figures, previous, bars }) {
  const value = figures[name];
  return tile(title, value, change(value, previous[name]), isBad && value > 0, line(bars.map(({ counts }) => counts[name])));
}

function findingsTile({ open, figures, previous, bars }) {
  const told = `${counted(figures.findings, "report")}, ${change(figures.findings, previous.findings)}`;
  return tile("Open findings", open, told, open > 0, line(bars.map(({ counts }) => counts.findings)));
}

const tile = (title, value, told, isBad, picture) =>
  element(
    "li",
    isBad ? { class: "bad" } : {},
    element("span", {}, title),
    element("strong", {}, amount(value)),
    element("span", { class: "change" }, told),
    picture,
  );

// Beside the span before, of the same length.
function change(value, before) {
  if (value === before) return before ? "as many as before" : "none before either";
  if (!before) return "none before";
  const percent = Math.round((100 * (value - before)) / before);
  return `${percent > 0 ? "+" : "−"}${amount(Math.abs(percent))} % (before: ${amount(before)})`;
}

// A small line: its shape alone; the figures are beside it and in the chart's table.
function line(values) {
  const most = Math.max(1, ...values);
  const step = LINE.width / Math.max(1, values.length - 1);
  const points = values.map(
    (value, index) => `${(index * step).toFixed(1)},${(LINE.height - 2 - (value / most) * (LINE.height - 4)).toFixed(1)}`,
  );
  return shape(
    "svg",
    { class: "line", viewBox: `0 0 ${LINE.width} ${LINE.height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    shape("polyline", { points: points.join(" ") }),
  );
}
