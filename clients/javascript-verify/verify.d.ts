/** What a good token says. Instants: epoch seconds; scope: space-separated; sid, jti, device_id: UUID texts. */
export interface Claims {
  readonly sub: string;
  readonly sid: string;
  readonly jti: string;
  readonly client_id: string;
  readonly scope: string;
  readonly device_id: string;
  readonly auth_time: number;
  readonly acr: string;
  readonly amr: readonly string[];
  readonly labels: readonly string[];
  readonly iat: number;
  readonly exp: number;
  /** The thumbprint of the key that the token is bound to; null: of a bearer token. */
  readonly jkt: string | null;
  /**
   * Names the proof that came with a key-bound token (22 characters); an API that must do nothing twice stores it for 120 s
   * under a UNIQUE index. null: of a bearer token.
   */
  readonly proof_id: string | null;
}

/** scope: all of them; acr: one of them; maxAgeS: seconds since the user authenticated; strict: ask the service now. */
export interface Requirements {
  scope?: string | readonly string[];
  acr?: string | readonly string[];
  maxAgeS?: number;
  strict?: boolean;
}

/** detail: for your log, not for the caller. */
export type Verdict =
  | { ok: true; claims: Claims }
  | { ok: false; status: 401 | 403 | 503; headers: Record<string, string>; body: string; detail: string };

export interface Clock {
  nowMs(): number;
  monotonicMs(): number;
}

export interface Options {
  /** The service's URL, exactly as in `iss`. */
  issuer: string;
  /** As in `aud`. */
  audience: string;
  /** "iam": with a `fetch` that signs. "none": a token is good until its `exp`. Default: "public". */
  revocations?: "public" | "iam" | "none";
  /** The base URLs by which clients know this API. Without them no key-bound token is taken. Default: none. */
  publicUrls?: readonly string[];
  /** Asks the service about a key-bound token (RFC 7662), for `strict`. */
  introspect?: (token: string) => Promise<{ active: boolean }>;
  /** Of one request to the service. Default: 2000. */
  timeoutMs?: number;
  /** Such as one that signs, where the service's revocations ask for IAM. Default: the global one. */
  fetch?: typeof globalThis.fetch;
  /** Called with the name of a metric: DpopReplay, DpopClockSkewed, DpopMemoryFull. */
  count?: (metric: string) => void;
  clock?: Clock;
}

/** The first line of a request; target: percent-encoded as it came. */
export interface RequestLine {
  method: string | undefined;
  target: string | undefined;
}

export interface Verifier {
  /** Rejects with VerifyError; also for a key-bound token. */
  verify(token: string, requirements?: Requirements): Promise<Claims>;
  /** headers: of the Fetch API, or Node's headersDistinct or headers, or an object with lower-case names. */
  check(
    headers: { get(name: string): string | null } | Record<string, string | string[] | undefined>,
    requirements?: Requirements,
    line?: RequestLine,
  ): Promise<Verdict>;
}

export function createVerifier(options: Options): Verifier;

export class VerifyError extends Error {
  readonly status: 401 | 403 | 503;
  readonly code:
    | ""
    | "invalid_token"
    | "invalid_dpop_proof"
    | "insufficient_scope"
    | "insufficient_user_authentication"
    | "temporarily_unavailable";
  readonly detail: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}
