// Loads again and again while the page is looked at: not while it is hidden, once when it is shown again, and later after a
// refusal.

const MOST_MS = 300_000; // between two tries

export class Refreshing {
  #load;
  #everyMs;
  #page;
  #now;
  #timer = null;
  #isPaused = false;
  #running = 0;
  #failures = 0;
  #dueAt = 0;

  /** load: resolves to null, or to what it was refused by: { retryAfterMs }. page: a document; now: steady milliseconds. */
  constructor(load, { everyMs = 30_000, page = document, now = () => performance.now() } = {}) {
    this.#load = load;
    this.#everyMs = everyMs;
    this.#page = page;
    this.#now = now;
    page.addEventListener("visibilitychange", () => this.#plan());
  }

  get isPaused() {
    return this.#isPaused;
  }

  pause(isPaused) {
    this.#isPaused = isPaused;
    this.#plan();
  }

  /** Now, whatever is planned; the next time counts from its end. load: a part of it, where the rest is fresh. */
  async run(load = this.#load) {
    this.#running += 1;
    clearTimeout(this.#timer);
    let refusal = {}; // of a fault of the page
    try {
      refusal = await load();
    } finally {
      this.#running -= 1;
      this.#settle(refusal);
      this.#plan();
    }
  }

  #settle(refusal) {
    this.#failures = refusal ? this.#failures + 1 : 0;
    const backoffMs = Math.min(MOST_MS, this.#everyMs * 2 ** this.#failures);
    this.#dueAt = this.#now() + Math.max(backoffMs, refusal?.retryAfterMs ?? 0);
  }

  #plan() {
    clearTimeout(this.#timer);
    if (this.#isPaused || this.#running || this.#page.hidden) return;
    this.#timer = setTimeout(() => this.run(), Math.max(0, this.#dueAt - this.#now()));
  }
}
