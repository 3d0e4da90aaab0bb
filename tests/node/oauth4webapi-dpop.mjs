// The life of a key-bound session by oauth4webapi (RFC 9449): nonces are asked for and kept by the library itself.
// Prints what came of each step.
import * as oauth from "oauth4webapi";
import { client, given, iam, insecure, server } from "./at-issuer.mjs";

const keys = await oauth.generateKeyPair(given.algorithm);
const DPoP = oauth.DPoP(client, keys);
const options = { DPoP, ...insecure };
let nonceErrors = 0;

// As the library's own examples do: the nonce of the error is in the handle, and the request is made once more.
async function retried(call) {
  try {
    return await call();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    nonceErrors += 1;
    return call();
  }
}

const refreshed = (token, by = options) =>
  retried(async () =>
    oauth.processRefreshTokenResponse(
      server,
      client,
      await oauth.refreshTokenGrantRequest(server, client, oauth.None(), token, by),
    ),
  );

const exchanged = (deviceToken) =>
  retried(async () =>
    oauth.processGenericTokenEndpointResponse(
      server,
      client,
      await oauth.genericTokenEndpointRequest(
        server,
        client,
        oauth.None(),
        "urn:ietf:params:oauth:grant-type:token-exchange",
        { subject_token: deviceToken, subject_token_type: "urn:auth-user-tokens:token-type:device" },
        options,
      ),
    ),
  );

const asked = (token, url, method = "GET") =>
  retried(async () => {
    const response = await oauth.protectedResourceRequest(token, method, new URL(url), undefined, null, options);
    return { status: response.status, body: response.status === 204 ? null : await response.json() };
  });

async function errorOf(call) {
  try {
    await call();
    return null;
  } catch (error) {
    return error.error ?? error.code ?? error.message;
  }
}

async function issued() {
  const body = { user_id: given.user_id, amr: ["mfa"], dpop_jkt: await DPoP.calculateThumbprint() };
  const headers = { "content-type": "application/json" };
  const response = await iam.fetch(`${given.issuer}/auth/issue`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  return response.json();
}

async function introspected(token) {
  const response = await oauth.introspectionRequest(server, client, oauth.None(), token, {
    ...insecure,
    [oauth.customFetch]: (url, request) => iam.fetch(url, { ...request, body: request.body.toString() }),
  });
  return oauth.processIntrospectionResponse(server, client, response);
}

// What another team's server gets of a request, and checks by the library as well.
async function validated(token) {
  let seen;
  const keep = async (url, request) => {
    seen = new Request("https://api.test/jobs", { headers: request.headers });
    return new Response();
  };
  const asked = { ...options, [oauth.customFetch]: keep };
  await oauth.protectedResourceRequest(token, "GET", new URL("https://api.test/jobs"), undefined, null, asked);
  return oauth.validateJwtAccessToken(server, seen, given.audience, { ...insecure, requireDPoP: true });
}

const first = await issued();
const second = await refreshed(first.refresh_token);
const repeated = await refreshed(first.refresh_token);
const session = await asked(second.access_token, `${given.issuer}/auth/session`);
const jobs = {};
for (const api of ["http", "rest"]) {
  jobs[api] = (await asked(second.access_token, `${given.issuer}/examples/${api}/jobs?of=me`)).status;
}
const errorsUntilThen = nonceErrors;
const opened = await exchanged(given.device_token);
const claims = await validated(opened.access_token);
const shown = await introspected(opened.access_token);
const bearer = await fetch(`${given.issuer}/auth/session`, {
  headers: { authorization: `Bearer ${opened.access_token}` },
});
const otherKey = { DPoP: oauth.DPoP(client, await oauth.generateKeyPair("ES256")), ...insecure };
const stolen = await errorOf(() => refreshed(opened.refresh_token, otherKey));
const stolenWithoutKey = await errorOf(() => refreshed(opened.refresh_token, insecure));
const after = await refreshed(opened.refresh_token);
const loggedOut = (await asked(after.access_token, `${given.issuer}/auth/logout`, "POST")).status;

console.log(
  JSON.stringify({
    algorithms: server.dpop_signing_alg_values_supported,
    token_types: [first.token_type, second.token_type, opened.token_type],
    same_successor: second.refresh_token === repeated.refresh_token,
    session: session.body.session_id === first.session_id,
    jobs,
    nonce_errors: errorsUntilThen,
    bound_to: claims.cnf.jkt === (await DPoP.calculateThumbprint()),
    introspected: [shown.active, shown.token_type, shown.cnf.jkt === claims.cnf.jkt],
    as_bearer: bearer.status,
    stolen,
    stolen_without_key: stolenWithoutKey,
    logged_out: loggedOut,
    after: await errorOf(() => refreshed(after.refresh_token)),
  }),
);
