// Compiled, never run: what the types of clients/javascript-verify let through and what they do not.
import { createVerifier, VerifyError, type Claims, type Verdict } from "auth-user-tokens-verify";
import { withToken } from "auth-user-tokens-verify/fetch";

const verifier = createVerifier({ issuer: "https://tokens.test", audience: "portal", revocations: "iam" });
createVerifier({ issuer: "i", audience: "a", publicUrls: ["https://api.test"], introspect: async () => ({ active: true }), count: () => {} });
await verifier.check({}, {}, { method: "GET", target: "/jobs" });
const claims: Claims = await verifier.verify("token", { scope: ["a"], acr: "b", maxAgeS: 60, strict: true });
const verdict: Verdict = await verifier.check(new Headers(), { scope: "a b" });
const status: 401 | 403 | 503 | string = verdict.ok ? verdict.claims.sub : verdict.status;
const handler = withToken(verifier, { scope: "a" }, (_request, who, context: number) => Response.json([who.sub, context]));
const answered: Promise<Response> = handler(new Request("https://api.test"), 1);

// @ts-expect-error the audience is needed
createVerifier({ issuer: "https://tokens.test" });
// @ts-expect-error a refusal has no claims
if (!verdict.ok) verdict.claims;
// @ts-expect-error claims cannot be written to
claims.sub = "somebody else";
const proofId: string | null = claims.proof_id;
// @ts-expect-error not a requirement
await verifier.verify("token", { scopes: "a" });

export { answered, proofId, status, VerifyError };
