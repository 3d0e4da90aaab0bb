// For Express: app.get("/jobs", requireToken(verifier, {scope: "jobs:read"}), handler); the claims are in request.auth.

export function requireToken(verifier, requirements) {
  return async (request, response, next) => {
    try {
      const verdict = await verifier.check(request.headersDistinct, requirements, {
        method: request.method,
        target: request.originalUrl,
      });
      if (!verdict.ok) return response.status(verdict.status).set(verdict.headers).end(verdict.body);
      request.auth = verdict.claims;
    } catch (error) {
      return next(error);
    }
    return next();
  };
}
