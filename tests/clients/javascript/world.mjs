// A world in virtual time: the service's refresh table, tabs with one store, and what befalls them. The client in it is the
// shipped file, or a mutant of it: the source with one piece of text replaced.
import { readFileSync } from "node:fs";

const SOURCE = readFileSync(new URL("../../../clients/javascript/client.js", import.meta.url), "utf8");
const ISSUER = "https://tokens.test";

const RETRY_WINDOW_MS = 10_000;
const HOUR_MS = 3_600_000;
const GLOBALS = ["globalThis", "setTimeout", "clearTimeout", "performance", "Math", "crypto"];

// changes: [from, to] pairs. Each `from` has to be there exactly once, so that no mutant silently is the original.
export function compiled(changes = []) {
  let source = SOURCE;
  for (const [from, to] of changes) {
    if (source.split(from).length !== 2) throw new Error(`not there once: ${from}`);
    source = source.replace(from, () => to);
  }
  const body = source.replaceAll(/^export /gm, "");
  return new Function(...GLOBALS, `${body}\nreturn { createClient };`);
}

// A small generator (mulberry32): a run is repeated by its seed.
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

// The model of auth_user_tokens: one session, its generation, and the key that its last rotation carried (api.md, Refresh).
class Table {
  generation = 0;
  rotatedAt = -Infinity;
  key = null;
  isOver = false;
  rotations = 0;
  repeats = 0;

  refresh(generation, key, now) {
    if (this.isOver) return null;
    if (generation === this.generation) {
      this.generation += 1;
      this.rotations += 1;
      [this.rotatedAt, this.key] = [now, key];
      return this.generation;
    }
    const isRetry = now - this.rotatedAt < RETRY_WINDOW_MS || (key !== null && key === this.key);
    if (generation === this.generation - 1 && isRetry) {
      this.repeats += 1;
      return this.generation;
    }
    this.isOver = true;
    return null;
  }
}

const tokenOf = (generation) => `aut_rt_${generation}`;

class Tab {
  isDead = false;
  frozenUntil = 0;
  waiting = [];

  constructor(world) {
    this.world = world;
    world.current = this;
    this.client = world.module.createClient({
      issuer: ISSUER,
      storage: world.storeOf(this),
      fetch: (url, init) => world.fetch(this, init),
      now: () => world.wall(),
    });
    this.client.addEventListener("signedout", ({ detail }) => world.noteSignOut(detail.reason));
    this.use();
  }

  // What happens to this tab in `ms`: later where it is frozen then, never where it is dead.
  later(ms, work) {
    this.world.at(this.world.now + ms, () => this.run(work));
  }

  run(work) {
    if (this.isDead) return;
    if (this.world.now < this.frozenUntil) this.world.at(this.frozenUntil, () => this.run(work));
    else {
      this.world.current = this;
      work();
    }
  }

  use() {
    const { random, settings } = this.world;
    this.later(random() * 2 * settings.useEveryMs, () => this.use());
    this.client.accessToken().then(
      (token) => {
        this.world.uses += 1;
        if (random() < settings.refused) this.client.rejected(token).catch(() => {});
      },
      () => {},
    );
  }
}

export class World {
  now = 0;
  uses = 0;
  falseSignOuts = 0;
  #queue = [];
  #skew = 0;
  #slept = 0;
  #holder = null;
  #waiting = [];
  #outageUntil = 0;

  constructor(place, settings, seed) {
    place.world = this;
    this.module = place.module;
    this.settings = settings;
    this.random = generator(seed);
    this.table = new Table();
    const first = { token: tokenOf(0), access: "access0.0", at: this.wall(), lifeMs: settings.lifeS * 1000, sid: "session" };
    this.text = JSON.stringify({ v: 1, salt: "salt", n: 0, ...first });
    this.tabs = Array.from({ length: settings.tabs }, () => new Tab(this));
    if (settings.skewMs) this.#skew = (this.random() * 2 - 1) * settings.skewMs;
    this.#strike();
  }

  wall() {
    return 1.7e12 + this.now + this.#skew;
  }

  monotonic() {
    return this.now - this.#slept;
  }

