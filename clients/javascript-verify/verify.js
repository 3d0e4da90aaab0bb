// Verifies access tokens of the token service in your own API: signature, claims, revocations, requirements.

import { checkClaims } from "./claims.js";
import { Feed } from "./feed.js";
import { getJson, Unreachable } from "./http.js";
import { Keys } from "./keys.js";
import { invalid, missing, narrow, unavailable, VerifyError, weak } from "./refusals.js";
import { openToken } from "./token.js";

export { VerifyError };

const TYPES = ["at+jwt", "application/at+jwt"];
const PATHS = { public: "/auth/revocations", iam: "/admin/revocations", none: "" };
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i;
const CLOCK = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

/**
 * A verifier for one API. Make one for the process and keep it: it holds the keys and the revocations.
 *
 * issuer: the service's URL, exactly as in `iss`; audience: as in `aud`; revocations: "public"; "iam", with a fetch that
 * signs; or "none" where you accept that a token is good until its `exp`; timeoutMs: of one request to the service;
 * clock: for tests.
 */
export function createVerifier({
  issuer,
  audience,
  revocations = "public",
  timeoutMs = 2_000,
  fetch = globalThis.fetch,
  clock = CLOCK,
}) {
  if (!issuer || issuer.endsWith("/") || !audience) throw new TypeError("issuer (without a slash at its end) and audience are needed");
  if (!Object.hasOwn(PATHS, revocations)) throw new TypeError(`revocations: one of ${Object.keys(PATHS).join(", ")}`);
  const path = PATHS[revocations];
  const get = (at, headers) => getJson(`${issuer}${at}`, { fetch, clock, timeoutMs, headers });
  const keys = new Keys(() => get("/.well-known/jwks.json"), clock);
  const feed = new Feed((after) => get(`${path}${after && `?after=${encodeURIComponent(after)}`}`), keys, issuer, clock);

  /** The claims of a good token that meets the requirements. Rejects with VerifyError. */
  async function verify(token, { scope = [], acr = [], maxAgeS, strict = false } = {}) {
    const payload = await openToken(token, TYPES, keys);
    const now = Math.floor(clock.nowMs() / 1000);
    const claims = checkClaims(payload, { issuer, audience, now });
    const revoked = path ? await feed.revoked(claims) : false;
    if (revoked) throw invalid("revoked");
    meet(claims, { scope: listed(scope), acr: listed(acr), maxAgeS, now });
    if (strict || revoked === undefined) await askService(get, token, claims);
    return claims;
  }

  /** The verdict on a request by its headers, as fetch, Node (headers, better headersDistinct) or a plain object has them. */
  async function check(headers, requirements) {
    try {
      return { ok: true, claims: await verify(bearerOf(headers), requirements) };
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      const { status, headers: answered, body, detail } = error;
      return { ok: false, status, headers: answered, body, detail };
    }
  }

  return { verify, check };
}

function bearerOf(headers) {
  const field = typeof headers.get === "function" ? headers.get("authorization") : headers.authorization;
  const values = [field ?? []].flat();
  if (values.length === 0 || values[0] === "") throw missing();
  const match = values.length === 1 && BEARER.exec(values[0]);
  if (!match) throw invalid("scheme");
  return match[1];
}

/** RFC 6750 §3.1, RFC 9470 §3. */
function meet(claims, { scope, acr, maxAgeS, now }) {
  const held = claims.scope.split(" ");
  if (!scope.every((token) => held.includes(token))) throw narrow(scope.join(" "));
  const isStrong = acr.length === 0 || acr.includes(claims.acr);
  const isRecent = maxAgeS === undefined || now - claims.auth_time <= maxAgeS;
  if (!isStrong || !isRecent) throw weak(acr, maxAgeS);
}

function listed(value) {
  return Array.isArray(value) ? value : value.split(" ").filter(Boolean);
}

/** The service's own word on this token, now. */
async function askService(get, token, { sid }) {
  const answer = await get("/auth/session", { Authorization: `Bearer ${token}` }).catch((error) => {
    if (error instanceof Unreachable) throw unavailable(error.message);
    throw error;
  });
  const challenge = answer.headers.get("www-authenticate") ?? "";
  if (answer.status === 401 && challenge.includes('error="invalid_token"')) throw invalid("revoked");
  if (answer.status !== 200 || answer.body.session_id !== sid) throw unavailable(`session: ${answer.status}`);
}
