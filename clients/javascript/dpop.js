// Binds a client's tokens to a key (RFC 9449): key, proofs, nonces, clock. client.js loads it where `dpop` is set.

import { get, swap } from "./indexeddb.js";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const CLOCK_MS = 5000; // what a Date's second and its way here may differ by
const MAX_TRIES = 3; // another clock, then a nonce

const bindings = new WeakMap(); // by a client's options

/** As `options.fetch`, with a proof unless the request has a token that is bound to no key. What is refused for its proof is
 * sent once more with what was learnt from the refusal, but for what spends a token: client.js reads the store before. */
export async function signedFetch(options, target, init) {
  const authorization = new Headers(init.headers).get("Authorization");
  const token = authorization?.startsWith("DPoP ") ? authorization.slice(5) : "";
  if (authorization && !token) return options.fetch(target, init);
  const binding = bindingOf(options);
  const request = target instanceof Request ? target : null;
  const url = new URL(request?.url ?? target);
  const isSpending = url.href.startsWith(`${options.issuer}/auth/`) && /\/auth\/(token|step-up)$/.test(url.pathname);
  const isOnce = isSpending || request?.body || init.body instanceof ReadableStream || init.body?.[Symbol.asyncIterator];
  for (let tries = 1; ; tries++) {
    const began = options.now();
    const headers = new Headers(init.headers);
    headers.set("DPoP", await binding.proof(init.method ?? request?.method ?? "GET", url, token));
    const sent = options.now();
    // R2: the token was read before a sleep.
    if (isSpending && Math.abs(sent - began) > options.timeoutMs / 5) throw new TypeError("read too long ago");
    const response = await options.fetch(target, { ...init, headers });
    const isLearnt = binding.learn(url.origin, response, sent);
    if (isOnce || !isLearnt || tries === MAX_TRIES || !(await isProofRefused(response))) return response;
    await response.body?.cancel();
  }
}

/** RFC 7638, for `dpop_jkt` of `POST /auth/issue`. */
export async function thumbprint(options) {
  const { crv, kty, x, y } = (await bindingOf(options).key()).jwk;
  return base64url(await sha256(JSON.stringify({ crv, kty, x, y })));
}

class Binding {
  #options;
  #key = null;
  #nonces = new Map(); // by origin: of every answer the last
  #aheadMs = 0; // the service's clock before ours

  constructor(options) {
    this.#options = options;
  }

  key() {
    this.#key ??= this.#found().catch((error) => {
      this.#key = null; // a store that fails has lost no key
      throw error;
    });
    return this.#key;
  }

  async #found() {
    const { dpop, storage, storageKey } = this.#options;
    const pair = dpop.keyPair ? await dpop.keyPair() : storage === "memory" ? await made() : await kept(`${storageKey} key`);
    const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    return { privateKey: pair.privateKey, jwk: { kty, crv, x, y } };
  }

  async proof(htm, { origin, pathname }, token) {
    const { privateKey, jwk } = await this.key();
    const ath = token && base64url(await sha256(token));
    const nonce = this.#nonces.get(origin);
    const iat = Math.floor((this.#options.now() + this.#aheadMs) / 1000);
    const claims = { jti: crypto.randomUUID(), htm, htu: origin + pathname, iat, ...(token && { ath }), ...(nonce && { nonce }) };
    const signed = `${encoded({ typ: "dpop+jwt", alg: "ES256", jwk })}.${encoded(claims)}`;
    return `${signed}.${base64url(await crypto.subtle.sign(ALGORITHM, privateKey, bytes(signed)))}`;
  }

  // Whether the next proof says more. An answer that was slept through, or that a cache kept, tells no time.
  learn(origin, { headers }, sent) {
    const now = this.#options.now();
    const [nonce, date] = [headers.get("DPoP-Nonce"), Date.parse(headers.get("Date"))];
    const before = [this.#nonces.get(origin), this.#aheadMs];
    if (nonce) this.#nonces.set(origin, nonce);
    const isLive = Math.abs(now - sent) < this.#options.timeoutMs && !headers.has("Age");
    if (date && isLive && Math.abs(date - now - this.#aheadMs) > CLOCK_MS) this.#aheadMs = date - now;
    return before[0] !== this.#nonces.get(origin) || before[1] !== this.#aheadMs;
  }
}

function bindingOf(options) {
  if (!bindings.has(options)) bindings.set(options, new Binding(options));
  return bindings.get(options);
}

const made = () => crypto.subtle.generateKey(ALGORITHM, false, ["sign"]);

// One for all tabs. The browser signs with it and shows it to nobody.
async function kept(name) {
  if (!globalThis.indexedDB) throw new TypeError("dpop: give a keyPair where there is no IndexedDB");
  const found = await get(name);
  if (found) return found;
  const pair = await made();
  return (await swap(name, null, pair)) ? pair : get(name);
}

async function isProofRefused(response) {
  const isProofs = (text) => /"(use_dpop_nonce|invalid_dpop_proof)"/.test(text);
  if (isProofs(response.headers.get("WWW-Authenticate"))) return true;
  return response.status === 400 && isProofs(await response.clone().text());
}

const bytes = (text) => new TextEncoder().encode(text);
const sha256 = (text) => crypto.subtle.digest("SHA-256", bytes(text));
const base64url = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/[+/=]/g, (sign) => ({ "+": "-", "/": "_" })[sign] ?? "");
const encoded = (value) => base64url(bytes(JSON.stringify(value)));
