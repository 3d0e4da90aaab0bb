// The life of a session that is bound to a key, against the running service: bound.mjs ISSUER. Reads name and password from the
// standard input, prints what came of each step.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createClient, memoryStore } from "../../../clients/javascript/client.js";

const issuer = process.argv[2];
const { username, password } = JSON.parse(readFileSync(0, "utf8"));
const skew = { ms: 3_600_000 }; // from the start the clock is an hour wrong
const statuses = [];
let lose = () => false;
let spoil = (init) => init;

async function send(url, init = {}) {
  const path = new URL(url).pathname;
  const response = await fetch(url, spoil(init, path));
  statuses.push(`${path} ${response.status}`);
  if (response.status !== 200 || !lose(path)) return response;
  await new Promise((resolve) => setTimeout(resolve, 1200)); // the retry window is over
  throw new TypeError("the answer is lost");
}

const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
const usual = { issuer, now: () => Date.now() + skew.ms, fetch: send, dpop: { keyPair: () => keys }, timeoutMs: 2000 };
const store = memoryStore();
const client = createClient({ ...usual, storage: store, rememberDevice: true });
const taken = () => statuses.splice(0);

await client.signIn({ username, password });
const signedIn = taken();
const jobs = await client.fetch(`${issuer}/examples/http/jobs`);
const called = [taken(), jobs.status];

skew.ms += 700_000;
let losses = 1;
lose = (path) => path === "/auth/token" && losses-- > 0;
await client.accessToken();
const refreshed = taken();

skew.ms += 700_000; // and the nonce is gone, as after a restart
const other = createClient({ ...usual, storage: store });
await other.accessToken();
const nonce = taken();

// A proof that is spoilt on its way is refused, and the next one is good.
let spoilt = 1;
spoil = (init, path) => {
  if (path !== "/examples/http/jobs" || spoilt-- <= 0) return init;
  const headers = new Headers(init.headers);
  headers.set("DPoP", headers.get("DPoP").slice(0, -4));
  return { ...init, headers };
};
skew.ms += 60_000;
const [refused] = [await createClient({ ...usual, storage: store, httpApis: [issuer] }).fetch(`${issuer}/examples/http/jobs`)];
const answered = [taken(), refused.status];

await assert.rejects(client.stepUp("wrong"), { code: "invalid_credentials" });
losses = 1;
lose = (path) => path === "/auth/step-up" && losses-- > 0;
await client.stepUp(password);
const raised = taken();

const bearer = await fetch(`${issuer}/auth/session`, { headers: { Authorization: `Bearer ${await client.accessToken()}` } });
const { token } = JSON.parse(store.get());
await client.signOut();
const after = await fetch(`${issuer}/auth/token`, { method: "POST", body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: token }) });
console.log(JSON.stringify({ signedIn, called, refreshed, nonce, answered, raised, bearer: bearer.status, after: (await after.json()).error }));
