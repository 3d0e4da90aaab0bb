// DPoP proofs (RFC 9449 §4.3): strict form first, then what costs least, the signature last. The rules of the service's
// own authorizer, in its order. jose checks the signature and nothing more.

import { compactVerify } from "jose";
import { placeOf } from "./places.js";
import { ALGORITHMS, keyIn } from "./proof-keys.js";
import { badProof, proofOfAnotherTime, VerifyError } from "./refusals.js";
import { Replays } from "./replays.js";
import { base64url, COMPACT, decoded, objectOf, sha256 } from "./token.js";

const MAX_LENGTH = 4096;
const WINDOW_S = 60;
const MAX_JTI = 256;
const MAX_REMEMBERED = 10_000;
// Those of clients have about 250 characters; a longer one is read again each time, so that memory is bounded.
const MAX_REMEMBERED_HEADER = 512;

/** count: called with the name of a metric. */
export class Proofs {
  #count;
  #replays;
  // A client's header segment is the same in each of its proofs, so its key is remembered by that text.
  #remembered = new Map();

  constructor(count) {
    this.#count = count;
    this.#replays = new Replays(() => count("DpopMemoryFull"));
  }

  /**
   * The id of the proof of a key-bound access token. proof: {text, method, places}; jkt: of the key that the token is
   * bound to. A refused proof is not remembered. Rejects with a VerifyError, also for a proof that was seen before.
   */
  async ofToken(proof, token, jkt, now) {
    const jti = await this.#read(proof, token, jkt, now);
    // Of key and jti together, as one client must not use up another's; and not of its text, as an ES256 signature has
    // a second spelling (r, n - s).
    const id = base64url((await sha256(jkt + jti)).slice(0, 16));
    if (!this.#replays.isFirst(id, now)) {
      this.#count("DpopReplay");
      throw badProof("seen before");
    }
    return id;
  }

  async #read({ text, method, places }, token, jkt, now) {
    // Several fields are joined by a comma, which no segment has.
    if (text.length > MAX_LENGTH || !COMPACT.test(text)) throw badProof("form");
    const [header, payload, signature] = text.split(".");
    const known = this.#known(header);
    const found = known ?? (await keyIn(read(header, objectOf)));
    if (found.jkt !== jkt) throw badProof("another key");
    const claims = read(payload, objectOf);
    await this.#checkClaims(claims, { method, places, token, now });
    read(signature);
    await compactVerify(text, found.key, { algorithms: ALGORITHMS }).catch(() => {
      throw badProof("signature");
    });
    if (!known && header.length <= MAX_REMEMBERED_HEADER) this.#remember(header, found);
    return claims.jti;
  }

  async #checkClaims({ htm, htu, iat, ath, jti }, { method, places, token, now }) {
    if (htm !== method) throw badProof("htm"); // case-sensitive (RFC 9110 §9.1)
    checkPlace(htu, places);
    if (typeof iat !== "number") throw badProof("iat");
    if (Math.abs(now - iat) > WINDOW_S) {
      this.#count("DpopClockSkewed");
      throw proofOfAnotherTime(`iat ${iat} at ${now}`);
    }
    if (ath !== base64url(await sha256(token))) throw badProof("ath");
    const isText = typeof jti === "string" && jti !== "" && jti.isWellFormed();
    if (!isText || [...jti].length > MAX_JTI) throw badProof("jti");
  }

  #known(header) {
    const found = this.#remembered.get(header);
    if (found) this.#remember(header, found);
    return found;
  }

  /** As the newest; the least recently used one is dropped. */
  #remember(header, found) {
    this.#remembered.delete(header);
    this.#remembered.set(header, found);
    if (this.#remembered.size > MAX_REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value);
  }
}

function checkPlace(htu, places) {
  const place = typeof htu === "string" ? placeOf(htu) : undefined;
  if (!place || !places.some(({ origin }) => origin === place.origin)) {
    // Most often http for https, or a name that a proxy has changed: publicUrls.
    const asked = places.map(({ origin }) => origin).join(" or ");
    throw badProof(`htu: ${place ? place.origin.slice(0, 100) : "none"}, not ${asked || "known here"}`);
  }
  if (!places.some(({ origin, path }) => origin === place.origin && path === place.path)) throw badProof("htu: another path");
}

/** A segment's bytes, or what `as` makes of them; refused as a part of a proof. */
function read(segment, as = (bytes) => bytes) {
  try {
    return as(decoded(segment));
  } catch (error) {
    throw error instanceof VerifyError ? badProof(error.detail) : error;
  }
}