  // A heap by time; equal times in the order of their making.
  at(time, work) {
    const queue = this.#queue;
    let index = queue.push({ time, order: (this.order = (this.order ?? 0) + 1), work }) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (!isBefore(queue[index], queue[above])) break;
      [queue[index], queue[above]] = [queue[above], queue[index]];
      index = above;
    }
  }

  // One event; false where the run is over. The promises that it settles run before the next one.
  step() {
    const next = this.#pop();
    if (!next || next.time > this.settings.hours * HOUR_MS || this.isLost) return false;
    this.now = Math.max(this.now, next.time);
    next.work();
    return true;
  }

  #pop() {
    const queue = this.#queue;
    const first = queue[0];
    const last = queue.pop();
    if (queue.length && first) {
      queue[0] = last;
      for (let index = 0; ; ) {
        const left = 2 * index + 1;
        let least = index;
        for (const child of [left, left + 1]) if (child < queue.length && isBefore(queue[child], queue[least])) least = child;
        if (least === index) break;
        [queue[index], queue[least]] = [queue[least], queue[index]];
        index = least;
      }
    }
    return first;
  }

  get isLost() {
    return this.table.isOver || this.falseSignOuts > 0;
  }

  noteSignOut() {
    this.falseSignOuts += 1;
  }

  // Misfortune, over and over: freezes, deaths, sleep of the whole machine, a clock that is set, an outage.
  #strike() {
    const { random, settings } = this;
    this.at(this.now + random() * 2 * settings.strikeEveryMs, () => {
      const tab = this.tabs[Math.floor(random() * this.tabs.length)];
      const kind = random() * settings.kinds;
      if (kind < 0.45) tab.frozenUntil = this.now + random() ** 3 * settings.freezeMs;
      else if (kind < 0.7) this.#kill(tab);
      else if (kind < 0.8) this.#sleep(random() ** 2 * settings.freezeMs);
      else if (kind < 0.9) this.#skew = (random() * 2 - 1) * settings.skewMs;
      else this.#outageUntil = this.now + random() * 60_000;
      this.#strike();
    });
  }

  #kill(tab) {
    tab.isDead = true;
    this.#waiting = this.#waiting.filter((waiting) => waiting.tab !== tab);
    this.#release(tab);
    const place = this.tabs.indexOf(tab);
    this.at(this.now + this.random() * 20_000, () => (this.tabs[place] = new Tab(this)));
  }

  #sleep(ms) {
    for (const tab of this.tabs) tab.frozenUntil = Math.max(tab.frozenUntil, this.now + ms);
    this.at(this.now + ms, () => (this.#slept += ms));
  }

  // Another tab hears of a change a little later, as in browsers.
  #changed(by) {
    for (const tab of this.tabs) if (tab !== by && tab.heard) tab.later(this.random() * 50, () => tab.heard());
  }

  storeOf(tab) {
    const set = (text) => {
      this.text = text;
      this.#changed(tab);
    };
    const swap = (seen, next) => this.text === seen && (set(next), true);
    // An asynchronous store answers in a later turn, before which the tab may be frozen.
    const slow = (work) => new Promise((resolve) => tab.later((this.random() * storeMs) / 2, () => {
      const result = work();
      tab.later((this.random() * storeMs) / 2, () => resolve(result));
    }));
    const { storeMs } = this.settings;
    const now = (work) => (storeMs ? slow(work) : work());
    return {
      get: () => now(() => this.text),
      swap: (seen, next) => now(() => swap(seen, next)),
      put: (text) => now(() => set(text)),
      watch: (heard) => {
        tab.heard = heard;
        return () => {};
      },
    };
  }

  // Granted in turn; a tab that dies gives back what it holds, and waits for nothing.
  locksOf(tab) {
    return {
      request: (name, { signal }, use) =>
        new Promise((resolve, reject) => {
          const waiting = { tab, grant: () => use().then(() => resolve(this.#release(tab))) };
          signal.addEventListener("abort", () => {
            if (this.#removed(waiting)) reject(new Error("aborted"));
          });
          this.#waiting.push(waiting);
          this.#grant();
        }),
    };
  }

  #removed(waiting) {
    const place = this.#waiting.indexOf(waiting);
    return place >= 0 && this.#waiting.splice(place, 1);
  }

  #release(tab) {
    if (this.#holder !== tab) return;
    this.#holder = null;
    this.#grant();
  }

  #grant() {
    if (this.#holder || !this.#waiting.length) return;
    const { tab, grant } = this.#waiting.shift();
    this.#holder = tab;
    tab.later(0, grant);
  }

  // A request goes its way whatever becomes of its tab; the answer comes only to one that lives.
  fetch(tab, init) {
    const { random, settings } = this;
    const generation = Number(init.body.get("refresh_token").slice(7));
    const key = init.headers["Idempotency-Key"] ?? null;
    const isSlow = random() < settings.slow;
    const there = 20 + random() * (isSlow ? 9000 : 80);
    const arrive = (resolve) => {
      const isOut = this.now < this.#outageUntil;
      const next = isOut ? null : this.table.refresh(generation, key, this.now);
      const back = 20 + random() * (random() < settings.slow ? 9000 : 80);
      if (!resolve || random() < settings.lostAnswers) return;
      if (isOut) return tab.later(back, () => resolve(answer(503, { error: "temporarily_unavailable" }, "2")));
      const body = next === null
        ? { error: "invalid_grant" }
        : { access_token: `access${this.now}.${random()}`, refresh_token: tokenOf(next), expires_in: settings.lifeS, session_id: "session" };
      tab.later(back, () => resolve(answer(next === null ? 400 : 200, body)));
    };
    return new Promise((resolve, reject) => {
      init.signal.addEventListener("abort", () => reject(new Error("aborted")));
      if (random() < settings.lostRequests) {
        if (settings.isReplayed) this.at(this.now + 120_000 * random(), () => arrive(null));
      } else this.at(this.now + there, () => arrive(resolve));
    });
  }
}

// Where one world after the other runs, with its own instance of the module: a new one for each tab would never get fast.
// Whose code runs is known: a world's promises settle before its next event.
class Place {
  world = null;

  constructor(compile) {
    const timers = new Map();
    let nextTimer = 0;
    const setTimer = (work, ms) => {
      const id = ++nextTimer;
      timers.set(id, work);
      this.world.current.later(Math.max(1, ms), () => {
        timers.get(id)?.();
        timers.delete(id);
      });
      return id;
    };
    const place = this;
    const env = {
      get navigator() {
        const { world } = place;
        return world.settings.hasLocks ? { locks: world.locksOf(world.current) } : {};
      },
    };
    const random = () => this.world.random();
    const clock = { timeOrigin: 1.7e12, now: () => this.world.monotonic() };
    const random16 = { getRandomValues: (bytes) => bytes.map(() => random() * 256) };
    const math = { random, min: Math.min, max: Math.max, abs: Math.abs };
    this.module = compile(env, setTimer, (id) => timers.delete(id), clock, math, random16);
  }
}

const isBefore = (one, other) => one.time < other.time || (one.time === other.time && one.order < other.order);

export const answer = (status, body, retryAfter = null) => ({
  status,
  headers: { get: (name) => (name === "Retry-After" ? retryAfter : null) },
  text: async () => JSON.stringify(body),
});

export const LIFE = {
  tabs: 3,
  hours: 6,
  lifeS: 600,
  useEveryMs: 120_000,
  refused: 0.02,
  strikeEveryMs: 240_000,
  kinds: 1, // 0.45: freezes alone
  freezeMs: 3_600_000,
  skewMs: HOUR_MS,
  lostRequests: 0.05,
  lostAnswers: 0.1,
  slow: 0.1,
  hasLocks: true,
  storeMs: 0, // 0: synchronous
  isReplayed: false,
};

// Runs side by side, one event each, so that the promises of all are settled by one turn of the real loop.
// Stops early where `enough` runs have lost their session. Returns what became of them.
export async function simulated(changes, settings, runs, { seed = 1, enough = Infinity, width = 20 } = {}) {
  const compile = compiled(changes);
  const total = { runs: 0, ended: 0, rotations: 0, repeats: 0, uses: 0, falseSignOuts: 0 };
  const finish = (world) => {
    total.runs += 1;
    total.ended += world.isLost ? 1 : 0;
    total.falseSignOuts += world.falseSignOuts > 0 && !world.table.isOver ? 1 : 0;
    for (const name of ["rotations", "repeats"]) total[name] += world.table[name];
    total.uses += world.uses;
  };
  let next = seed;
  let live = Array.from({ length: Math.min(width, runs) }, () => new Place(compile));
  const isBegun = (place) => next < seed + runs && total.ended < enough && Boolean(new World(place, settings, next++));
  live = live.filter(isBegun);
  while (live.length) {
    live = live.filter((place) => {
      if (place.world.step()) return true;
      finish(place.world);
      return isBegun(place);
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
  return total;
}

// Each tab with a session of its own and no misfortune but what `refuses` says at a time: an answer, or nothing.
// Returns when each tab tried.
export async function stormed(settings, refuses) {
  class Storm extends World {
    storeOf(tab) {
      let text = JSON.stringify({ ...JSON.parse(this.text), sid: `session of ${this.random()}`, at: this.wall() - this.random() * settings.lifeS * 700 });
      return { get: () => text, swap: (seen, next) => seen === text && ((text = next), true) };
    }

    fetch(tab) {
      this.tries ??= new Map();
      this.tries.set(tab, [...(this.tries.get(tab) ?? []), this.now]);
      const body = { access_token: `access${this.random()}`, refresh_token: `aut_rt_${(this.made = (this.made ?? 0) + 1)}`, expires_in: settings.lifeS, session_id: "session" };
      const result = refuses(this.now) || answer(200, body);
      return new Promise((resolve) => tab.later(20 + this.random() * 80, () => resolve(result)));
    }
  }
  const place = new Place(compiled());
  const world = new Storm(place, { ...settings, strikeEveryMs: Infinity, skewMs: 0, hasLocks: false }, 1);
  while (world.step()) await new Promise((resolve) => setImmediate(resolve));
  return world;
}
