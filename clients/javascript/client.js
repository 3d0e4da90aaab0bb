// A client of auth-user-tokens. What is public: client.d.ts, README.md. R1 to R8: docs/how-to/clients.md.

const EXCHANGE = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token_type: "urn:auth-user-tokens:token-type:device" };
const JSON_BODY = { "Content-Type": "application/json" };
const VERSION = 1; // of the stored record
const LOCK_WAIT_MS = 2500;
const MIN_AGE_MS = 30000; // R4
const MAX_BACKOFF_MS = 30000;
const MAX_RETRY_AFTER_MS = 3600000;
const SPARE_MS = 1000; // of life: less would end on its way
const MAX_SWAPS = 10;

export class AuthError extends Error {
  constructor(code, { description, cause, ...about } = {}) {
    super(description || code, { cause });
    Object.assign(this, { name: "AuthError", code, status: 0, retryAfterMs: 0 }, about);
  }
}

export const createClient = (options) => new Client(options);

export function webStore(area, key) {
  const get = () => globalThis[area].getItem(key); // throws where the browser blocks storage
  return {
    get,
    swap: (seen, next) => get() === seen && (globalThis[area].setItem(key, next), true),
    watch(changed) {
      const heard = (event) => (event.key === key || event.key == null) && changed();
      const stop = new AbortController();
      for (const name of ["storage", "pageshow"]) addEventListener(name, heard, stop);
      return () => stop.abort();
    },
  };
}

export function indexedDbStore(key) {
  const entries = () => import("./indexeddb.js"); // what a page without it need not load
  const tabs = new BroadcastChannel(`auth-user-tokens ${key}`);
  return {
    get: async () => (await entries()).get(key),
    swap: async (seen, next) => (await entries()).swap(key, seen, next).finally(() => tabs.postMessage("")),
    watch(changed) {
      tabs.onmessage = changed;
      return () => (tabs.onmessage = null);
    },
  };
}

export function memoryStore() {
  let text = null;
  return { get: () => text, swap: (seen, next) => text === seen && ((text = next), true) };
}

export function asyncStore(items, key) {
  const inTurn = queue();
  const get = async () => (await items.getItem(key)) ?? null;
  return {
    get: () => inTurn(get),
    swap: (seen, next) => inTurn(async () => (await get()) === seen && (await items.setItem(key, next), true)),
  };
}

class Client extends EventTarget {
  #options;
  #fetch; // with a proof where tokens are bound to a key
  #now;
  #timeoutMs;
  #store;
  #apis;
  #isCookie;
  #share; // of a token's life, after which it is renewed
  #record = null; // the last one known
  #text = null; // as the store had it
  #seenAt = 0; // steady: #record is known here since
  #lookedAt = -Infinity; // steady: the store was last seen with #record
  #refreshing = null;
  #queue = queue(); // of what spends tokens
  #notBefore = 0; // steady: no token request before
  #youngUntil = 0; // steady: nor before (R4)
  #failures = 0;
  #since = null;
  #useless = 1; // grows while an API refuses new tokens, too
  #fault = "";
  #timer;
  #unwatch;
  #isClosed = false;

