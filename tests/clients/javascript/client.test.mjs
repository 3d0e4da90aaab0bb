// What the client makes of bad input and bad luck, one case at a time, against answers made here.
import assert from "node:assert/strict";
import test from "node:test";
import { inspect } from "node:util";
import { AuthError, asyncStore, createClient, memoryStore } from "../../../clients/javascript/client.js";

const ISSUER = "https://tokens.test";
const API = "https://api.test";
let made = 0;
Math.random = () => 0.02; // waits that are short

const tokens = (more = {}) => ({
  access_token: `header.payload${++made}.signature`,
  token_type: "Bearer",
  expires_in: 600,
  refresh_token: `aut_rt_${made}`,
  refresh_expires_in: 1209600,
  scope: "portal:read",
  session_id: "session",
  device_id: "device",
  ...more,
});

const json = (status, body, headers = {}) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });
const isToken = (url) => String(url).endsWith("/auth/token");

// A client that is signed in, and what it sends. answers: for token requests, one after the other, the last for ever.
async function signedIn(answers, { age = 0, api = () => json(200, {}), ...options } = {}) {
  const sent = [];
  const events = [];
  const clock = { now: 1.7e12 };
  const left = [...answers];
  const client = createClient({
    issuer: ISSUER,
    apis: [API],
    storage: options.store ?? memoryStore(),
    retryForMs: 2000,
    timeoutMs: 60,
    now: () => clock.now,
    fetch: async (url, init = {}) => {
      sent.push({ url: String(url), ...init, headers: new Headers(init.headers), at: performance.now() });
      if (!isToken(url)) return api(String(url), init, sent);
      const answer = left.length > 1 ? left.shift() : left[0];
      return typeof answer === "function" ? answer(init) : answer.clone();
    },
    ...options,
  });
  for (const name of ["signedin", "signedout", "refreshed", "unreachable", "stepup", "storageerror"]) {
    client.addEventListener(name, (event) => events.push([name, event.detail]));
  }
  await client.adopt(tokens());
  clock.now += age;
  const refreshes = () => sent.filter(({ url }) => isToken(url));
  return { client, sent, events, clock, refreshes, names: () => events.map(([name]) => name) };
}

const EXPIRED = { age: 700_000 };
const refused = (code) => (error) => error instanceof AuthError && error.code === code;

for (const [what, bad] of Object.entries({
  "an answer cut in the middle": () => new Response(JSON.stringify(tokens()).slice(0, 90), { status: 200 }),
  "a proxy's page with 200": () => new Response("<html>Sign in to the hotel</html>", { headers: { "Content-Type": "text/html" } }),
  "a proxy's page with 403": () => new Response("<html>blocked</html>", { status: 403 }),
  "a redirect": () => new Response(null, { status: 302, headers: { Location: "https://hotel.test" } }),
  "the gateway's own 500": () => json(500, { message: "Internal Server Error" }),
  "the gateway's own 429": () => json(429, { message: "Too Many Requests" }),
  "a 503 of the service": () => json(503, { error: "temporarily_unavailable" }, { "Retry-After": "0" }),
  "half an answer": () => json(200, { ...tokens(), refresh_token: undefined }),
  "tokens in each other's place": () => json(200, { ...tokens(), access_token: "aut_rt_x", refresh_token: "a.b.c" }),
  "an answer without a life": () => json(200, { ...tokens(), expires_in: 0 }),
  "a body that is a text": () => json(200, "aut_rt_x"),
  "a connection that is cut": () => Promise.reject(new TypeError("fetch failed")),
  "no answer at all": () => new Promise(() => {}),
})) {
  test(`${what} is no answer: the same token is sent again with the same key, and nobody is signed out`, async () => {
    const { client, refreshes, names } = await signedIn([bad, () => json(200, tokens())], EXPIRED);

    await client.accessToken();

    const [first, second] = refreshes();
    assert.equal(first.body.get("refresh_token"), second.body.get("refresh_token"));
    assert.equal(first.headers.get("Idempotency-Key"), second.headers.get("Idempotency-Key"));
    assert.match(first.headers.get("Idempotency-Key"), /^[!-~]{20,255}$/);
    assert.deepEqual(names(), ["signedin", "unreachable", "refreshed"]);
  });
}

