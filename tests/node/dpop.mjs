// A key-bound session from sign-in to its end, by fetch with the proofs of `dpop` (RFC 9449), and an API behind a verifier.
// Prints what came of each step.
import { readFileSync } from "node:fs";
import * as DPoP from "dpop";

const given = JSON.parse(readFileSync(0, "utf8"));
const keys = await DPoP.generateKeyPair(given.algorithm, { extractable: false });
const nonces = new Map();
let nonceErrors = 0;

// Each try has a proof of its own; the newest nonce of each origin is kept. as: the URL that the proof names.
async function sent(method, url, { token, as = url, ...options } = {}, by = keys) {
  const { origin, pathname } = new URL(as);
  const proof = await DPoP.generateProof(by, origin + pathname, method, nonces.get(origin), token);
  const headers = { DPoP: proof, ...(token && { Authorization: `DPoP ${token}` }), ...options.headers };
  const response = await fetch(url, { ...options, method, headers });
  const nonce = response.headers.get("dpop-nonce");
  if (nonce) nonces.set(origin, nonce);
  const body = await response.json().catch(() => null);
  if (body?.error !== "use_dpop_nonce") return { status: response.status, body, response, headers };
  nonceErrors += 1;
  return sent(method, url, { token, as, ...options }, by);
}

const service = (path) => given.issuer + path;
const form = (fields) => ({ body: new URLSearchParams({ client_id: given.client_id, ...fields }) });
const login = {
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ username: given.username, password: given.password, client_id: given.client_id }),
};

const first = (await sent("POST", service("/auth/login"), login)).body;
const refreshed = await sent("POST", service("/auth/token"), form({ grant_type: "refresh_token", refresh_token: first.refresh_token }));
const { access_token: token, refresh_token } = refreshed.body;
const session = (await sent("GET", service("/auth/session"), { token })).body;
const [, payload] = token.split(".");
const { cnf } = JSON.parse(Buffer.from(payload, "base64url"));

const apis = {};
// They are behind something that clients know by another name.
for (const [name, address] of Object.entries(given.apis)) {
  const url = `${address}/jobs`;
  const as = `${given.known_as}/jobs`;
  const good = await sent("GET", `${url}?of=me`, { token, as });
  const repeated = await fetch(url, { headers: good.headers });
  const byHost = await sent("GET", url, { token });
  const elsewhere = await sent("GET", url, { token, as: `${as}/1` });
  const bearer = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  const statuses = [good, repeated, byHost, elsewhere, bearer].map(({ status }) => status);
  apis[name] = { statuses, challenge: repeated.headers.get("www-authenticate") };
}

const other = await DPoP.generateKeyPair(given.algorithm);
const stolen = await sent("GET", service("/auth/session"), { token }, other);
const loggedOut = await sent("POST", service("/auth/logout"), { token });
const after = await sent("POST", service("/auth/token"), form({ grant_type: "refresh_token", refresh_token }));

console.log(
  JSON.stringify({
    token_types: [first.token_type, refreshed.body.token_type],
    session: session.session_id === first.session_id,
    bound: cnf.jkt === (await DPoP.calculateThumbprint(keys.publicKey)),
    nonce_errors: nonceErrors,
    apis,
    stolen: [stolen.status, stolen.body.error],
    logged_out: loggedOut.status,
    after: after.body.error,
  }),
);
