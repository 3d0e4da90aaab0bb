// The service's public keys (RFC 7517), kept for as long as they say and no longer.

import { importJWK } from "jose";
import { Unreachable } from "./http.js";
import { unavailable } from "./refusals.js";

const ALGORITHMS = ["ES256", "RS256", "EdDSA"];
// An unknown `kid` earns one look, then none for this long.
const PENALTY_MS = 30_000;
// While the service is away, not every request should wait for a connection attempt.
const RETRY_MS = 1_000;
// Of an answer that says nothing of its life; and no answer lives shorter than the second or longer than the third.
const DEFAULT_LIFE_S = 60;
const MIN_LIFE_S = 1;
const MAX_LIFE_S = 3_600;
// From this part of their life on they are renewed beside the requests.
const RENEW_AT = 0.75;

/** look: GETs the key set. Finds keys by `kid`; rejects with a VerifyError of 503 where they cannot be known. */
export class Keys {
  #look;
  #clock;
  #held = null;
  #running = null;
  #failedAt = -Infinity;

  constructor(look, clock) {
    this.#look = look;
    this.#clock = clock;
  }

  /** {algorithm, key} of a `kid`, or undefined where the service has no such key. */
  async find(kid) {
    const now = this.#clock.monotonicMs();
    if (!this.#held || now >= this.#held.endsAt) await this.#renewed();
    else if (now >= this.#held.renewAt) this.#renewed().catch(() => {});
    if (!this.#held.keys.has(kid) && now - this.#held.sentAt >= PENALTY_MS) await this.#renewed();
    return this.#held.keys.get(kid);
  }

  #renewed() {
    if (this.#clock.monotonicMs() - this.#failedAt < RETRY_MS) return Promise.reject(unavailable("keys"));
    this.#running ??= this.#read().finally(() => (this.#running = null));
    return this.#running;
  }

  async #read() {
    try {
      const answer = await this.#look();
      if (answer.status !== 200 || !Array.isArray(answer.body.keys)) throw new Unreachable(`keys: ${answer.status}`);
      const lifeMs = 1000 * lifeOf(answer.headers) - answer.ageMs;
      const { sentAt } = answer;
      this.#held = { keys: await imported(answer.body.keys), sentAt, endsAt: sentAt + lifeMs, renewAt: sentAt + RENEW_AT * lifeMs };
    } catch (error) {
      this.#failedAt = this.#clock.monotonicMs();
      throw unavailable(error.message);
    }
  }
}

function lifeOf(headers) {
  const control = headers.get("cache-control") ?? "";
  if (/\bno-(?:store|cache)\b/i.test(control)) return MIN_LIFE_S;
  const life = /\bmax-age="?(\d+)/i.exec(control);
  return life ? Math.min(MAX_LIFE_S, Math.max(MIN_LIFE_S, Number(life[1]))) : DEFAULT_LIFE_S;
}

/** A key that cannot be read takes no other with it. */
async function imported(jwks) {
  const keys = new Map();
  for (const jwk of jwks) {
    if (typeof jwk?.kid !== "string" || !ALGORITHMS.includes(jwk.alg)) continue;
    const key = await importJWK(jwk, jwk.alg).catch(() => null);
    if (key) keys.set(jwk.kid, { algorithm: jwk.alg, key });
  }
  return keys;
}