test("an answer of another content type counts", async () => {
  const { client, refreshes } = await signedIn([() => new Response(JSON.stringify(tokens()), { headers: { "Content-Type": "text/plain" } })], EXPIRED);
  await client.accessToken();
  assert.equal(refreshes().length, 1);
});

for (const code of ["invalid_request", "invalid_scope", "invalid_client", "unsupported_grant_type", "access_denied"]) {
  test(`${code} is an error at once, and the session stays`, async () => {
    const { client, refreshes, names } = await signedIn([json(code === "invalid_client" ? 401 : 400, { error: code })], EXPIRED);

    await assert.rejects(client.accessToken(), refused(code));

    assert.equal(refreshes().length, 1);
    assert.ok(client.session);
    assert.deepEqual(names(), ["signedin"]);
  });
}

test("invalid_grant for the stored token ends the session, and keeps device id and device token", async () => {
  const store = memoryStore();
  const { client, clock, events } = await signedIn([json(400, { error: "invalid_grant" })], { store });
  await client.adopt(tokens({ device_token: "aut_dt_1" }));
  clock.now += 700_000;

  await assert.rejects(client.accessToken(), refused("session_over"));

  assert.equal(client.session, null);
  assert.deepEqual(events.at(-1), ["signedout", { reason: "session_over" }]);
  const { did, dt, token } = JSON.parse(store.get());
  assert.deepEqual([did, dt, token], ["device", "aut_dt_1", undefined]);
  await assert.rejects(client.accessToken(), refused("signed_out"));
});

test("invalid_grant for a token that is not the stored one any more ends nothing", async () => {
  const store = memoryStore();
  const other = tokens();
  const { client, names } = await signedIn(
    [
      () => {
        const record = JSON.parse(store.get());
        store.swap(store.get(), JSON.stringify({ ...record, n: record.n + 1, token: other.refresh_token, access: other.access_token, at: 1.7e12 + 700_000 }));
        return json(400, { error: "invalid_grant" });
      },
    ],
    { ...EXPIRED, store },
  );

  assert.equal(await client.accessToken(), other.access_token);
  assert.deepEqual(names(), ["signedin"]);
});

test("what cannot be reached for as long as allowed is an error, and the session stays", async () => {
  const { client, events } = await signedIn([() => json(503, { error: "temporarily_unavailable" }, { "Retry-After": "30" })], EXPIRED);

  await assert.rejects(client.accessToken(), (error) => error.code === "unreachable" && error.retryAfterMs >= 30_000);

  assert.ok(client.session);
  const { since, retryAt } = events.at(-1)[1];
  assert.ok(retryAt - since >= 30_000 && retryAt - since <= 60_000);
});

test("a Retry-After that is a date counts from the answer's own Date", async () => {
  const headers = { "Retry-After": "Mon, 01 Jan 2035 00:00:40 GMT", Date: "Mon, 01 Jan 2035 00:00:00 GMT" };
  const { client } = await signedIn([() => json(503, {}, headers)], EXPIRED);
  await assert.rejects(client.accessToken(), ({ retryAfterMs }) => retryAfterMs >= 40_000 && retryAfterMs <= 80_000);
});

test("a due token is used while a refresh runs beside it, and many uses are one refresh", async () => {
  const { client, refreshes } = await signedIn([() => json(200, tokens())], { age: 590_000 });
  const [one, two] = await Promise.all([client.accessToken(), client.accessToken()]);
  assert.equal(one, two);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(refreshes().length, 1);
});

test("a wish for more life than half of it is capped", async () => {
  const { client, refreshes } = await signedIn([() => json(200, tokens())]);
  await client.accessToken({ minLifeMs: 86_400_000 });
  assert.equal(refreshes().length, 0);
});

