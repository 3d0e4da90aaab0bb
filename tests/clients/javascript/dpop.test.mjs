// Sessions that are bound to a key: what the client proves, and what it makes of answers about its proofs.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { createClient, memoryStore } from "../../../clients/javascript/client.js";

const ISSUER = "https://tokens.test";
const API = "https://api.test";
let made = 0;
Math.random = () => 0.02; // waits that are short

const tokens = (more = {}) => ({
  access_token: `header.payload${++made}.signature`, token_type: "DPoP", expires_in: 600, refresh_token: `aut_rt_${made}`,
  refresh_expires_in: 1209600, scope: "portal:read", session_id: "session", device_id: "device", ...more,
});
const json = (status, body, headers = {}) => new Response(JSON.stringify(body), { status, headers });
const wantsNonce = (nonce, status = 400) =>
  json(status, { error: "use_dpop_nonce" }, { "DPoP-Nonce": nonce, ...(status === 401 && { "WWW-Authenticate": 'DPoP error="use_dpop_nonce"' }) });
const sha256 = (text) => createHash("sha256").update(text).digest("base64url");
const parsed = (part) => JSON.parse(Buffer.from(part, "base64url"));

async function verified(proof) {
  const [header, payload, signature] = proof.split(".");
  const { jwk, ...head } = parsed(header);
  const key = await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
  const isGood = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, Buffer.from(signature, "base64url"), Buffer.from(`${header}.${payload}`));
  assert.ok(isGood);
  assert.deepEqual(head, { typ: "dpop+jwt", alg: "ES256" });
  return { jwk, ...parsed(payload) };
}

// answers: one a request, a response or what makes one; without any left, tokens from the issuer and 200 from an API.
function bound(answers = [], options = {}) {
  const sent = [];
  const clock = { now: 1.7e12 };
  const fetch = async (url, init = {}) => {
    const headers = new Headers(init.headers);
    const proof = headers.get("DPoP");
    sent.push({ url: String(url), headers, body: init.body, proof: proof && (await verified(proof)) });
    const next = answers.shift();
    if (next) return typeof next === "function" ? next(init) : next;
    return json(200, String(url).startsWith(`${ISSUER}/auth/session`) ? {} : String(url).startsWith(ISSUER) ? tokens() : {});
  };
  const usual = { issuer: ISSUER, apis: [API], storage: memoryStore(), dpop: { keyPair: () => KEYS }, now: () => clock.now, fetch, retryForMs: 2000, timeoutMs: 500 };
  return { client: createClient({ ...usual, ...options }), sent, clock };
}
const KEYS = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
const ALICE = { username: "alice", password: "secret" };

test("a sign-in, a call, a refresh and a step-up are proven by one key, with what each is for", async () => {
  const { client, sent, clock } = bound();
  await client.signIn(ALICE);
  const first = await client.accessToken();
  await client.fetch(`${API}/jobs?of=me#top`, { method: "PATCH", body: "{}" });
  clock.now += 700_000;
  await client.accessToken();
  await client.stepUp("secret");

  assert.deepEqual(sent.map(({ proof: { htm, htu, ath } }) => [htm, htu, ath]), [
    ["POST", `${ISSUER}/auth/login`, undefined],
    ["PATCH", `${API}/jobs`, sha256(first)],
    ["POST", `${ISSUER}/auth/token`, undefined],
    ["POST", `${ISSUER}/auth/step-up`, undefined],
  ]);
  assert.equal(sent[1].headers.get("Authorization"), `DPoP ${first}`);
  assert.equal(new Set(sent.map(({ proof }) => proof.jti)).size, 4);
  assert.equal(sent[0].proof.iat, 1.7e9);
  const { crv, kty, x, y } = sent[0].proof.jwk;
  assert.equal(await client.keyThumbprint(), sha256(JSON.stringify({ crv, kty, x, y })));
  assert.deepEqual(Object.keys(sent[0].proof.jwk).sort(), ["crv", "kty", "x", "y"]);
});

