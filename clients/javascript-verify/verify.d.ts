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
  /** Of one request to the service. Default: 2000. */
  timeoutMs?: number;
  /** Such as one that signs, where the service's revocations ask for IAM. Default: the global one. */
  fetch?: typeof globalThis.fetch;
  clock?: Clock;
}

export interface Verifier {
  /** Rejects with VerifyError. */
  verify(token: string, requirements?: Requirements): Promise<Claims>;
  /** headers: of the Fetch API, or Node's headersDistinct or headers, or an object with lower-case names. */
  check(
    headers: { get(name: string): string | null } | Record<string, string | string[] | undefined>,
    requirements?: Requirements,
  ): Promise<Verdict>;
}

export function createVerifier(options: Options): Verifier;

export class VerifyError extends Error {
  readonly status: 401 | 403 | 503;
  readonly code:
    | ""
    | "invalid_token"
    | "insufficient_scope"
    | "insufficient_user_authentication"
    | "temporarily_unavailable";
  readonly detail: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}