test("an answer that comes after a sleep is asked for again", async () => {
  let world;
  const late = () => {
    world.clock.now += 3_600_000;
    return json(200, tokens());
  };
  world = await signedIn([late, () => json(200, tokens())], EXPIRED);
  await world.client.accessToken();
  assert.equal(world.refreshes().length, 2);
  assert.equal(world.refreshes()[0].body.get("refresh_token"), world.refreshes()[1].body.get("refresh_token"));
});

test("an API that always says 401 makes no loop", async () => {
  const { client, clock, refreshes } = await signedIn([() => json(200, tokens())], { age: 40_000, api: () => json(401, {}) });

  for (let uses = 0; uses < 200; uses++) {
    assert.equal((await client.fetch(`${API}/jobs`)).status, 401);
    clock.now += 1000;
  }

  assert.ok(refreshes().length <= 2, `${refreshes().length} refreshes`);
  assert.ok(client.session);
});

test("a bare 403 is a refusal at an HTTP API, and nowhere else", async () => {
  const api = (url, { headers }) => (headers.get("Authorization").includes("payload0") ? json(200, {}) : json(403, { message: "Forbidden" }));
  const { client, refreshes } = await signedIn([() => json(200, tokens())], { age: 40_000, api, httpApis: [`${API}/http`] });

  assert.equal((await client.fetch(`${API}/rest/jobs`)).status, 403);
  assert.equal(refreshes().length, 0);
  assert.equal((await client.fetch(`${API}/http/jobs`)).status, 403);
  assert.equal(refreshes().length, 1);
});

test("a refused request is sent once more with the next token, a stream is not", async () => {
  let good = "";
  const answers = [() => json(200, { ...tokens(), access_token: (good = "good.good.good") })];
  const api = (url, { headers }) => (headers.get("Authorization") === `Bearer ${good}` ? json(200, { ok: true }) : json(401, {}));
  const { client, sent } = await signedIn(answers, { age: 40_000, api });

  const response = await client.fetch(`${API}/jobs`, { method: "POST", body: new URLSearchParams({ a: "1" }) });

  assert.equal(response.status, 200);
  assert.equal(sent.filter(({ url }) => url.startsWith(API)).length, 2);
  const stream = await signedIn(answers, { age: 40_000, api: () => json(401, {}) });
  const body = new ReadableStream({ start: (controller) => controller.close() });
  assert.equal((await stream.client.fetch(`${API}/jobs`, { method: "POST", body, duplex: "half" })).status, 401);
  assert.equal(stream.sent.filter(({ url }) => url.startsWith(API)).length, 1);
});

test("a challenge for a stronger sign-in refreshes nothing and calls onStepUp", async () => {
  const challenge = 'Bearer error="insufficient_user_authentication", acr_values="urn:a urn:b", max_age="3600"';
  for (const name of ["WWW-Authenticate", "x-amzn-Remapped-WWW-Authenticate"]) {
    const asked = [];
    const options = { age: 40_000, api: () => json(401, {}, { [name]: challenge }), onStepUp: (about) => void asked.push(about) };
    const { client, refreshes } = await signedIn([() => json(200, tokens())], options);

    assert.equal((await client.fetch(`${API}/jobs`)).status, 401);

    assert.deepEqual(asked, [{ url: `${API}/jobs`, acrValues: "urn:a urn:b", maxAgeS: 3600 }]);
    assert.equal(refreshes().length, 0);
  }
});

test("the credential goes to the issuer and the named origins alone, and follows no redirect", async () => {
  const { client, sent } = await signedIn([json(500, {})]);
  for (const url of [`${API}/jobs`, `${ISSUER}/auth/session`, "https://api.test.evil.test/", "https://elsewhere.test/", "http://api.test/"]) {
    await client.fetch(url, { redirect: "follow" });
  }
  assert.deepEqual(sent.map(({ headers }) => headers.has("Authorization")), [true, true, false, false, false]);
  assert.deepEqual(sent.slice(0, 2).map(({ redirect }) => redirect), ["error", "error"]);
});

test("no secret is in what is shown of a client", async () => {
  const { client } = await signedIn([json(500, {})]);
  const shown = inspect(client, { depth: 9, showHidden: true }) + JSON.stringify(client) + inspect(client.session);
  assert.doesNotMatch(shown, /aut_|signature/);
});