test("the nonce of every answer goes into the next proof for that origin alone", async () => {
  const { client, sent } = bound([json(200, tokens(), { "DPoP-Nonce": "one" }), json(200, {}, { "DPoP-Nonce": "two" })]);
  await client.signIn(ALICE);
  await client.fetch(`${API}/a`);
  await client.fetch(`${API}/b`);
  await client.request("GET", "/auth/session");

  assert.deepEqual(sent.map(({ proof }) => proof.nonce), [undefined, undefined, "two", "one"]);
});

test("a sign-in and a call that are refused for want of a nonce are sent once more with it", async () => {
  const { client, sent } = bound([wantsNonce("n1"), undefined, wantsNonce("a1", 401)]);
  await client.signIn(ALICE);
  const response = await client.fetch(`${API}/jobs`, { method: "POST", body: "{}" });

  assert.equal(response.status, 200);
  assert.deepEqual(sent.map(({ proof }) => proof.nonce), [undefined, "n1", undefined, "a1"]);
});

test("a refresh that is refused for want of a nonce is the same refresh with the same key", async () => {
  const { client, sent, clock } = bound([undefined, wantsNonce("n1")]);
  await client.signIn(ALICE);
  clock.now += 700_000;
  await client.accessToken();

  const [one, other] = sent.slice(1);
  assert.equal(one.body.get("refresh_token"), other.body.get("refresh_token"));
  assert.equal(one.headers.get("Idempotency-Key"), other.headers.get("Idempotency-Key"));
  assert.deepEqual([one.proof.nonce, other.proof.nonce], [undefined, "n1"]);
});

test("a service that never takes a nonce is an error soon, and the session stays", async () => {
  const refusals = Array.from({ length: 9 }, (_, n) => wantsNonce(`n${n}`));
  const { client, sent, clock } = bound([undefined, ...refusals]);
  await client.signIn(ALICE);
  clock.now += 700_000;

  await assert.rejects(client.accessToken(), { code: "use_dpop_nonce" });
  assert.ok(sent.length <= 4 && client.session);
});

test("a stream is not sent twice, and a nonce that it wanted is kept without a refresh", async () => {
  const { client, sent, clock } = bound([undefined, wantsNonce("a1", 401)]);
  await client.signIn(ALICE);
  clock.now += 300_000;
  const body = new Blob(["{}"]).stream();

  assert.equal((await client.fetch(`${API}/jobs`, { method: "POST", body, duplex: "half" })).status, 401);
  assert.equal(sent.length, 2);
  await client.fetch(`${API}/jobs`);
  assert.equal(sent[2].proof.nonce, "a1");
});

test("a clock that is wrong is seen by the answer's date, and the proof made again by it", async () => {
  const date = new Date(1.7e12 + 3_600_000).toUTCString();
  const wrong = json(400, { error: "invalid_dpop_proof" }, { Date: date });
  const { client, sent } = bound([wrong, wantsNonce("n1")]);
  await client.signIn(ALICE);

  assert.deepEqual(sent.map(({ proof: { iat, nonce } }) => [iat - 1.7e9, nonce]), [[0, undefined], [3600, undefined], [3600, "n1"]]);
});

for (const [what, answer] of Object.entries({
  "that was slept through": (clock) => ((clock.now += 3_600_000), json(200, tokens(), { Date: new Date(1.7e12).toUTCString() })),
  "of a cache": () => json(200, tokens(), { Date: new Date(1.6e12).toUTCString(), Age: "100" }),
})) {
  test(`an answer ${what} tells no time`, async () => {
    const clock = { now: 1.7e12 };
    const { client, sent } = bound([() => answer(clock)], { now: () => clock.now });
    await client.signIn(ALICE).catch(() => {});
    await client.fetch(`${API}/jobs`).catch(() => {});

    assert.equal(sent.at(-1).proof.iat, Math.floor(clock.now / 1000));
  });
}

