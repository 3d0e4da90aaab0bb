// The JavaScript verifier's verdicts for tests in another language. A line of JSON each way:
// {verifier, issuer, audience, now, jwks, feed, token} → {status, code, detail}; jwks or feed null: out of reach.
import { createInterface } from "node:readline";
import { createVerifier } from "auth-user-tokens-verify";

const verifiers = new Map();

function made({ issuer, audience }) {
  const world = { nowMs: () => world.given.now * 1000, monotonicMs: () => world.given.now * 1000 };
  const fetch = async (url) => {
    const body = new URL(url).pathname === "/auth/revocations" ? world.given.feed : world.given.jwks;
    if (!body) throw new Error("out of reach");
    return Response.json(body, { headers: { "Cache-Control": "public, max-age=300" } });
  };
  return { world, verifier: createVerifier({ issuer, audience, fetch, clock: world }) };
}

async function verdict(given) {
  if (!verifiers.has(given.verifier)) verifiers.set(given.verifier, made(given));
  const { world, verifier } = verifiers.get(given.verifier);
  world.given = given;
  const answer = await verifier.check({ authorization: `Bearer ${given.token}` });
  if (answer.ok) return { status: 200, code: "", detail: answer.claims };
  return { status: answer.status, code: answer.body ? JSON.parse(answer.body).error : "", detail: answer.detail };
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await verdict(JSON.parse(line)).catch((error) => ({ status: 500, code: "", detail: String(error.stack) }));
  console.log(JSON.stringify(answer));
}
