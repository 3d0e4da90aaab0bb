// Verifies access tokens of the token service in your own API: signature, claims, revocations, requirements.

import { checkClaims } from "./claims.js";
import { Feed } from "./feed.js";
import { getJson, Unreachable } from "./http.js";
import { Keys } from "./keys.js";
import { baseOf, placesOf } from "./places.js";
import { Proofs } from "./proofs.js";
import { badProof, invalid, missing, narrow, unavailable, VerifyError, weak } from "./refusals.js";
import { openToken } from "./token.js";

export { VerifyError };

const TYPES = ["at+jwt", "application/at+jwt"];
const PATHS = { public: "/auth/revocations", iam: "/admin/revocations", none: "" };
const CREDENTIAL = /^(bearer|dpop) +([A-Za-z0-9._~+/-]+=*) *$/i;
const CLOCK = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

/**
 * A verifier for one API. Make one for the process and keep it: it holds the keys and the revocations.
 *
 * issuer: the service's URL, exactly as in `iss`; audience: as in `aud`; revocations: "public"; "iam", with a fetch that
 * signs; or "none" where you accept that a token is good until its `exp`; publicUrls: the base URLs by which clients know
 * this API, without which no key-bound token is taken; introspect: answers `strict` for key-bound tokens; timeoutMs: of
 * one request to the service; count: called with the name of a metric; clock: for tests.
 */
export function createVerifier({
  issuer,
  audience,
  revocations = "public",
  publicUrls = [],
  introspect,
  timeoutMs = 2_000,
  fetch = globalThis.fetch,
  count = () => {},
  clock = CLOCK,
}) {
  if (!issuer || issuer.endsWith("/") || !audience) throw new TypeError("issuer (without a slash at its end) and audience are needed");
  if (!Object.hasOwn(PATHS, revocations)) throw new TypeError(`revocations: one of ${Object.keys(PATHS).join(", ")}`);
  const path = PATHS[revocations];
  const get = (at, headers) => getJson(`${issuer}${at}`, { fetch, clock, timeoutMs, headers });
  const keys = new Keys(() => get("/.well-known/jwks.json"), clock);
  const feed = new Feed((after) => get(`${path}${after && `?after=${encodeURIComponent(after)}`}`), keys, issuer, clock);

  const bases = publicUrls.map(baseOf);
  const proofs = new Proofs(count);
  const schemes = bases.length > 0 ? ["Bearer", "DPoP"] : ["Bearer"];

  /** The claims of a good bearer token that meets the requirements. Rejects with VerifyError. */
  const verify = (token, requirements) => verified({ token, proof: null }, requirements);

  async function verified({ token, proof }, { scope = [], acr = [], maxAgeS, strict = false } = {}) {
    const payload = await openToken(token, TYPES, keys);
    const now = Math.floor(clock.nowMs() / 1000);
    const claims = checkClaims(payload, { issuer, audience, now });
    const proof_id = await proofIdOf(proof, claims, token, proofs, now);
    const revoked = path ? await feed.revoked(claims) : false;
    if (revoked) throw invalid("revoked");
    meet(claims, { scope: listed(scope), acr: listed(acr), maxAgeS, now });
    if (strict || revoked === undefined) await (claims.jkt ? askByIntrospection(introspect, token) : askService(get, token, claims));
    return Object.freeze({ ...claims, proof_id });
  }

  /**
   * The verdict on a request by its headers, as fetch, Node (headers, better headersDistinct) or a plain object has them.
   * method, target: of its first line, the target percent-encoded as it came; without them no proof is good.
   */
  async function check(headers, requirements, { method, target } = {}) {
    const [given = ""] = fieldsOf(headers, "authorization");
    try {
      const credential = credentialOf(headers, { method, places: placesOf(bases, target) });
      return { ok: true, claims: await verified(credential, requirements) };
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      const { status, body, detail } = error;
      return { ok: false, status, headers: error.headersFor(schemesFor(given, error)), body, detail };
    }
  }

  /** The scheme of the request's token, or all that are taken where none came. */
  function schemesFor(given, { code }) {
    if (given.toLowerCase().startsWith("dpop ")) return ["DPoP"];
    return code ? ["Bearer"] : schemes;
  }

  return { verify, check };
}

/** {token, proof} of `Bearer <token>`, or of `DPoP <token>` with the request's proof (RFC 9449 §7.1). */
function credentialOf(headers, place) {
  const values = fieldsOf(headers, "authorization");
  if (values.length === 0 || values[0] === "") throw missing();
  const match = values.length === 1 && CREDENTIAL.exec(values[0]);
  if (!match) throw invalid("scheme");
  const [, scheme, token] = match;
  if (scheme.toLowerCase() === "bearer") return { token, proof: null };
  const proofs = fieldsOf(headers, "dpop");
  if (proofs.length === 0) throw badProof("none");
  return { token, proof: { text: proofs.join(", "), ...place } };
}

function fieldsOf(headers, name) {
  const field = typeof headers.get === "function" ? headers.get(name) : headers[name];
  return [field ?? []].flat();
}

/** The id of a key-bound token's proof, before anything else is looked up. A bearer token has none: null. */
async function proofIdOf(proof, { jkt }, token, proofs, now) {
  if (jkt === null) {
    if (proof) throw invalid("bound to no key"); // RFC 9449 §7.1
    return null;
  }
  if (!proof) throw invalid("bound to a key"); // RFC 9449 §7.2
  return proofs.ofToken(proof, token, jkt, now);
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

/** A key-bound token's own session is shown for a proof only that its client alone can make. */
async function askByIntrospection(introspect, token) {
  if (!introspect) throw unavailable("a key-bound token can be asked about by introspection alone: introspect");
  const answer = await Promise.resolve(token)
    .then(introspect)
    .catch((error) => {
      throw unavailable(`introspection: ${error.message}`);
    });
  if (typeof answer?.active !== "boolean") throw unavailable("introspection: no answer");
  if (!answer.active) throw invalid("revoked");
}