const throwing = (text = null) => ({
  isBroken: false,
  text,
  get() {
    if (this.isBroken) throw new DOMException("denied", "SecurityError");
    return this.text;
  },
  swap(seen, next) {
    if (this.isBroken || this.isFull) throw new DOMException("full", "QuotaExceededError");
    if (this.text !== seen) return false;
    this.text = next;
    return true;
  },
});

for (const [what, breakIt] of Object.entries({
  "throws": (store) => (store.isBroken = true),
  "is full": (store) => (store.isFull = true),
  "is cleared by the user": (store) => (store.text = null),
  "holds half a record": (store) => (store.text = store.text.slice(0, 40)),
  "holds something else": (store) => (store.text = '{"theme": "dark"}'),
})) {
  test(`a store that ${what} signs nobody out: it goes on from memory`, async () => {
    const store = throwing();
    const { client, clock, names, refreshes } = await signedIn([() => json(200, tokens())], { store });
    breakIt(store);
    clock.now += 700_000;

    const first = await client.accessToken();
    clock.now += 700_000;
    assert.notEqual(await client.accessToken(), first);

    assert.ok(client.session);
    assert.ok(!names().includes("signedout"));
    assert.notEqual(refreshes()[0].body.get("refresh_token"), refreshes()[1].body.get("refresh_token"));
    assert.equal(names().includes("storageerror"), what !== "is cleared by the user");
    if (!store.isBroken && !store.isFull) assert.equal(JSON.parse(store.text).n, 2);
  });
}

test("a record of a newer version is left alone: its token is used to its end, then the page is to be loaded again", async () => {
  const store = throwing();
  const { client, clock, refreshes, names } = await signedIn([() => json(200, tokens())], { store });
  const newer = JSON.stringify({ ...JSON.parse(store.text), v: 2 });
  store.text = newer;

  await client.accessToken();
  clock.now += 700_000;
  await assert.rejects(client.accessToken(), refused("storage_version"));

  assert.equal(store.text, newer);
  assert.equal(refreshes().length, 0);
  assert.ok(!names().includes("signedout"));
});

test("a page that opens on an unreadable record is signed out, told why, and overwrites nothing", async () => {
  for (const text of ["{", "[]", "null", '{"v":1}', '{"v":1,"salt":"s","n":0,"token":"a.b.c"}', '{"v":9}']) {
    const store = throwing(text);
    const client = createClient({ issuer: ISSUER, storage: store });
    assert.equal(await client.ready, null);
    assert.equal(store.text, text);
    await client.adopt(tokens());
    assert.ok(client.session);
  }
});

test("a sign-out in another tab is heard of, and is no clearing", async () => {
  const store = memoryStore();
  const one = await signedIn([json(500, {})], { store });
  const two = await signedIn([json(500, {})], { store, api: () => new Response("") });

  await two.client.signOut();

  await assert.rejects(one.client.accessToken(), refused("signed_out"));
  assert.deepEqual(one.events.at(-1), ["signedout", { reason: "other_tab" }]);
  assert.deepEqual(two.events.at(-1), ["signedout", { reason: "here" }]);
  assert.equal(JSON.parse(store.get()).did, "device");
});

test("a sign-out that the service could not be told of is one here, and says so", async () => {
  const { client } = await signedIn([json(500, {})], { api: () => Promise.reject(new TypeError("offline")) });
  await assert.rejects(client.signOut(), refused("unreachable"));
  assert.equal(client.session, null);
});

for (const [what, answer] of Object.entries({
  "nothing": null,
  "a page": "<html>",
  "tokens in each other's place": { ...tokens(), refresh_token: "a.b.c", access_token: "aut_rt_1" },
  "a token with a line break": { ...tokens(), access_token: "a\r\nX-Evil: 1" },
  "a device token as the refresh token": { ...tokens(), refresh_token: "aut_dt_1" },
})) {
  test(`adopting ${what} is refused, and the session before stays`, async () => {
    const { client } = await signedIn([json(500, {})]);
    await assert.rejects(client.adopt(answer), refused("bad_answer"));
    assert.equal(client.session.sessionId, "session");
  });
}

