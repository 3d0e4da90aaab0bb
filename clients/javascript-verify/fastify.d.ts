import type { Requirements, Verifier } from "./verify.js";

/** An `onRequest` hook; the claims are in `request.auth`. */
export function requireToken(
  verifier: Verifier,
  requirements?: Requirements,
  // Fastify's own types, without a dependency on it.
): (request: any, reply: any) => Promise<any>;
