// What happened over time: stacked bars as SVG, each a button, and the same figures as a table for who asks.

import { barLabel, ticksOf, topOf } from "/pages/bars.js";
import { element, shape } from "/pages/dom.js";
import { amount } from "/pages/texts.js";

const HEIGHT = 140;
const LEFT = 44; // for the figures of the axis
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 22;
const LABEL = 76; // of the axis of time
const LEAST_WIDTH = 240;
const MOVES = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const HINT = `Times of ${ZONE}. Choose a bar to see only what happened then; Shift extends it.`;

export class Chart {
  #plot;
  #readout; // what the bar is of that a pointer or the focus is at
  #table;
  #kinds;
  #select;
  #hidden = new Set();
  #bars = [];
  #minutes = 60;
  #selected = null; // {from, to}
  #current = 0; // the bar that the keyboard is at

  // place: an empty element; kinds: [{name, title}], the lowest of a stack first; select: called with {from, to}, or null.
  constructor(place, kinds, select) {
    this.#kinds = kinds;
    this.#select = select;
    this.#plot = element("div", { class: "plot", onpointerleave: () => (this.#readout.textContent = HINT) });
    this.#readout = element("p", { class: "readout" }, HINT);
    this.#table = element("div", {});
    place.replaceChildren(
      element(
        "div",
        { class: "legend", role: "group", "aria-label": "What the chart shows" },
        kinds.map((kind) => this.#toggle(kind)),
      ),
      this.#plot,
      this.#readout,
      element("details", {}, element("summary", {}, "As a table"), this.#table),
    );
    new ResizeObserver(() => this.#redraw()).observe(this.#plot);
  }

  /** bars: [{from, to, counts}], oldest first; minutes: how long each is; selected: {from, to} or null. */
  draw(bars, minutes, selected) {
    const held = this.#bars[this.#current]?.from;
    this.#bars = bars;
    this.#minutes = minutes;
    this.#selected = selected;
    const at = bars.findIndex(({ from }) => from === held);
    this.#current = at < 0 ? bars.length - 1 : at;
    this.#redraw();
    this.#table.replaceChildren(this.#asTable());
  }

  /** Shows which bars are chosen. selected: {from, to}, or null. */
  mark(selected) {
    this.#selected = selected;
    this.#redraw();
  }

  #toggle({ name, title }) {
    const button = element(
      "button",
      { type: "button", class: `kind ${name}`, "aria-pressed": "true", onclick: () => this.#turn(name, button) },
      title,
    );
    return button;
  }

  #turn(name, button) {
    const isShown = this.#hidden.has(name);
    if (isShown) this.#hidden.delete(name);
    else this.#hidden.add(name);
    button.setAttribute("aria-pressed", String(isShown));
    this.#redraw();
  }

  get #shown() {
    return this.#kinds.filter(({ name }) => !this.#hidden.has(name));
  }

  #redraw() {
    const width = Math.max(LEAST_WIDTH, this.#plot.clientWidth);
    const hadFocus = this.#plot.contains(document.activeElement);
    const totals = this.#bars.map(({ counts }) => this.#shown.reduce((sum, { name }) => sum + counts[name], 0));
    const top = topOf(Math.max(...totals, 1));
    const scale = {
      width,
      top,
      step: (width - LEFT - RIGHT) / Math.max(1, this.#bars.length),
      y: (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP),
    };
    this.#plot.replaceChildren(
      shape(
        "svg",
        {
          width,
          height: HEIGHT,
          viewBox: `0 0 ${width} ${HEIGHT}`,
          role: "group",
          "aria-label": "Events over time",
          onkeydown: (event) => this.#key(event),
        },
        this.#grid(scale),
        this.#bars.map((bar, index) => this.#bar(bar, index, scale)),
        this.#axis(scale),
      ),
    );
    if (hadFocus) this.#focus(this.#current);
  }

  #grid({ width, top, y }) {
    return (top === 1 ? [0, 1] : [0, top / 2, top]).flatMap((value) => [
      shape("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      shape("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end", "aria-hidden": "true" }, amount(value)),
    ]);
  }

  #axis({ width, step }) {
    const most = Math.max(2, Math.floor((width - LEFT - RIGHT) / LABEL));
    return ticksOf(this.#bars, this.#minutes, most).map(({ index, text }) => {
      const x = LEFT + index * step;
      const anchor = x > width - LABEL ? "end" : "start";
      return shape(
        "text",
        { x: anchor === "end" ? Math.min(width, x + step) : x, y: HEIGHT - 6, "text-anchor": anchor, "aria-hidden": "true" },
        text,
      );
    });
  }

  #bar(bar, index, { step, y }) {
    const x = LEFT + index * step;
    const isSelected = this.#selected !== null && bar.from >= this.#selected.from && bar.from < this.#selected.to;
    let below = 0;
    const parts = this.#shown.flatMap(({ name }) => {
      const value = bar.counts[name];
      if (!value) return [];
      const [low, high] = [y(below), y((below += value))];
      return [shape("rect", { class: `part ${name}`, x: x + step * 0.1, width: step * 0.8, y: high, height: Math.max(1, low - high) })];
    });
    const text = this.#told(bar);
    const about = {
      class: "step",
      role: "button",
      tabindex: index === this.#current ? "0" : "-1",
      "aria-label": text,
      "aria-pressed": String(isSelected),
      "data-focus": `bar ${bar.from}`,
    };
    const show = () => (this.#readout.textContent = text);
    const area = shape("rect", { class: "area", x, width: step, y: TOP, height: HEIGHT - TOP - BOTTOM });
    return shape(
      "g",
      { ...about, onpointerenter: show, onfocus: show, onclick: (event) => this.#choose(index, event.shiftKey) },
      area,
      parts,
    );
  }

  #told(bar) {
    const parts = this.#shown.filter(({ name }) => bar.counts[name]).map(({ name, title }) => `${title} ${amount(bar.counts[name])}`);
    return `${barLabel(bar, this.#minutes)}: ${parts.join(", ") || "nothing"}`;
  }

  #key(event) {
    if (event.key === "Enter" || event.key === " ") this.#choose(this.#current, event.shiftKey);
    else if (event.key in MOVES) this.#focus(Math.min(this.#bars.length - 1, Math.max(0, this.#current + MOVES[event.key])));
    else return;
    event.preventDefault();
  }

  #focus(index) {
    const bars = this.#plot.querySelectorAll(".step");
    bars[this.#current]?.setAttribute("tabindex", "-1");
    this.#current = index;
    bars[index]?.setAttribute("tabindex", "0");
    bars[index]?.focus();
  }

  // A bar anew takes the choice back; with Shift, from the chosen ones to this.
  #choose(index, isExtended) {
    const { from, to } = this.#bars[index];
    this.#current = index;
    const chosen = this.#selected;
    if (isExtended && chosen) this.#select({ from: Math.min(from, chosen.from), to: Math.max(to, chosen.to) });
    else this.#select(chosen?.from === from && chosen.to === to ? null : { from, to });
  }

  #asTable() {
    const head = element(
      "tr",
      {},
      element("th", { scope: "col" }, "When"),
      this.#kinds.map(({ title }) => element("th", { scope: "col", class: "amount" }, title)),
    );
    const rows = this.#bars.map((bar, index) => {
      const button = element(
        "button",
        { type: "button", class: "link", onclick: (event) => this.#choose(index, event.shiftKey) },
        barLabel(bar, this.#minutes),
      );
      return element(
        "tr",
        {},
        element("th", { scope: "row" }, button),
        this.#kinds.map(({ name, title }) => element("td", { class: "amount", "data-label": title }, amount(bar.counts[name]))),
      );
    });
    return element("table", { class: "figures" }, element("thead", {}, head), element("tbody", {}, rows));
  }
}
