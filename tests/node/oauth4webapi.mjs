// The life of a token by oauth4webapi: discovery, refresh, a repeated refresh, device token exchange,
// revocation, introspection, and the validation of an access token (RFC 9068). Prints what came of each step.
import * as oauth from "oauth4webapi";
import { client, given, iam, insecure, server } from "./at-issuer.mjs";

async function refreshed(token) {
  const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), token, insecure);
  return oauth.processRefreshTokenResponse(server, client, response);
}

async function exchanged(deviceToken) {
  const response = await oauth.genericTokenEndpointRequest(
    server,
    client,
    oauth.None(),
    "urn:ietf:params:oauth:grant-type:token-exchange",
    { subject_token: deviceToken, subject_token_type: "urn:auth-user-tokens:token-type:device" },
    insecure,
  );
  return oauth.processGenericTokenEndpointResponse(server, client, response);
}

async function introspected(token) {
  const response = await oauth.introspectionRequest(server, client, oauth.None(), token, {
    ...insecure,
    [oauth.customFetch]: (url, options) => iam.fetch(url, { ...options, body: options.body.toString() }),
  });
  return oauth.processIntrospectionResponse(server, client, response);
}

async function revoked(token) {
  const response = await oauth.revocationRequest(server, client, oauth.None(), token, insecure);
  return oauth.processRevocationResponse(response);
}

async function validated(token) {
  const request = new Request("http://api.test/jobs", { headers: { authorization: `Bearer ${token}` } });
  return oauth.validateJwtAccessToken(server, request, given.audience, insecure);
}

async function errorOf(call) {
  try {
    await call();
    return null;
  } catch (error) {
    return error.error ?? error.code ?? error.message;
  }
}

const first = await refreshed(given.refresh_token);
const again = await refreshed(given.refresh_token);
const exchange = await exchanged(given.device_token);
const before = await introspected(exchange.refresh_token);
await revoked(exchange.refresh_token);

console.log(
  JSON.stringify({
    same_successor: first.refresh_token === again.refresh_token,
    session_kept: first.session_id === given.session_id,
    claims: await validated(first.access_token),
    next_device_token_differs: exchange.device_token !== given.device_token,
    active_before: before.active,
    after_revocation: await introspected(exchange.refresh_token),
    refresh_after_revocation: await errorOf(() => refreshed(exchange.refresh_token)),
    unknown_token_revoked: await errorOf(() => revoked("aut_rt_unknown")),
    opaque_token_as_access_token: await errorOf(() => validated(first.refresh_token)),
  }),
);
