import type { IncomingMessage, ServerResponse } from "node:http";
import type { Requirements, Verifier } from "./verify.js";

/** A middleware; the claims are in `request.auth`. */
export function requireToken(
  verifier: Verifier,
  requirements?: Requirements,
): (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => Promise<void>;
