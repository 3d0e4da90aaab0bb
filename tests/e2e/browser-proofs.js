// Runs in a page (arguments: given, done): a key-bound session (RFC 9449) by WebCrypto and fetch, without a library.
const [given, done] = arguments;
const text = new TextEncoder();
const kinds = {
  ES256: { make: { name: "ECDSA", namedCurve: "P-256" }, sign: { name: "ECDSA", hash: "SHA-256" } },
  Ed25519: { make: { name: "Ed25519" }, sign: { name: "Ed25519" } },
};
const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

async function life() {
  const kind = kinds[given.algorithm];
  const { privateKey, publicKey } = await crypto.subtle.generateKey(kind.make, false, ["sign", "verify"]);
  const exported = await crypto.subtle.exportKey("jwk", privateKey).catch(({ name }) => name);
  // With `ext` and `key_ops`, as it comes.
  const jwk = await crypto.subtle.exportKey("jwk", publicKey);
  let nonce;

  async function proof(method, path, token) {
    const claims = { jti: crypto.randomUUID(), htm: method, htu: given.issuer + path, iat: Math.floor(Date.now() / 1000), nonce };
    if (token) claims.ath = base64url(await crypto.subtle.digest("SHA-256", text.encode(token)));
    const header = { typ: "dpop+jwt", alg: given.algorithm, jwk };
    const input = [header, claims].map((part) => base64url(text.encode(JSON.stringify(part)))).join(".");
    return `${input}.${base64url(await crypto.subtle.sign(kind.sign, privateKey, text.encode(input)))}`;
  }

  async function sent(method, path, { token, scheme = "DPoP", ...options } = {}) {
    const headers = { ...options.headers, DPoP: await proof(method, path, token) };
    if (token) headers.Authorization = `${scheme} ${token}`;
    const response = await fetch(given.issuer + path, { ...options, method, headers });
    nonce = response.headers.get("dpop-nonce") ?? nonce;
    const { status } = response;
    return { status, challenge: response.headers.get("www-authenticate"), body: await response.json().catch(() => ({})) };
  }

  const login = { headers: { "Content-Type": "application/json" }, body: JSON.stringify(given.user) };
  const form = (fields) => ({ body: new URLSearchParams({ client_id: given.user.client_id, ...fields }) });
  const refresh = (token) => sent("POST", "/auth/token", form({ grant_type: "refresh_token", refresh_token: token }));

  const first = await sent("POST", "/auth/login", login);
  const signedIn = await sent("POST", "/auth/login", login);
  const token = signedIn.body.access_token;
  const session = await sent("GET", "/auth/session", { token });
  nonce = undefined;
  const withoutNonce = await sent("GET", "/auth/session", { token });
  const refreshed = await refresh(signedIn.body.refresh_token);
  const asBearer = await sent("GET", "/auth/session", { token, scheme: "Bearer" });
  const loggedOut = await sent("POST", "/auth/logout", { token: refreshed.body.access_token });
  const after = await refresh(refreshed.body.refresh_token);
  return {
    exported,
    first: [first.status, first.body.error],
    signed_in: [signedIn.status, signedIn.body.token_type],
    session: session.status,
    without_nonce: [withoutNonce.status, withoutNonce.body.error, withoutNonce.challenge.split(" ")[0]],
    refreshed: [refreshed.status, refreshed.body.token_type],
    as_bearer: [asBearer.status, asBearer.body.error],
    logged_out: loggedOut.status,
    after: [after.status, after.body.error],
  };
}

life().then(done, (error) => done({ error: String(error) }));
