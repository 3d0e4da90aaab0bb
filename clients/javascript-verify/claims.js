// The claims of an access token (RFC 9068 §4, RFC 8725 §3.8-3.12), each of the right type and in bounds: the rules of
// the service's own verifier, in its order.

import { isObject } from "./json.js";
import { expired, invalid } from "./refusals.js";
import { BASE64URL_32 } from "./token.js";

// Instances' clocks differ by some seconds. `exp` gets no leeway.
const LEEWAY_S = 5;
const MAX_TTL_S = 3600;
const MAX_INSTANT = 2 ** 40;
const MAX_TEXT = 2048;
const MAX_LIST = 100;
const MAX_LABEL = 128;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const USER_ID = /^[!-~]{1,36}$/;
const SCOPE = /^[!#-[\]-~]+( [!#-[\]-~]+)*$/;
const METHOD = /^[!-~]+$/;
const PRINTABLE = /^(?! )(?:[^\p{C}\p{Z}]| )+(?<! )$/u;

/** The claims as an object. now: epoch seconds. Throws VerifyError naming the claim in its detail. */
export function checkClaims(payload, { issuer, audience, now }) {
  require(payload.iss === issuer, "iss");
  require(holdsAudience(payload.aud, audience), "aud");
  const iat = instant(payload, "iat");
  const exp = instant(payload, "exp");
  if (now >= exp) throw expired();
  require(iat <= now + LEEWAY_S, "iat");
  require(iat < exp && exp <= iat + MAX_TTL_S, "exp");
  if ("nbf" in payload) require(instant(payload, "nbf") <= now + LEEWAY_S, "nbf");
  const authTime = instant(payload, "auth_time");
  require(authTime <= iat + LEEWAY_S, "auth_time");
  return {
    sub: matching(payload, "sub", USER_ID),
    sid: matching(payload, "sid", UUID),
    jti: matching(payload, "jti", UUID),
    client_id: text(payload, "client_id"),
    scope: orEmpty(payload, "scope", SCOPE),
    device_id: orEmpty(payload, "device_id", UUID),
    auth_time: authTime,
    acr: text(payload, "acr", true),
    amr: Object.freeze(methods(payload)),
    labels: Object.freeze(texts(payload, "labels").filter(isLabel)),
    iat,
    exp,
    jkt: boundKey(payload),
  };
}

/** `cnf` (RFC 7800 §3.1), which is absent or exactly `{"jkt": thumbprint}` (RFC 9449 §6.1). */
function boundKey(payload) {
  if (!("cnf" in payload)) return null;
  const { cnf } = payload;
  require(isObject(cnf) && Object.keys(cnf).join() === "jkt", "cnf");
  require(typeof cnf.jkt === "string" && BASE64URL_32.test(cnf.jkt), "cnf");
  return cnf.jkt;
}

function holdsAudience(value, audience) {
  if (!Array.isArray(value)) return value === audience;
  return value.length <= MAX_LIST && value.every(isText) && value.includes(audience);
}

function instant(payload, name) {
  const value = payload[name];
  require(typeof value === "number" && value >= 0 && value < MAX_INSTANT, name);
  return value;
}

function text(payload, name, mayBeEmpty = false) {
  const value = payload[name];
  require(isText(value) && (value !== "" || mayBeEmpty), name);
  return value;
}

function matching(payload, name, pattern) {
  const value = text(payload, name);
  require(pattern.test(value), name);
  return value;
}

function orEmpty(payload, name, pattern) {
  const value = text(payload, name, true);
  require(value === "" || pattern.test(value), name);
  return value;
}

function texts(payload, name) {
  const value = payload[name];
  require(Array.isArray(value) && value.length <= MAX_LIST && value.every(isText), name);
  return value;
}

function methods(payload) {
  const value = texts(payload, "amr");
  require(value.every((item) => METHOD.test(item)), "amr");
  return value;
}

function isText(value) {
  return typeof value === "string" && lengthOf(value) <= MAX_TEXT && value.isWellFormed();
}

function isLabel(value) {
  return value !== "" && lengthOf(value) <= MAX_LABEL && PRINTABLE.test(value);
}

/** In code points, as the service counts. */
function lengthOf(value) {
  return value.length <= MAX_LABEL ? value.length : [...value].length;
}

function require(holds, name) {
  if (!holds) throw invalid(name);
}
