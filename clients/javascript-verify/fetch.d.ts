import type { Claims, Requirements, Verifier } from "./verify.js";

/** A handler of requests that is called with the claims of a good token; `more` is passed on. */
export function withToken<More extends unknown[]>(
  verifier: Verifier,
  requirements: Requirements | undefined,
  handler: (request: Request, claims: Claims, ...more: More) => Response | Promise<Response>,
): (request: Request, ...more: More) => Promise<Response>;