test("a device token opens the next session, with one key for all its tries", async () => {
  const { client, refreshes } = await signedIn([() => Promise.reject(new TypeError("lost")), () => json(200, tokens({ device_token: "aut_dt_2", session_id: "next" }))]);
  await client.adopt(tokens({ device_token: "aut_dt_1" }));

  assert.equal((await client.signInWithDevice()).sessionId, "next");

  const keys = refreshes().map(({ headers }) => headers.get("Idempotency-Key"));
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
  assert.deepEqual(refreshes().map(({ body }) => body.get("subject_token")), ["aut_dt_1", "aut_dt_1"]);
});

test("an asynchronous store keeps the order of its writes", async () => {
  const items = new Map();
  const slow = { getItem: async (key) => items.get(key), setItem: async (key, text) => void items.set(key, text) };
  const store = asyncStore(slow, "key");
  const swaps = await Promise.all([store.swap(null, "a"), store.swap(null, "b"), store.swap("a", "c")]);
  assert.deepEqual([swaps, await store.get()], [[true, false, true], "c"]);
});

test("a cookie session: the CSRF token goes with what changes something, a lost rotation is asked for by the same key", async () => {
  const sent = [];
  let isSpent = false;
  const client = createClient({
    issuer: ISSUER,
    mode: "cookie",
    storage: memoryStore(),
    now: () => 1.7e12 + (isSpent ? 3_600_000 : 0),
    fetch: async (url, init) => {
      sent.push({ url: String(url), ...init, headers: new Headers(init.headers) });
      if (isToken(url)) return (isSpent = false), json(200, { session_id: "s", expires_in: 3600, csrf_token: "csrf" });
      if (isSpent) return json(401, { error: "invalid_token" });
      return json(200, { session_id: "s", device_id: "d", csrf_token: "csrf", scope: "portal:read" });
    },
  });
  assert.equal((await client.ready).sessionId, "s");
  isSpent = true;

  await client.request("POST", "/auth/logout", { scope: "others" });

  const rotations = sent.filter(({ url }) => isToken(url));
  assert.equal(rotations.length, 1);
  assert.ok(rotations[0].headers.get("Idempotency-Key"));
  assert.equal(sent.at(-1).headers.get("X-CSRF-Token"), "csrf");
  assert.ok(sent.every(({ credentials }) => credentials === "include"));
  assert.ok(!rotations[0].body.has("refresh_token"));
});

// What a step-up and refreshes are answered with, and what the client sends.
async function raising(answers, options) {
  const left = [...answers];
  const made = await signedIn([() => json(200, tokens())], {
    api: (url, init) => (left.length > 1 ? left.shift() : left[0])(init),
    ...options,
  });
  const raises = () => made.sent.filter(({ url }) => url.endsWith("/auth/step-up"));
  return { ...made, raises };
}

test("a step-up spends the stored token with that token's own key, and keeps its successor", async () => {
  const store = memoryStore();
  const { client, raises, refreshes, names, clock } = await raising([() => json(200, tokens({ access_token: "raised" }))], { store, clientId: "portal" });
  const { token, salt, n } = JSON.parse(store.get());

  await client.stepUp("secret", { acrValues: "urn:a urn:b", maxAgeS: 0 });

  const [sent] = raises();
  assert.deepEqual(JSON.parse(sent.body), { password: "secret", acr_values: "urn:a urn:b", max_age: 0, refresh_token: token, client_id: "portal" });
  assert.equal(sent.headers.get("Idempotency-Key"), `${salt}.${n}`);
  assert.equal(JSON.parse(store.get()).n, n + 1);
  assert.equal(await client.accessToken(), "raised");
  assert.deepEqual(names(), ["signedin", "refreshed"]);
  clock.now += 700_000;
  await client.accessToken();
  assert.equal(refreshes()[0].headers.get("Idempotency-Key"), `${salt}.${n + 1}`);
  assert.ok(!store.get().includes("secret"));
});