  constructor(given) {
    super();
    const issuer = new URL(given.issuer).href.replace(/\/$/, "");
    const options = (this.#options = {
      mode: "bearer", apis: [], httpApis: [], requires: {}, storage: globalThis.document ? "local" : "memory",
      refreshAt: 0.75, jitter: 0.1, timeoutMs: 10000, retryForMs: 60000, rotateCookieEveryMs: 900000, now: Date.now,
      fetch: (target, init) => globalThis.fetch(target, init),
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
      issuer,
    });
    options.storageKey ??= `auth-user-tokens ${options.mode} ${issuer}`;
    const signed = async (...given) => (await import("./dpop.js")).signedFetch(options, ...given);
    this.#fetch = options.dpop ? signed : options.fetch;
    this.#now = options.now;
    this.#timeoutMs = options.timeoutMs;
    this.#store = storeOf(options.storage, options.storageKey);
    this.#apis = [issuer, ...options.apis, ...options.httpApis].map((url) => new URL(url).origin);
    this.#isCookie = options.mode === "cookie";
    this.#share = options.refreshAt + options.jitter * (Math.random() * 2 - 1);
    this.#unwatch = this.#store.watch?.(() => this.#read());
    this.ready = this.#start();
    this.ready.catch(() => {}); // the first use meets it again
  }

  get session() {
    const { sid, did = "", scope = "" } = this.#record ?? {};
    return isSignedIn(this.#record) ? { sessionId: sid, deviceId: did, scope } : null;
  }

  async signIn({ username, password, scope = this.#options.scope, device = {} }) {
    const known = await this.#read();
    const { mode, clientId: client_id, rememberDevice: remember } = this.#options;
    const about = { id: known?.did, token: known?.dt, remember, ...device };
    const sent = this.#clocks();
    return this.#begin(await this.#json("POST", "/auth/login", { username, password, mode, scope, client_id, device: about }), sent);
  }

  async signInWithDevice() {
    const device = (await this.#read())?.dt;
    if (!device) throw new AuthError("no_device_token");
    await this.#refresh(null, device);
    return this.session;
  }

  adopt(answer) {
    return this.#begin(answer, this.#clocks());
  }

  async stepUp(password, { acrValues, maxAgeS } = {}) {
    await this.#inTurn(() => this.#rotate(null, null, { password, acr_values: acrValues || undefined, max_age: maxAgeS ?? undefined }));
    return this.session;
  }

  async accessToken({ minLifeMs = 0 } = {}) {
    const record = await this.#signedIn();
    if (this.#left(record) < Math.max(SPARE_MS, Math.min(minLifeMs, record.lifeMs / 2))) return (await this.#refresh(record)).access;
    if (this.#age(record) > record.lifeMs * this.#share) this.#refresh(record).catch(() => {}); // beside
    return record.access;
  }

  async rejected(token) {
    const record = await this.#signedIn();
    if (record.access !== token) return record.access;
    const isOld = this.#age(record) >= Math.min(MIN_AGE_MS, record.lifeMs / 2) * this.#useless;
    return isOld ? (await this.#refresh(record)).access : null;
  }

  async fetch(input, init = {}) {
    const request = input instanceof Request ? input : null;
    const url = new URL(request?.url ?? input, globalThis.location?.href ?? this.#options.issuer);
    const headers = new Headers(init.headers ?? request?.headers);
    if (!this.#apis.includes(url.origin) || headers.has("Authorization")) return this.#options.fetch(request ?? url, init);
    const isUnsafe = /^(POST|PUT|PATCH|DELETE)$/i.test(init.method ?? request?.method);
    const send = (credential) => {
      if (!this.#isCookie) headers.set("Authorization", `${this.#record?.type ?? "Bearer"} ${credential}`);
      else if (isUnsafe && credential) headers.set("X-CSRF-Token", credential);
      // Where one leads is not known before.
      const redirect = init.redirect === "manual" ? "manual" : "error";
      return this.#fetch(request ?? url, { ...init, ...(this.#isCookie && { credentials: "include" }), headers, redirect });
    };
    const used = this.#isCookie ? await this.#csrf(isUnsafe) : await this.accessToken();
    let response = await send(used);
    if (!(await this.#isRefused(response, url))) return response;
    const again = async (credential) => (await response.body?.cancel(), (response = await send(credential)));
    const isOnce = request?.body || !isRepeatable(init.body);
    const next = await this.#afterRefusal(response, url, used).catch(() => null);
    if (isOnce) return response;
    if (next !== null) {
      await again(next);
      this.#useless = (await this.#isRefused(response, url)) ? this.#useless * 4 : 1;
    }
    const required = this.#requiredBy(url);
    const lacks = ({ lacking }) => lacking(required, url, this, this.#now());
    const isLacking = required && (await this.#isRefused(response, url)) && (await this.#isRaised(lacks).catch(() => false));
    return isLacking ? again(this.#credential()) : response;
  }

  request(method, path, body) {
    return this.#json(method, path, body, (url, init) => this.fetch(url, init));
  }

  async signOut({ scope = "current", keepDevices = false } = {}) {
    const record = await this.#read();
    if (this.#isCookie || scope !== "current") {
      await this.request("POST", "/auth/logout", { scope, keep_devices: keepDevices });
      if (scope !== "others") await this.#over("here");
    } else if (isSignedIn(record)) {
      await this.#json("POST", "/auth/revoke", { token: record.token }).finally(() => this.#over("here"));
    }
  }

  async keyThumbprint() {
    return (await import("./dpop.js")).thumbprint(this.#options);
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#unwatch?.();
  }

  async #start() {
    await this.#read();
    if (this.#isCookie) await this.#askSession();
    return this.session;
  }

  // R2. Where the store was cleared, or has half a record or, as a write failed, an older one, what is known here goes on.
  // Who signs out leaves a record that says so.
  async #read(isToSend = false) {
    const known = this.#record;
    let found = null;
    try {
      let began;
      do {
        began = this.#clocks();
        this.#text = await this.#store.get();
      } while (this.#elapsed(began) > this.#timeoutMs / 5);
      found = parsed(this.#text);
      this.#fault = "";
    } catch (error) {
      this.#storageFault(error);
      if (error.code !== "storage_record") {
        if (isToSend && error.code === "storage_version") throw error; // newer code sends them
        return known;
      }
    }
    const isBehind = isSignedIn(known) && (!found || (found.salt === known.salt && found.n < known.n));
    if (!isBehind) return this.#take(found, "other_tab");
    return isToSend && !(await this.#save(known)) ? this.#read(true) : known;
  }

  // R3; R7: a store that fails is no reason to lose the session.
  async #save(next) {
    try {
      const text = JSON.stringify(next);
      if (!(await this.#store.swap(this.#text, text))) return false;
      this.#text = text;
      this.#lookedAt = steady();
    } catch (error) {
      this.#storageFault(error);
    }
    return true;
  }

  #take(next, reason) {
    const [before, lookedAt] = [this.#record, this.#lookedAt];
    this.#record = next;
    this.#lookedAt = steady();
    if (next?.at !== before?.at) {
      this.#seenAt = steady();
      // R4: a request for its predecessor may be under way. It is as young as any sign says, as clocks are set and tabs freeze.
      const settleMs = this.#timeoutMs * 1.2;
      const age = Math.min(this.#now() - next?.at, this.#seenAt - (next?.steadyAt ?? next?.at), this.#seenAt - lookedAt);
      if (next?.n && age < this.#timeoutMs + settleMs) this.#youngUntil = this.#seenAt + settleMs;
      this.#plan();
    }
    if (isSignedIn(next) && next.sid !== before?.sid) this.#tell("signedin", { session: this.session });
    if (isSignedIn(before) && !isSignedIn(next)) this.#tell("signedout", { reason });
    return next;
  }

  async #signedIn() {
    const record = await this.#read();
    if (!isSignedIn(record)) throw new AuthError("signed_out");
    return record;
  }

  // make: what to write in place of what is there; null: nothing.
  async #change(make, reason = "other_tab") {
    for (let swaps = 0; swaps < MAX_SWAPS; swaps++) {
      const next = make(await this.#read());
      if (!next) return false;
      if (await this.#save(next)) return this.#take(next, reason);
    }
    throw new AuthError("storage");
  }

  async #begin(answer, sent) {
    if (!isAnswer(answer, this.#isCookie)) throw new AuthError("bad_answer");
    if (this.#options.dpop && answer.token_type !== "DPoP") throw new AuthError("not_bound");
    const salt = crypto.getRandomValues(new Uint32Array(4)).join("-");
    await this.#change((before) => recordOf(answer, { v: VERSION, salt, n: 0, did: before?.did, dt: before?.dt, dk: before?.dk }, sent));
    this.#useless = 1;
    return this.session;
  }

  // secret: of the session that is over; none: of any.
  #over(reason, secret) {
    return this.#change((record) => {
      if (!isSignedIn(record) || (secret && secretOf(record) !== secret)) return null;
      const { v, salt, n, did, dt, dk } = record;
      return { v, salt, n: n + 1, did, ...(reason !== "here" && { dt, dk }) };
    }, reason);
  }

  // One at a time, in all tabs where there are locks; nothing depends on them.
  #refresh(stale, device) {
    this.#refreshing ??= this.#inTurn(() => this.#rotate(stale, device)).finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  #inTurn(work) {
    return this.#queue(() => this.#locked(work));
  }

  async #locked(work) {
    const locks = this.#unwatch && globalThis.navigator?.locks;
    if (!locks) return work();
    let release;
    const held = new Promise((resolve) => (release = resolve));
    const mine = (signal) =>
      new Promise((resolve, reject) => locks.request(this.#options.storageKey, { signal }, () => (resolve(), held)).catch(reject));
    await within(LOCK_WAIT_MS, mine).catch(() => {});
    return work().finally(release);
  }

  // stale: the record to be renewed; device: the device token to be spent instead; raise: the body of a step-up.
  async #rotate(stale, device, raise) {
    const began = this.#clocks();
    for (let swaps = 0; swaps < MAX_SWAPS; ) {
      const record = await this.#read(true);
      if (!(device ? record?.dt : isSignedIn(record))) throw new AuthError("signed_out");
      const isRenewed = device ? record.dt !== device : !raise && (secretOf(record) !== secretOf(stale) || record.at !== stale.at);
      if (isRenewed && (this.#isCookie || this.#left(record) > SPARE_MS)) return record;
      if (await this.#waited(began)) continue;
      const sent = this.#clocks();
      const got = await this.#send(record, device, raise);
      const isLate = !this.#isCookie && this.#elapsed(sent) > this.#timeoutMs; // R5
      if (got.status === 200 && isAnswer(got.body, this.#isCookie, record)) {
        const next = recordOf(got.body, { ...record, n: record.n + 1 }, sent);
        if (isLate || (!(await this.#save(next)) && ++swaps)) continue; // or another tab was first
        this.#reached();
        this.#take(next);
        this.#tell("refreshed", { session: this.session });
        return next;
      }
      if (/^(use_dpop_nonce|invalid_dpop_proof)$/.test(got.body?.error) && ++swaps < 3) continue;
      if (isRefusal(got) || (raise && got.status === 429)) await this.#refused(got, record, device);
      else this.#unreachable(got.retryAfterMs);
    }
    throw new AuthError("storage");
  }

  // R6. Returns where the store has another token by now.
  async #refused(got, record, device) {
    this.#reached();
    if (got.body?.error !== "invalid_grant") throw errorOf(got);
    const forgotten = (now) => (now?.dt === device ? { ...now, n: now.n + 1, dt: undefined, dk: undefined } : null);
    const isOver = await (device ? this.#change(forgotten) : this.#over("session_over", secretOf(record)));
    if (isOver) throw device ? errorOf(got) : new AuthError("session_over", { status: got.status });
  }

  // R8: nothing else sends or repeats a token request.
  #send(record, device, raise) {
    const { clientId: client_id, scope, mode } = this.#options;
    const form = device
      ? { ...EXCHANGE, subject_token: device, mode, ...(scope && { scope }) }
      : { grant_type: "refresh_token", ...(!this.#isCookie && { refresh_token: record.token }) };
    const key = device ? record.dk : `${record.salt}.${record.n}`; // R1
    const headers = { "Idempotency-Key": key, ...(record.csrf && { "X-CSRF-Token": record.csrf }), ...(raise && JSON_BODY) };
    const body = raise
      ? JSON.stringify({ ...raise, refresh_token: record.token, client_id })
      : new URLSearchParams({ ...form, ...(client_id && { client_id }) });
    const path = raise ? "/auth/step-up" : "/auth/token";
    const ask = (signal) => this.#ask(path, { method: "POST", headers, body, redirect: "manual", signal });
    return within(this.#timeoutMs, ask).catch(() => ({ status: 0 }));
  }

  async #ask(path, init, send = this.#fetch) {
    const credentials = this.#isCookie ? "include" : "omit";
    const response = await send(this.#options.issuer + path, { ...init, credentials, cache: "no-store" });
    const { status, headers } = response;
    const text = await response.text();
    const after = headers.get("Retry-After") ?? "";
    const dated = Date.parse(after) - (Date.parse(headers.get("Date")) || this.#now());
    const wait = (/^\d+$/.test(after) ? Number(after) * 1000 : dated) || 0;
    return { status, text, body: jsonOf(text), retryAfterMs: Math.min(MAX_RETRY_AFTER_MS, Math.max(0, wait)) };
  }

  async #json(method, path, body, send) {
    const headers = { Accept: "application/json", ...(body && JSON_BODY) };
    const init = { method, headers, body: body && JSON.stringify(body), redirect: "error" };
    const got = await this.#ask(path, init, send).catch((cause) => {
      throw cause instanceof AuthError ? cause : new AuthError("unreachable", { cause });
    });
    if (got.status < 300 && (got.body || !got.text)) return got.body;
    throw errorOf(got);
  }

  #unreachable(retryAfterMs) {
    const most = Math.min(MAX_BACKOFF_MS, 1000 * 2 ** this.#failures++);
    const wait = retryAfterMs ? retryAfterMs * (1 + Math.random()) : most * Math.random();
    const now = this.#now();
    this.#notBefore = steady() + wait;
    this.#since ??= now;
    this.#tell("unreachable", { since: this.#since, retryAt: now + wait });
  }

  #reached() {
    this.#failures = this.#notBefore = 0;
    this.#since = null;
  }

  #wait() {
    return Math.max(this.#notBefore, this.#youngUntil) - steady();
  }

  // Returns whether it did.
  async #waited(began) {
    if (this.#isClosed) throw new AuthError("closed");
    const wait = this.#wait();
    if (wait <= 0) return false;
    if (this.#elapsed(began) + wait > this.#options.retryForMs) throw new AuthError("unreachable", { retryAfterMs: wait });
    await sleep(wait);
    return true;
  }

  async #csrf(isNeeded) {
    let record = await this.#read();
    if (!isSignedIn(record) && isNeeded) record = await this.#askSession();
    const isDue = isSignedIn(record) && this.#now() - record.at > this.#options.rotateCookieEveryMs;
    // Not just after loading: the page before may have rotated it and not saved that.
    if (isDue && steady() - this.#seenAt > MIN_AGE_MS) this.#refresh(record).catch(() => {});
    return record?.csrf ?? "";
  }

  async #askSession() {
    const before = await this.#read();
    try {
      const found = await this.#json("GET", "/auth/session");
      const { csrf, sid } = this.#record ?? {};
      if (csrf !== found?.csrf_token || sid !== found?.session_id) await this.#begin(found, this.#clocks());
    } catch (error) {
      if (error.status !== 401) throw error;
      const isSpent = isSignedIn(before) && error.code === "invalid_token"; // the key brings a lost answer again
      const ended = (cause) => cause.code === "session_over" || Promise.reject(cause);
      await (isSpent ? this.#refresh(before).catch(ended) : this.#over("session_over"));
    }
    return this.#record;
  }

  #requiredBy(url) {
    return Object.entries(this.#options.requires).find(([api]) => isUnder(url, api))?.[1];
  }

  // asks: what is asked of the user, by what step-up.js exports; null for nothing.
  async #isRaised(asks) {
    const asked = await asks(await import("./step-up.js"));
    if (asked) this.#tell("stepup", asked);
    return Boolean(asked) && (await this.#options.onStepUp?.(asked)) === true;
  }

  async #isRefused(response, url) {
    const isHttpApi = this.#options.httpApis.some((api) => isUnder(url, api));
    if (response.status === 403 && this.#requiredBy(url)) return true;
    if (response.status !== 403 || !(isHttpApi || this.#isCookie)) return response.status === 401;
    const body = jsonOf(await response.clone().text());
    return isHttpApi ? body?.message === "Forbidden" : body?.error === "access_denied";
  }

  #credential() {
    return this.#isCookie ? this.#record?.csrf : this.#record?.access;
  }

  // What to repeat a refused request with, or null.
  async #afterRefusal(response, url, used) {
    const header = (name) => response.headers.get(name);
    const challenge = header("WWW-Authenticate") ?? header("x-amzn-Remapped-WWW-Authenticate") ?? "";
    if (challenge.includes("use_dpop_nonce")) return null; // what could be repeated was
    if (challenge.includes('error="insufficient_user_authentication"')) {
      const isRaised = await this.#isRaised(({ challenged }) => challenged(challenge, url));
      return isRaised ? this.#credential() : null;
    }
    if (!this.#isCookie) return this.rejected(used);
    const before = this.#record?.at;
    const record = await this.#askSession();
    return isSignedIn(record) && (record.csrf !== used || record.at !== before) ? record.csrf : null;
  }

  #plan() {
    clearTimeout(this.#timer);
    const record = this.#record;
    if (this.#options.autoRefresh !== "timer" || this.#isClosed || this.#isCookie || !isSignedIn(record)) return;
    const again = () => this.#plan();
    const untilDue = Math.max(record.lifeMs * this.#share - this.#age(record), this.#wait(), SPARE_MS);
    this.#timer = setTimeout(() => this.accessToken().then(again, again), untilDue);
    this.#timer.unref?.();
  }

  #clocks() {
    return { wall: this.#now(), steady: steady() };
  }

  // One clock may be set, the other may stand still in sleep.
  #elapsed(since) {
    return Math.max(Math.abs(this.#now() - since.wall), steady() - since.steady);
  }

  #age({ at, steadyAt = at }) {
    return Math.max(this.#now() - at, steady() - Math.min(steadyAt, this.#seenAt));
  }

  #left(record) {
    return record.lifeMs - this.#age(record);
  }

  // Once for each kind, until a read succeeds.
  #storageFault(cause) {
    const error = cause instanceof AuthError ? cause : new AuthError("storage", { cause });
    if (this.#fault !== error.code) this.#tell("storageerror", { error });
    this.#fault = error.code;
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

// Nobody sets it, and all tabs of a running browser share it (W3C High Resolution Time, §3).
const steady = () => performance.timeOrigin + performance.now();
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
function queue() {
  let last = Promise.resolve();
  return (work) => (last = last.catch(() => {}).then(work));
}

async function within(ms, work) {
  const stop = new AbortController();
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(stop.abort()), ms)));
  return Promise.race([work(stop.signal), late]).finally(() => clearTimeout(timer));
}

const secretOf = (record) => record?.token ?? record?.csrf;
const isSignedIn = (record) => Boolean(secretOf(record));
const isRefreshToken = (text) => /^aut_rt_[\w-]+$/.test(text);
const isNamed = (body) => typeof body?.error === "string";
const isRefusal = ({ status, body }) => status >= 400 && status < 500 && status !== 429 && isNamed(body);

function storeOf(storage, key) {
  if (storage.get) return storage;
  if (storage === "memory") return memoryStore();
  return storage === "indexeddb" ? indexedDbStore(key) : webStore(`${storage}Storage`, key);
}

function parsed(text) {
  if (text === null) return null;
  const record = jsonOf(text);
  if (record?.v > VERSION) throw new AuthError("storage_version");
  const { salt, n, token, access, lifeMs, at } = record ?? {};
  const isSession = isRefreshToken(token) && typeof access === "string" && lifeMs > 0 && at >= 0;
  if (typeof salt === "string" && Number.isInteger(n) && (!token || isSession)) return record;
  throw new AuthError("storage_record");
}

// dk: the Idempotency-Key of the device token (R1).
const recordOf = (answer, base, sent) => ({
  ...base,
  ...(answer.device_token && { dt: answer.device_token, dk: `${base.salt}.${base.n}.d` }),
  token: answer.refresh_token, access: answer.access_token, type: answer.token_type, csrf: answer.csrf_token, sid: answer.session_id,
  at: sent.wall, steadyAt: sent.steady, lifeMs: answer.expires_in * 1000,
  did: answer.device_id ?? base.did, scope: answer.scope ?? base.scope,
});

// By its shape: a proxy's page, half an answer, tokens in each other's place are none.
function isAnswer(body, isCookie, before) {
  if (typeof body?.session_id !== "string") return false;
  if (isCookie) return typeof body.csrf_token === "string" && !body.refresh_token;
  const isAccess = /^[\w.~+/-]+=*$/.test(body.access_token) && !/^aut_/.test(body.access_token);
  return isAccess && isRefreshToken(body.refresh_token) && body.refresh_token !== before?.token && body.expires_in > 0;
}

function errorOf({ status, body, retryAfterMs }) {
  const own = status === 401 ? "no_credential" : status === 429 || status >= 500 ? "temporarily_unavailable" : "bad_answer";
  const code = isNamed(body) ? body.error : own;
  return new AuthError(code, { status, retryAfterMs, description: body?.error_description });
}

const isUnder = (url, api) => url.href.startsWith(new URL(api).href);
const isRepeatable = (body) => !(body instanceof ReadableStream || body?.[Symbol.asyncIterator]);

function jsonOf(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
