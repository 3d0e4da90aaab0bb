// A signed token in its one strict form: three segments of base64url in their only spelling, a header of alg, typ and
// kid and nothing else. What passes here, jose reads in the same way; jose checks the signature and nothing more.

import { compactVerify } from "jose";
import { strictObject } from "./json.js";
import { invalid } from "./refusals.js";

const MAX_LENGTH = 8192;
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
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
  return object(payload);
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
  const header = object(head);
  const isOurs = Object.keys(header).sort().join() === "alg,kid,typ";
  if (!isOurs || !Object.values(header).every((value) => typeof value === "string")) throw invalid("header");
  if (!types.includes(header.typ.toLowerCase())) throw invalid("typ");
  return { header, payload };
}

function object(bytes) {
  try {
    return strictObject(UTF8.decode(bytes));
  } catch {
    throw invalid("json");
  }
}
