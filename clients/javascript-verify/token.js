// A signed token in its one strict form: three segments of base64url in their only spelling, a header of alg, typ and
// kid and nothing else. What passes here, jose reads in the same way; jose checks the signature and nothing more.

import { compactVerify } from "jose";
import { strictObject } from "./json.js";
import { invalid } from "./refusals.js";

const MAX_LENGTH = 8192;
// 32 bytes in base64url, in their only spelling: a key's thumbprint (RFC 7638), a coordinate.
export const BASE64URL_32 = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
export const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
// Bits of a segment's last character that no byte uses, by the segment's length modulo 4.
const SPARE_BITS = { 0: 0, 2: 15, 3: 3 };
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The payload of a token whose signature is good. types: accepted `typ` values, in lower case; keys: finds by kid.
 * Rejects with VerifyError: 401, or 503 where the keys are not known. */
export async function openToken(text, types, keys) {
  const { header, payload } = parsed(text, types);
  const found = await keys.find(header.kid);
  if (!found || found.algorithm !== header.alg) throw invalid("kid");
  try {
    await compactVerify(text, found.key, { algorithms: [found.algorithm] });
  } catch {
    throw invalid("signature");
  }
  return objectOf(payload);
}

/** SHA-256 of a text's UTF-8. */
export async function sha256(text) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Bytes in base64url without padding. */
export function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The bytes of a base64url text without padding and without spare bits set. Throws VerifyError. */
export function decoded(segment) {
  const spare = SPARE_BITS[segment.length % 4];
  if (spare === undefined || ALPHABET.indexOf(segment.at(-1)) & spare) throw invalid("base64url");
  return Uint8Array.from(atob(segment.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
}

function parsed(text, types) {
  if (text.length > MAX_LENGTH || !COMPACT.test(text)) throw invalid("form");
  const [head, payload] = text.split(".").map(decoded);
  const header = objectOf(head);
  const isOurs = Object.keys(header).sort().join() === "alg,kid,typ";
  if (!isOurs || !Object.values(header).every((value) => typeof value === "string")) throw invalid("header");
  if (!types.includes(header.typ.toLowerCase())) throw invalid("typ");
  return { header, payload };
}

/** The JSON object that bytes are. Throws VerifyError. */
export function objectOf(bytes) {
  try {
    return strictObject(UTF8.decode(bytes));
  } catch {
    throw invalid("json");
  }
}
