// An API in Fastify behind the verifier, as its README shows it. ISSUER says where the service is.
import Fastify from "fastify";
import { createVerifier } from "auth-user-tokens-verify";
import { requireToken } from "auth-user-tokens-verify/fastify";

const verifier = createVerifier({ issuer: process.env.ISSUER, audience: "portal", publicUrls: [process.env.PUBLIC_URL].filter(Boolean) });
const app = Fastify();
app.decorateRequest("auth", null);
app.get("/jobs", { onRequest: requireToken(verifier, { scope: "portal:read" }) }, async (request) => ({ of: request.auth.sub }));
app.get("/admin", { onRequest: requireToken(verifier, { scope: "admin" }) }, async () => ({}));
console.log(`listening on ${new URL(await app.listen({ host: "127.0.0.1", port: 0 })).port}`);
