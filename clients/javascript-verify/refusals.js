// Why a request is refused, and the answer that says so: statuses, challenges and texts of the service's own routes.

const REALM = 'Bearer realm="auth-user-tokens"';
const DESCRIPTIONS = {
  invalid_token: "The access token is not valid.",
  insufficient_scope: "The access token's scope does not reach this far.",
  insufficient_user_authentication: "A stronger or more recent authentication is needed.",
  temporarily_unavailable: "The service is temporarily unavailable; try again.",
};

/**
 * A refusal. code: the OAuth error code, empty where no credential came; status: 401, 403 or 503; detail: for your log,
 * not for the caller; headers and body: the answer.
 */
export class VerifyError extends Error {
  constructor(status, code, detail, headers) {
    super(`${code || "no_credential"}: ${detail}`);
    this.name = "VerifyError";
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.headers = { "Cache-Control": "no-store", ...headers };
    this.body = "";
    if (code) {
      this.headers["Content-Type"] = "application/json";
      this.body = JSON.stringify({ error: code, error_description: DESCRIPTIONS[code] });
    }
  }
}

/** No credential came (RFC 6750 §3.1). */
export function missing() {
  return new VerifyError(401, "", "no credential", { "WWW-Authenticate": REALM });
}

/** Malformed, forged, expired, revoked, or bound to a key. detail: which claim or part (RFC 6750 §3.1). */
export function invalid(detail) {
  const challenge = `${REALM}, error="invalid_token", error_description="${DESCRIPTIONS.invalid_token}"`;
  return new VerifyError(401, "invalid_token", detail, { "WWW-Authenticate": challenge });
}

/** A good token of too little scope (RFC 6750 §3.1). */
export function narrow(scope) {
  const challenge = `${REALM}, error="insufficient_scope", scope="${scope}"`;
  return new VerifyError(403, "insufficient_scope", "scope", { "WWW-Authenticate": challenge });
}

/** A good token of too weak or too old an authentication (RFC 9470 §3). */
export function weak(acr, maxAgeS) {
  const asked = (acr.length ? `, acr_values="${acr.join(" ")}"` : "") + (maxAgeS === undefined ? "" : `, max_age="${maxAgeS}"`);
  const challenge = `${REALM}, error="insufficient_user_authentication"${asked}`;
  return new VerifyError(401, "insufficient_user_authentication", "authentication", { "WWW-Authenticate": challenge });
}

/** Keys or revocations are not known well enough to say yes or no. */
export function unavailable(detail) {
  return new VerifyError(503, "temporarily_unavailable", detail, { "Retry-After": "1" });
}