test("a token that is refused at an API is refreshed, and the call is signed anew", async () => {
  const { client, sent, clock } = bound([undefined, json(401, {}), undefined, undefined]);
  await client.signIn(ALICE);
  clock.now += 60_000;
  assert.equal((await client.fetch(`${API}/jobs`)).status, 200);

  const [one, , other] = sent.slice(1);
  assert.notEqual(one.proof.jti, other.proof.jti);
  assert.equal(other.proof.ath, sha256(other.headers.get("Authorization").slice(5)));
});

test("a session that is bound to no key goes on without proofs at APIs", async () => {
  const store = memoryStore();
  store.swap(null, JSON.stringify({ v: 1, salt: "s", n: 0, token: "aut_rt_old", access: "a.b.c", at: 1.7e12, steadyAt: performance.timeOrigin + performance.now(), lifeMs: 600_000, sid: "s" }));
  const { client, sent, clock } = bound([undefined, json(200, tokens({ token_type: "Bearer" }))], { storage: store });
  await client.fetch(`${API}/jobs`);
  clock.now += 700_000;
  await client.fetch(`${API}/jobs`);

  assert.deepEqual(sent.map(({ proof }) => Boolean(proof)), [false, true, false]);
  assert.match(sent[2].headers.get("Authorization"), /^Bearer /);
});

test("a sign-in that the service binds to no key is refused here", async () => {
  const { client } = bound([json(200, tokens({ token_type: "Bearer" }))]);
  await assert.rejects(client.signIn(ALICE), { code: "not_bound" });
  assert.equal(client.session, null);
});

test("a key that cannot be read ends no session, and a key that is lost ends it by invalid_grant", async () => {
  const store = memoryStore();
  const one = bound([], { storage: store });
  await one.client.signIn(ALICE);
  let fails = 2;
  const keyPair = () => (fails-- > 0 ? Promise.reject(new Error("locked")) : KEYS);
  const other = bound([undefined, json(400, { error: "invalid_grant" })], { storage: store, dpop: { keyPair } });
  other.clock.now += 700_000;
  await other.client.accessToken();
  assert.equal(other.sent.length, 1);

  other.clock.now += 700_000;
  await assert.rejects(other.client.accessToken(), { code: "session_over" });
});

test("a request with a credential of the caller's own, or to another origin, gets no proof", async () => {
  const { client, sent } = bound();
  await client.signIn(ALICE);
  await client.fetch("https://elsewhere.test/");
  await client.fetch(`${API}/`, { headers: { Authorization: "Basic x" } });

  assert.deepEqual(sent.slice(1).map(({ proof }) => proof), [null, null]);
});

for (const [what, session, isAsked] of [
  ["is too old", { acr: "urn:a", auth_time: 1.7e9 - 901 }, true],
  ["has another class", { acr: "urn:b", auth_time: 1.7e9 }, true],
  ["is all that is asked for", { acr: "urn:a", auth_time: 1.7e9 - 900 }, false],
]) {
  test(`a gateway's bare 403: the sign-in ${what}, so onStepUp is ${isAsked ? "" : "not "}called`, async () => {
    const asked = [];
    const answers = [undefined, json(403, {}), json(200, session)];
    const requires = { [`${API}/admin`]: { acr: "urn:a", maxAgeS: 900 } };
    const { client } = bound(answers, { requires, onStepUp: (wanted) => asked.push(wanted) > 0 });
    await client.signIn(ALICE);
    const response = await client.fetch(`${API}/admin/users`);

    assert.equal(response.status, isAsked ? 200 : 403);
    assert.deepEqual(asked, isAsked ? [{ url: `${API}/admin/users`, acrValues: "urn:a", maxAgeS: 900 }] : []);
  });
}

test("a 403 of an API that is known to ask for nothing is its answer", async () => {
  const { client, sent } = bound([undefined, json(403, {})], { requires: { [`${API}/admin`]: { maxAgeS: 900 } } });
  await client.signIn(ALICE);

  assert.equal((await client.fetch(`${API}/jobs`)).status, 403);
  assert.equal(sent.length, 2);
});
