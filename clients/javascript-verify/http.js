// One GET of a JSON document: followed nowhere, bounded in time, and taken only whole and of the right kind.

/** The document could not be had: no connection, time-out, redirect, another status or type, or no JSON. */
export class Unreachable extends Error {}

/**
 * GET a JSON object. Resolves to {status, body, headers, sentAt, ageMs}; body is null where the status is not 200.
 * sentAt: by the monotonic clock, before sending; ageMs: what caches on the way say of its age (RFC 9111 §5.1).
 */
export async function getJson(url, { fetch, clock, timeoutMs, headers = {} }) {
  const sentAt = clock.monotonicMs();
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await fetch(url, { headers: { Accept: "application/json", ...headers }, redirect: "manual", signal });
    const ageMs = 1000 * (Number.parseInt(answer.headers.get("age") ?? "0", 10) || 0);
    const body = answer.status === 200 ? await objectOf(answer) : null;
    return { status: answer.status, body, headers: answer.headers, sentAt, ageMs: Math.max(0, ageMs) };
  } catch (error) {
    throw new Unreachable(`${new URL(url).pathname}: ${error.message}`, { cause: error });
  }
}

async function objectOf(answer) {
  const type = (answer.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
  if (type !== "application/json" && type !== "application/jwk-set+json") throw new Error(`content type ${type || "missing"}`);
  const body = await answer.json();
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw new Error("no JSON object");
  return body;
}
