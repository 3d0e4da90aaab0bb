// The proofs that this process has seen, for as long as one may be good.

// A proof that is dated ahead by the whole window of 60 s is good until the end of the second one.
const MEMORY_S = 120;
const MAX_PROOFS = 50_000;

/** Two sets, of which the older one is dropped as a whole. full: called where that is too early, as there are too many. */
export class Replays {
  #full;
  #half;
  #recent = new Set();
  #older = new Set();
  #recentFrom = 0;

  constructor(full, maxProofs = MAX_PROOFS) {
    this.#full = full;
    this.#half = Math.floor(maxProofs / 2);
  }

  /** Is this proof new here? It is remembered then. now: epoch seconds. */
  isFirst(id, now) {
    if (now - this.#recentFrom > MEMORY_S) this.#turn(now);
    if (this.#recent.has(id) || this.#older.has(id)) return false;
    if (this.#recent.size >= this.#half) {
      this.#turn(now);
      this.#full();
    }
    this.#recent.add(id);
    return true;
  }

  #turn(now) {
    [this.#older, this.#recent, this.#recentFrom] = [this.#recent, new Set(), now];
  }
}
