// A token service in memory with a virtual clock, for the tests of the JavaScript verifier.
import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createVerifier } from "auth-user-tokens-verify";

export const ISSUER = "https://tokens.test";
export const START_S = 1_800_000_000;

/** answers: path → function of (headers, url) that returns a Response, in place of the service's own. */
export class Service {
  nowS = START_S;
  asked = [];
  revoked = [];
  stated = {};
  answers = {};
  keys = [];
  maxAgeS = 300;

  constructor() {
    this.rotate();
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { kty, crv, x, y } = publicKey.export({ format: "jwk" });
    this.proving = { privateKey, jwk: { kty, crv, x, y } };
    this.jkt = createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
    this.clock = { nowMs: () => this.nowS * 1000, monotonicMs: () => this.nowS * 1000 };
    this.fetch = async (url, { headers }) => {
      const { pathname } = new URL(url);
      this.asked.push(pathname);
      return (this.answers[pathname] ?? this[pathname]).call(this, headers, new URL(url));
    };
  }

  verifier(options = {}) {
    return createVerifier({ issuer: ISSUER, audience: "portal", fetch: this.fetch, clock: this.clock, ...options });
  }

  count(path) {
    return this.asked.filter((asked) => asked === path).length;
  }

  rotate() {
    this.signing = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.kid = randomUUID();
    this.keys.push({ ...this.signing.publicKey.export({ format: "jwk" }), kid: this.kid, alg: "ES256", use: "sig" });
  }

  token(claims = {}, header = {}) {
    const iat = this.nowS;
    return this.signed({ alg: "ES256", typ: "at+jwt", kid: this.kid, ...header }, { ...claimsAt(iat), ...claims });
  }

  /** The header fields of a key-bound token and its proof for a GET of a URL. */
  bound(url) {
    const token = this.token({ cnf: { jkt: this.jkt } });
    const ath = createHash("sha256").update(token).digest("base64url");
    const claims = { jti: randomUUID(), htm: "GET", htu: url, iat: this.nowS, ath };
    const dpop = this.signed({ typ: "dpop+jwt", alg: "ES256", jwk: this.proving.jwk }, claims, this.proving.privateKey);
    return { authorization: `DPoP ${token}`, dpop };
  }

  signed(header, claims, key = this.signing.privateKey) {
    const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    const raw = sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" });
    return `${input}.${raw.toString("base64url")}`;
  }

  /** The document after a cursor. stated: claims of its statement in place of the usual ones. */
  document(after, stated = {}) {
    const ids = Buffer.concat(this.revoked.map((uuid) => Buffer.from(uuid.replaceAll("-", ""), "hex").subarray(8))).toString("base64url");
    const usual = {
      iss: ISSUER, as_of: this.nowS, after, next: "1.a", complete: true, overflow: false, cutoffs: [],
      ids_sha256: createHash("sha256").update(ids).digest("base64url"), memory_s: 3660, max_staleness_s: 5, fail_after_s: 60,
    };
    const header = { alg: "ES256", typ: "revocations+jwt", kid: this.kid };
    return { statement: this.signed(header, { ...usual, ...this.stated, ...stated }), ids };
  }

  "/.well-known/jwks.json"() {
    return Response.json({ keys: this.keys }, { headers: { "Cache-Control": `public, max-age=${this.maxAgeS}` } });
  }

  "/auth/revocations"(_headers, url) {
    return Response.json(this.document(url.searchParams.get("after") ?? ""));
  }

  "/auth/session"() {
    return Response.json({ session_id: claimsAt(0).sid });
  }
}

export function claimsAt(iat) {
  return {
    iss: ISSUER, sub: "11111111-1111-7111-8111-111111111111", aud: "portal", exp: iat + 600, iat,
    jti: "01900000-0000-7000-8000-0000000000ff", client_id: "portal-web", scope: "jobs:read jobs:write",
    auth_time: iat, acr: "urn:acr", amr: ["pwd"], sid: "01900000-0000-7000-8000-00000000000a", device_id: "", labels: [],
  };
}
