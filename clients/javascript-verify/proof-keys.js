// The header of a proof and the public key in it (RFC 9449 §4.3, checks 4, 5 and 7; RFC 8725 §3).

import { importJWK } from "jose";
import { isObject } from "./json.js";
import { badProof } from "./refusals.js";
import { BASE64URL_32, base64url, decoded, sha256 } from "./token.js";

export const ALGORITHMS = ["ES256", "EdDSA", "Ed25519"];
const TYPE = "dpop+jwt";
const MAX_MEMBERS = 12;
const OKP = { kty: "OKP", crv: "Ed25519", coordinates: ["x"] };
const FORMS = new Map([["ES256", { kty: "EC", crv: "P-256", coordinates: ["x", "y"] }], ["EdDSA", OKP], ["Ed25519", OKP]]);
// They would change what the signature covers, or supply or locate another key.
const REFUSED_IN_HEADER = ["crit", "b64", "zip", "jku", "x5u", "x5c"];
const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];
// Ed25519 points of order 1, 2, 4 and 8, without the sign bit, with both spellings of the first two: a signature by such
// a key can hold for every message, whoever made it (RFC 8032 §8.9).
const SMALL_ORDER = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/**
 * {key, jkt} of a proof's header: the key for jose, and its thumbprint (RFC 7638). Members without a meaning here are
 * ignored, in the key as well: WebCrypto exports `ext` and `key_ops`. Rejects with a VerifyError naming the member.
 */
export async function keyIn(header) {
  const { typ, alg, jwk } = header;
  if (typeof typ !== "string" || typ.toLowerCase() !== TYPE) throw badProof("typ");
  if (REFUSED_IN_HEADER.some((name) => name in header)) throw badProof("header");
  const form = FORMS.get(alg);
  if (!form) throw badProof("alg");
  if (!isObject(jwk) || Object.keys(jwk).length > MAX_MEMBERS || PRIVATE.some((name) => name in jwk)) throw badProof("jwk");
  if (jwk.kty !== form.kty || jwk.crv !== form.crv) throw badProof("alg");
  const { kty, crv, coordinates } = form;
  if (!coordinates.every((name) => typeof jwk[name] === "string" && BASE64URL_32.test(jwk[name]))) throw badProof("jwk");
  if (kty === "OKP" && hasSmallOrder(jwk.x)) throw badProof("jwk: a point of small order");
  // The members that count, in the order of their names.
  const bare = { crv, kty, ...Object.fromEntries(coordinates.map((name) => [name, jwk[name]])) };
  const key = await importJWK(bare, alg).catch(() => {
    throw badProof("jwk: no point of the curve");
  });
  return { key, jkt: base64url(await sha256(JSON.stringify(bare))) };
}

function hasSmallOrder(x) {
  const point = decoded(x);
  point[31] &= 0x7f;
  return SMALL_ORDER.has(Array.from(point, (byte) => byte.toString(16).padStart(2, "0")).join(""));
}
