// What was revoked lately: GET /auth/revocations, read again while requests come, and remembered as long as an access
// token of it may live.

import { Unreachable } from "./http.js";
import { unavailable } from "./refusals.js";
import { decoded, openToken } from "./token.js";

const TYPES = ["revocations+jwt"];
// The document may be a second old where it is made and another in a CDN.
const UPSTREAM_MS = 2_000;
// Read again beside the requests from this part of the permitted age on, and before answering at its end.
const RENEW_AT = 2 / 3;
// While the service is away, not every request should wait for a connection attempt.
const RETRY_MS = 1_000;
// How far the clock here and the service's may differ before its documents look old.
const CLOCKS_MS = 60_000;
// Ids are forgotten together, by the minute in which they came.
const SPAN_MS = 60_000;
// Tokens issued this long after a cut-off was decided are refused too: clocks differ, and a refresh may be under way.
const CUTOFF_LEEWAY_S = 5;
// A session that a device token opened began with that device, and one that was taken over with its sign-in before.
const RESTING_ACRS = new Set(["urn:auth-user-tokens:acr:device", "urn:auth-user-tokens:acr:legacy"]);
// Before the first good read.
const UNKNOWN = { max_staleness_s: 5, fail_after_s: 60, memory_s: 3660, overflow: false, as_of: 0 };

/** look: GETs the document after a cursor; keys: verify its statement. */
export class Feed {
  #look;
  #keys;
  #issuer;
  #clock;
  #cursor = "";
  #spans = [];
  #cutoffs = [];
  #stated = UNKNOWN;
  #knownAt = -Infinity;
  #failedAt = -Infinity;
  #failure = "no read yet";
  #running = null;

  constructor(look, keys, issuer, clock) {
    this.#look = look;
    this.#keys = keys;
    this.#issuer = issuer;
    this.#clock = clock;
  }

  /**
   * Whether a token is revoked, as known now: true, false, or undefined where the service has more revocations than fit.
   * Rejects with a VerifyError of 503 where the knowledge is too old.
   */
  async revoked(claims) {
    await this.#current();
    if (this.#stated.overflow) return undefined;
    return this.#has(claims.sid) || this.#has(claims.jti) || this.#isCutOff(claims);
  }

  #has(uuid) {
    const key = uuid.replaceAll("-", "").slice(16).replace(/../g, (byte) => String.fromCharCode(Number.parseInt(byte, 16)));
    return this.#spans.some((span) => span.ids.has(key));
  }

  #isCutOff({ client_id, iat, sid, acr, auth_time }) {
    const beganAt = RESTING_ACRS.has(acr) ? auth_time : secondOf(sid);
    return this.#cutoffs.some(
      (cutoff) =>
        ["", client_id].includes(cutoff.client_id) && beganAt <= cutoff.before && iat <= cutoff.decided_at + CUTOFF_LEEWAY_S,
    );
  }

  async #current() {
    const permitted = Math.max(0, 1000 * this.#stated.max_staleness_s - UPSTREAM_MS);
    const age = this.#clock.monotonicMs() - this.#knownAt;
    if (age >= permitted) await this.#renewed();
    else if (age >= RENEW_AT * permitted) this.#renewed();
    const byTheirClock = this.#clock.nowMs() - 1000 * this.#stated.as_of - CLOCKS_MS;
    const worst = Math.max(this.#clock.monotonicMs() - this.#knownAt, byTheirClock);
    if (worst >= 1000 * this.#stated.fail_after_s) throw unavailable(`revocations: ${this.#failure}`);
  }

  /** One read at a time, however many requests wait for it. Never rejects: a failure shows as age. */
  async #renewed() {
    if (this.#clock.monotonicMs() - this.#failedAt < RETRY_MS) return;
    this.#running ??= this.#read()
      .catch((error) => {
        this.#failedAt = this.#clock.monotonicMs();
        this.#failure = error.message;
      })
      .finally(() => (this.#running = null));
    await this.#running;
  }

  async #read() {
    this.#forget();
    for (let after = this.#cursor; ; ) {
      const answer = await this.#look(after);
      if (answer.status === 410 && after) {
        after = this.#cursor = ""; // another history; what is known is kept
        continue;
      }
      const stated = await this.#opened(answer, after);
      this.#remember(answer.body.ids, stated);
      after = stated.next;
      if (stated.complete || stated.overflow) {
        this.#cursor = after;
        this.#stated = stated;
        this.#cutoffs = stated.cutoffs;
        this.#knownAt = Math.max(this.#knownAt, answer.sentAt - answer.ageMs);
        this.#failure = "the service's statement is old, or a clock is wrong";
        return;
      }
    }
  }

  /** The statement of a document: of this service, for this cursor, and over these ids. */
  async #opened({ status, body }, after) {
    if (status !== 200) throw new Unreachable(`status ${status}`);
    if (typeof body.statement !== "string" || typeof body.ids !== "string") throw new Unreachable("no document");
    const stated = await openToken(body.statement, TYPES, this.#keys);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body.ids));
    const isWhole = same(new Uint8Array(digest), decoded(stated.ids_sha256));
    if (stated.iss !== this.#issuer || stated.after !== after || !isWhole) throw new Unreachable("another document");
    return stated;
  }

  #remember(ids, { memory_s }) {
    if (!ids) return;
    const now = this.#clock.monotonicMs();
    let span = this.#spans.at(-1);
    if (!span || now - span.startedAt >= SPAN_MS) this.#spans.push((span = { startedAt: now, endsAt: 0, ids: new Set() }));
    span.endsAt = Math.max(span.endsAt, now + 1000 * memory_s);
    const bytes = decoded(ids);
    for (let at = 0; at + 8 <= bytes.length; at += 8) span.ids.add(String.fromCharCode(...bytes.subarray(at, at + 8)));
  }

  #forget() {
    const now = this.#clock.monotonicMs();
    this.#spans = this.#spans.filter((span) => now < span.endsAt);
  }
}

/** When a UUIDv7 was made (RFC 9562 §5.7), in epoch seconds. */
function secondOf(uuid) {
  return Math.floor(Number.parseInt(uuid.replace("-", "").slice(0, 12), 16) / 1000);
}

function same(one, other) {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
