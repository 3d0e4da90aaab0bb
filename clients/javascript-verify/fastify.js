// For Fastify: app.get("/jobs", {onRequest: requireToken(verifier, {scope: "jobs:read"})}, handler); the claims are in
// request.auth (app.decorateRequest("auth", null) beforehand keeps Fastify fast).

export function requireToken(verifier, requirements) {
  return async (request, reply) => {
    const verdict = await verifier.check(request.raw.headersDistinct, requirements, {
      method: request.raw.method,
      target: request.originalUrl,
    });
    if (!verdict.ok) return reply.code(verdict.status).headers(verdict.headers).send(verdict.body);
    request.auth = verdict.claims;
  };
}
