// Why a request is refused, and the answer that says so: statuses, challenges and texts of the service's own routes.

const REALM = 'realm="auth-user-tokens"';
const PROOF_ALGORITHMS = 'algs="ES256 EdDSA Ed25519"';
const BEARER = ["Bearer"];
const DESCRIPTIONS = {
  invalid_token: "The access token is not valid.",
  invalid_dpop_proof: "The DPoP proof is not valid.",
  insufficient_scope: "The access token's scope does not reach this far.",
  insufficient_user_authentication: "A stronger or more recent authentication is needed.",
  temporarily_unavailable: "The service is temporarily unavailable; try again.",
};

/**
 * A refusal. code: the OAuth error code, empty where no credential came; status: 401, 403 or 503; detail: for your log,
 * not for the caller; headers and body: the answer, for a bearer token.
 */
export class VerifyError extends Error {
  #parameters;
  #others;

  /** parameters: of the challenge, undefined where there is none; others: further headers. */
  constructor(status, code, detail, { parameters, others = {}, description = DESCRIPTIONS[code] }) {
    super(`${code || "no_credential"}: ${detail}`);
    this.name = "VerifyError";
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.body = code ? JSON.stringify({ error: code, error_description: description }) : "";
    this.#parameters = parameters;
    this.#others = others;
  }

  get headers() {
    return this.headersFor(BEARER);
  }

  /** The answer's headers. schemes: "Bearer", "DPoP" or both, as the request's token came or as tokens are taken. */
  headersFor(schemes) {
    const type = this.body ? { "Content-Type": "application/json" } : {};
    const challenge = schemes.map((scheme) => this.#challenge(scheme)).join(", ");
    const asks = this.#parameters === undefined ? {} : { "WWW-Authenticate": challenge };
    return { "Cache-Control": "no-store", ...asks, ...this.#others, ...type };
  }

  /** RFC 6750 §3, RFC 9449 §7.1. */
  #challenge(scheme) {
    return [`${scheme} ${REALM}`, this.#parameters, scheme === "DPoP" && PROOF_ALGORITHMS].filter(Boolean).join(", ");
  }
}

/** No credential came (RFC 6750 §3.1). */
export function missing() {
  return new VerifyError(401, "", "no credential", { parameters: "" });
}

/** Malformed, forged, revoked, or bound otherwise. detail: which claim or part (RFC 6750 §3.1). */
export function invalid(detail) {
  return described("invalid_token", detail);
}

/** Past its `exp`, with a good signature: whoever holds the token can read that in it. */
export function expired() {
  return described("invalid_token", "exp", "The access token has expired.");
}

/** A proof that is not valid, or not there (RFC 9449 §7.1). detail: which check failed. */
export function badProof(detail) {
  return described("invalid_dpop_proof", detail);
}

/** The client can mend this one, so its text says what is wrong. */
export function proofOfAnotherTime(detail) {
  return described("invalid_dpop_proof", detail, "iat is too far from the server's time.");
}

/** A good token of too little scope (RFC 6750 §3.1). */
export function narrow(scope) {
  return new VerifyError(403, "insufficient_scope", "scope", { parameters: `error="insufficient_scope", scope="${scope}"` });
}

/** A good token of too weak or too old an authentication (RFC 9470 §3). */
export function weak(acr, maxAgeS) {
  const asked = (acr.length ? `, acr_values="${acr.join(" ")}"` : "") + (maxAgeS === undefined ? "" : `, max_age="${maxAgeS}"`);
  const parameters = `error="insufficient_user_authentication"${asked}`;
  return new VerifyError(401, "insufficient_user_authentication", "authentication", { parameters });
}

/** Keys or revocations are not known well enough to say yes or no. */
export function unavailable(detail) {
  return new VerifyError(503, "temporarily_unavailable", detail, { others: { "Retry-After": "1" } });
}

function described(code, detail, description = DESCRIPTIONS[code]) {
  const parameters = `error="${code}", error_description="${description}"`;
  return new VerifyError(401, code, detail, { parameters, description });
}
