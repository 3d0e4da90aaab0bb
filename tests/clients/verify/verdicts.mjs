// The JavaScript verifier's verdicts for tests in another language. A line of JSON each way:
// {verifier, options, now, jwks, feed, headers, line} → {status, code, detail, challenge, counts}; jwks or feed null: out of
// reach; counts: the metrics that were counted since the verifier was made.
import { createInterface } from "node:readline";
import { createVerifier } from "auth-user-tokens-verify";

const verifiers = new Map();

function made({ options }) {
  const counts = {};
  const count = (metric) => (counts[metric] = (counts[metric] ?? 0) + 1);
  const world = { nowMs: () => world.given.now * 1000, monotonicMs: () => world.given.now * 1000 };
  const fetch = async (url) => {
    const body = new URL(url).pathname === "/auth/revocations" ? world.given.feed : world.given.jwks;
    if (!body) throw new Error("out of reach");
    return Response.json(body, { headers: { "Cache-Control": "public, max-age=300" } });
  };
  return { world, counts, verifier: createVerifier({ ...options, fetch, count, clock: world }) };
}

async function verdict(given) {
  if (!verifiers.has(given.verifier)) verifiers.set(given.verifier, made(given));
  const { world, counts, verifier } = verifiers.get(given.verifier);
  world.given = given;
  const answer = await verifier.check(given.headers, {}, given.line);
  if (answer.ok) return { status: 200, code: "", detail: answer.claims, counts };
  const code = answer.body ? JSON.parse(answer.body).error : "";
  const challenge = answer.headers["WWW-Authenticate"];
  return { status: answer.status, code, detail: answer.detail, challenge, counts };
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await verdict(JSON.parse(line)).catch((error) => ({ status: 500, code: "", detail: String(error.stack) }));
  console.log(JSON.stringify(answer));
}
