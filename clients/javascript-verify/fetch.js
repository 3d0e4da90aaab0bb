// For what takes a Request and returns a Response (Hono, Bun, Deno, Workers, Next.js routes):
// export default {fetch: withToken(verifier, {scope: "jobs:read"}, (request, claims) => Response.json(claims.sub))}

export function withToken(verifier, requirements, handler) {
  return async (request, ...more) => {
    const { pathname: target } = new URL(request.url);
    const verdict = await verifier.check(request.headers, requirements, { method: request.method, target });
    if (verdict.ok) return handler(request, verdict.claims, ...more);
    return new Response(verdict.body || null, { status: verdict.status, headers: verdict.headers });
  };
}