for (const [what, lost] of Object.entries({
  "that is lost": () => Promise.reject(new TypeError("fetch failed")),
  "that never comes": () => new Promise(() => {}),
  "that a proxy made": () => new Response("<html>blocked</html>", { status: 403 }),
  "of a service that is out of reach": () => json(503, { error: "temporarily_unavailable" }),
})) {
  test(`an answer to a step-up ${what} is asked for again with the same token and key`, async () => {
    const { client, raises, names } = await raising([lost, () => json(200, tokens())]);

    await client.stepUp("secret");

    const [first, second] = raises();
    assert.equal(first.body, second.body);
    assert.equal(first.headers.get("Idempotency-Key"), second.headers.get("Idempotency-Key"));
    assert.deepEqual(names(), ["signedin", "unreachable", "refreshed"]);
  });
}

for (const [code, status] of [["invalid_credentials", 401], ["rate_limited", 429], ["unmet_authentication_requirements", 400]]) {
  test(`a step-up that is refused as ${code} is an error at once, and neither ends the session nor holds up its refresh`, async () => {
    const { client, raises, refreshes, names, clock } = await raising([() => json(status, { error: code }, { "Retry-After": "60" })]);

    await assert.rejects(client.stepUp("wrong"), (error) => refused(code)(error) && error.retryAfterMs === 60_000);

    assert.equal(raises().length, 1);
    assert.deepEqual(names(), ["signedin"]);
    clock.now += 700_000;
    await client.accessToken();
    assert.equal(refreshes().length, 1);
  });
}

test("a step-up of a session that is over says so", async () => {
  const { client, events } = await raising([() => json(400, { error: "invalid_grant" })]);

  await assert.rejects(client.stepUp("secret"), refused("session_over"));

  assert.deepEqual(events.at(-1), ["signedout", { reason: "session_over" }]);
  await assert.rejects(client.stepUp("secret"), refused("signed_out"));
});

test("a refresh that is wanted during a step-up waits for it and is not made", async () => {
  const { client, refreshes } = await raising([() => json(200, tokens({ access_token: "raised" }))], EXPIRED);

  const [, token] = await Promise.all([client.stepUp("secret"), client.accessToken()]);

  assert.equal(token, "raised");
  assert.equal(refreshes().length, 0);
});

test("a step-up whose token another tab has spent meanwhile is made again with the next one", async () => {
  const store = memoryStore();
  const { client, raises } = await raising([
    () => {
      const record = JSON.parse(store.get());
      store.swap(store.get(), JSON.stringify({ ...record, token: "aut_rt_other", n: record.n + 1 }));
      return json(200, tokens());
    },
    () => json(200, tokens({ access_token: "raised" })),
  ], { store });

  await client.stepUp("secret");

  const [first, second] = raises();
  assert.notEqual(first.headers.get("Idempotency-Key"), second.headers.get("Idempotency-Key"));
  assert.equal(JSON.parse(second.body).refresh_token, "aut_rt_other");
  assert.equal(JSON.parse(store.get()).n, 2);
  assert.equal(await client.accessToken(), "raised");
});

test("a step-up of a cookie session carries the CSRF token, and no token in its body", async () => {
  const sent = [];
  const answers = [() => Promise.reject(new TypeError("lost")), () => json(200, { session_id: "s", expires_in: 3600, csrf_token: "csrf" })];
  const client = createClient({
    issuer: ISSUER,
    mode: "cookie",
    storage: memoryStore(),
    fetch: async (url, init) => {
      sent.push({ ...init, headers: new Headers(init.headers), url });
      return url.endsWith("/auth/step-up") ? answers.shift()() : json(200, { session_id: "s", device_id: "d", csrf_token: "csrf", scope: "" });
    },
  });
  await client.ready;

  await client.stepUp("secret");

  const [first, second] = sent.slice(1);
  assert.deepEqual(JSON.parse(first.body), { password: "secret" });
  assert.equal(first.headers.get("X-CSRF-Token"), "csrf");
  assert.ok(first.headers.get("Idempotency-Key"));
  assert.equal(first.headers.get("Idempotency-Key"), second.headers.get("Idempotency-Key"));
  assert.deepEqual([first.credentials, first.body], ["include", second.body]);
});
