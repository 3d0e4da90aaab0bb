// Trials of the client against the running service: trials.mjs ISSUER NAME ROUNDS. Reads a list of sign-in answers, one a
// client, from the standard input. Prints how many refreshes were needed and made, and how many sessions ended.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createClient, memoryStore } from "../../../clients/javascript/client.js";

const [issuer, name, rounds] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const answers = JSON.parse(readFileSync(0, "utf8"));
const TIME_OUT_MS = 3000;

// One person with a clock that the trial sets, and a shop of refreshes that it counts.
async function person(answer, options = {}) {
  const skew = { ms: 0 };
  const seen = { refreshed: 0, signedout: 0, unreachable: 0 };
  const client = createClient({
    issuer,
    storage: memoryStore(),
    timeoutMs: TIME_OUT_MS,
    retryForMs: 120_000,
    now: () => Date.now() + skew.ms,
    ...options,
  });
  for (const event of Object.keys(seen)) client.addEventListener(event, () => (seen[event] += 1));
  await client.adopt(answer);
  return { client, skew, seen };
}

const listening = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}`)));

const TRIALS = {
  // Between service and client: one request in two is lost, loses its answer or half of it, or is later than the time-out.
  async proxy() {
    let turn = 0;
    const server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const fate = ["good", "lost request", "good", "lost answer", "good", "half", "good", "late"][turn++ % 8];
      if (fate === "lost request") return request.socket.destroy();
      const { host, connection, ...headers } = request.headers;
      const answer = await fetch(issuer + request.url, { method: request.method, headers, body: Buffer.concat(chunks) });
      const body = Buffer.from(await answer.arrayBuffer());
      if (fate === "lost answer") return request.socket.destroy();
      if (fate === "late") await new Promise((resolve) => setTimeout(resolve, TIME_OUT_MS + 500));
      response.writeHead(answer.status, { "Content-Type": "application/json", "Content-Length": body.length });
      if (fate !== "half") return response.end(body);
      response.write(body.subarray(0, body.length / 2), () => request.socket.destroy());
    });
    const through = await listening(server);
    const needed = await each({ issuer: through }, async ({ client, skew }) => {
      skew.ms += 31_000;
      await client.accessToken();
    });
    server.closeAllConnections();
    server.close();
    return needed;
  },
  // The clock is an hour wrong, another way each time, and between two uses a day is slept through.
  clocks: () =>
    each({}, async ({ client, skew }, round) => {
      skew.ms = [3_600_000, 7_200_000, 90_000_000][round % 3] * (round + 1);
      await client.accessToken();
      skew.ms -= 7_200_000;
      await client.accessToken();
    }),
  // An API that refuses whatever comes, as a REST API does and as an HTTP API does.
  async refusals() {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(request.url === "/rest" ? 401 : 403, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ message: request.url === "/rest" ? "Unauthorized" : "Forbidden" }));
    });
    const api = await listening(server);
    await each({ apis: [api], httpApis: [`${api}/http`] }, async ({ client, skew }, round) => {
      if (round === 0) skew.ms += 16_000; // old enough for a refresh to be tried
      for (const path of ["/rest", "/http"]) await (await client.fetch(api + path)).text();
    });
    server.closeAllConnections();
    server.close();
    return people.length; // one refresh is right: the token could have been the reason
  },
  // A step-up whose answer is lost, and asked for again when the retry window is over.
  async stepUps() {
    let isLost = true;
    const lossy = async (url, init) => {
      const response = await fetch(url, init);
      if (!String(url).endsWith("/auth/step-up") || !isLost) return response;
      isLost = false;
      await new Promise((resolve) => setTimeout(resolve, 1200));
      throw new TypeError("the answer is lost");
    };
    return each({ fetch: lossy }, async ({ client }, round) => {
      const before = await client.request("GET", "/auth/session");
      await assert.rejects(client.stepUp("wrong"), { code: "invalid_credentials" });
      await client.stepUp(answers[round].password, { maxAgeS: 0 });
      const after = await client.request("GET", "/auth/session");
      assert.ok(after.session_id === before.session_id && after.auth_time > before.auth_time);
    });
  },
  storm503: () => storm(503, "temporarily_unavailable"),
  storm429: () => storm(429, "rate_limited"),
};

// Each with a life of `rounds` seconds, in use all the time, and a service that is out for a while. Returns what was sent when.
async function storm(status, error) {
  const lifeMs = rounds * 1000;
  const retryAfterS = Math.floor(rounds / 2);
  const out = { from: 2 * lifeMs, to: 2.4 * lifeMs };
  const began = performance.now();
  const now = () => performance.now() - began;
  const isOut = (at) => at >= out.from && at < out.to;
  const tries = [];
  people = await Promise.all(answers.map((answer) => {
    const times = [];
    tries.push(times);
    const send = async (url, init) => {
      times.push(now());
      const refusal = { status, headers: { "Retry-After": String(retryAfterS) } };
      if (isOut(now())) return new Response(JSON.stringify({ error }), refusal);
      const response = await fetch(url, init);
      return Response.json({ ...(await response.json()), expires_in: rounds }, { status: response.status });
    };
    return person({ ...answer, expires_in: rounds * (0.3 + 0.7 * Math.random()) }, { fetch: send, timeoutMs: 1000 });
  }));
  await Promise.all(people.map(async ({ client }) => {
    while (now() < 3.5 * lifeMs) {
      await client.accessToken().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 50 + 50 * Math.random()));
    }
  }));
  const tooSoon = tries.flatMap((times) => times.slice(1).filter((time, index) => isOut(times[index]) && time - times[index] < retryAfterS * 1000));
  const most = (from, to) => {
    const seconds = new Map();
    for (const time of tries.flat()) if (time >= from && time < to) seconds.set(Math.floor(time / 1000), (seconds.get(Math.floor(time / 1000)) ?? 0) + 1);
    return Math.max(...seconds.values());
  };
  Object.assign(figures, { tooSoon: tooSoon.length, tries: tries.flat().length, steady: most(lifeMs, out.from), after: most(out.to, Infinity) });
  return Math.floor((people.length * 3.5) / 0.85 - people.length);
}

const figures = {};
let people;
async function each(options, use) {
  people = await Promise.all(answers.map((answer) => person(answer, options)));
  await Promise.all(people.map(async (one) => {
    for (let round = 0; round < rounds; round++) await use(one, round);
  }));
  return people.length * rounds;
}

const needed = await TRIALS[name]();
const sum = (key) => people.reduce((total, { seen }) => total + seen[key], 0);
console.log(JSON.stringify({ needed, made: sum("refreshed"), ended: sum("signedout"), unreachable: sum("unreachable"), ...figures }));
for (const { client } of people) client.close();
