// Sign-in, refresh and authorised requests for auth-user-tokens, in browsers and Node. README.md says how it is used.
// R1 to R8 are the rules of docs/how-to/clients.md. Types: client.d.ts.

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const DEVICE_TYPE = "urn:auth-user-tokens:token-type:device";
const UNSAFE = ["POST", "PUT", "PATCH", "DELETE"];
const VERSION = 1; // of the stored record
const FRESH_READ_MS = 2000; // R2: what was read longer ago is read again before it is sent
const LOCK_WAIT_MS = 2500; // another tab's refresh is waited for this long
const MIN_AGE_MS = 30000; // R4
const MAX_BACKOFF_MS = 30000;
const MAX_RETRY_AFTER_MS = 3600000;
const SPARE_MS = 1000; // a token with less life would expire on its way
const MAX_SWAPS = 10;

/** What went wrong. code: the service's `error`, or one of ours (README.md). */
export class AuthError extends Error {
  constructor(code, { status = 0, retryAfterMs = 0, description, cause } = {}) {
    super(description || code, cause === undefined ? undefined : { cause });
    this.name = "AuthError";
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** @typedef {import("./client.d.ts").Store} Store */

/** @param {import("./client.d.ts").ClientOptions} options */
export const createClient = (options) => new Client(options);

/** All tabs of an origin, or one tab (a duplicated tab gets a copy, so prefer the other).
 * @param {"localStorage" | "sessionStorage"} area @param {string} key @returns {Store} */
export function webStore(area, key) {
  return {
    get: () => globalThis[area].getItem(key), // throws where the browser blocks storage
    swap(seen, next) {
      if (globalThis[area].getItem(key) !== seen) return false;
      globalThis[area].setItem(key, next);
      return true;
    },
    watch(changed) {
      const heard = (event) => (event.key === key || event.key == null) && changed();
      for (const name of ["storage", "pageshow"]) addEventListener(name, heard);
      return () => ["storage", "pageshow"].forEach((name) => removeEventListener(name, heard));
    },
  };
}

/** IndexedDB, for workers too: compare-and-set is one transaction. @param {string} key @returns {Store} */
export function indexedDbStore(key) {
  const name = "auth-user-tokens";
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = request.oncomplete = () => resolve(request.result);
      request.onerror = request.onblocked = request.onabort = () => reject(request.error);
    });
  const records = async (mode) => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(name);
    return (await done(opening)).transaction(name, mode).objectStore(name);
  };
  const textIn = async (store) => (await done(store.get(key))) ?? null;
  const channel = () => new BroadcastChannel(`${name} ${key}`);
  return {
    get: async () => {
      const store = await records("readonly");
      return textIn(store).finally(() => store.transaction.db.close());
    },
    async swap(seen, next) {
      const store = await records("readwrite");
      const isSame = (await textIn(store)) === seen;
      if (isSame) store.put(next, key);
      await done(store.transaction).finally(() => store.transaction.db.close());
      const told = channel();
      told.postMessage("");
      told.close();
      return isSame;
    },
    watch(changed) {
      const heard = channel();
      heard.onmessage = changed;
      return () => heard.close();
    },
  };
}

/** Gone with the page or process. @returns {Store} */
export function memoryStore() {
  let text = null;
  return {
    get: () => text,
    swap: (seen, next) => text === seen && ((text = next), true),
  };
}

/** Over an asynchronous key-value store that one process uses, such as a keychain.
 * @param {import("./client.d.ts").KeyValue} items @param {string} key @returns {Store} */
export function asyncStore(items, key) {
  let last = Promise.resolve();
  const inTurn = (work) => (last = last.catch(() => {}).then(work));
  const get = async () => (await items.getItem(key)) ?? null;
  const swap = async (seen, next) => (await get()) === seen && (await items.setItem(key, next), true);
  return { get: () => inTurn(get), swap: (seen, next) => inTurn(() => swap(seen, next)) };
}

class Client extends EventTarget {
  #options;
  #store;
  #apis;
  #isCookie;
  #share; // of an access token's life, after which it is renewed
  #record = null; // the last one known; the store has the say (R2)
  #text = null; // what the store held when it was read
  #seenAt = 0; // monotonic: since when #record's token is known here
  #refreshing = null;
  #notBefore = 0; // monotonic: no token request before
  #failures = 0;
  #unreachableSince = null;
  #uselessness = 1; // grows while an API refuses new tokens as well
  #fault = "";
  #timer;
  #unwatch;
  #onChange = () => {};
  #isClosed = false;

  constructor(given) {
    super();
    const issuer = new URL(given.issuer).href.replace(/\/$/, "");
    const options = {
      ...{ mode: "bearer", apis: [], httpApis: [], storage: typeof document === "undefined" ? "memory" : "local" },
      ...{ refreshAt: 0.75, jitter: 0.1, timeoutMs: 10000, retryForMs: 60000, rotateCookieEveryMs: 900000, now: Date.now },
      fetch: (target, init) => globalThis.fetch(target, init),
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    };
    options.storageKey ??= `auth-user-tokens ${options.mode} ${issuer}`;
    this.#options = { ...options, issuer };
    this.#store = storeOf(options.storage, options.storageKey);
    this.#apis = [issuer, ...options.apis, ...options.httpApis].map((url) => new URL(url).origin);
    this.#isCookie = options.mode === "cookie";
    this.#share = options.refreshAt + options.jitter * (Math.random() * 2 - 1);
    this.#unwatch = this.#store.watch?.(async () => {
      await this.#read();
      this.#onChange();
    });
    this.ready = this.#start();
    this.ready.catch(() => {}); // the first use meets it again
  }

  /** Who is signed in, without secrets; null for nobody. */
  get session() {
    const record = this.#record;
    return isSignedIn(record) ? { sessionId: record.sid, deviceId: record.did ?? "", scope: record.scope ?? "" } : null;
  }

  async signIn({ username, password, scope = this.#options.scope, device = {} }) {
    const known = await this.#read();
    const { mode, clientId, rememberDevice } = this.#options;
    const about = { id: known?.did, token: known?.dt, remember: rememberDevice, ...device };
    const sent = this.#now();
    const body = { username, password, mode, scope, client_id: clientId, device: about };
    return this.#begin(await this.#json("POST", "/auth/login", body), sent);
  }

  /** A session by the device token of an earlier sign-in, without a password. */
  async signInWithDevice() {
    const device = (await this.#read())?.dt;
    if (!device) throw new AuthError("no_device_token");
    await this.#refresh(null, device);
    return this.session;
  }

  /** Takes the answer of a sign-in that was made elsewhere. */
  adopt(answer) {
    return this.#begin(answer, this.#now());
  }

  /** An access token that lives for `minLifeMs` more, or at least for half its life. */
  async accessToken({ minLifeMs = 0 } = {}) {
    const record = await this.#signedIn();
    const wanted = Math.max(SPARE_MS, Math.min(minLifeMs, record.lifeMs / 2));
    if (this.#left(record) < wanted) return (await this.#refresh(record)).access;
    if (this.#isDue(record)) this.#refresh(record).catch(() => {}); // beside: this one is still good
    return record.access;
  }

  /** An API refused this access token: the next one, or null where it is too young for that to help (R4). */
  async rejected(token) {
    const record = await this.#signedIn();
    if (record.access !== token) return record.access;
    const isFromTheFuture = record.at > this.#now() + SPARE_MS; // the clock was set back: its age is unknown
    const wait = Math.min(MIN_AGE_MS, record.lifeMs / 2) * this.#uselessness;
    return isFromTheFuture || this.#age(record) >= wait ? (await this.#refresh(record)).access : null;
  }

  /** As the global `fetch`, with the credential for the issuer and `apis` alone. */
  async fetch(input, init = {}) {
    const request = input instanceof Request ? input : null;
    const url = new URL(request?.url ?? input, globalThis.location?.href ?? this.#options.issuer);
    const headers = new Headers(init.headers ?? request?.headers);
    if (!this.#apis.includes(url.origin) || headers.has("Authorization")) return this.#options.fetch(request ?? url, init);
    const isUnsafe = UNSAFE.includes((init.method ?? request?.method ?? "GET").toUpperCase());
    const send = (credential) => {
      if (!this.#isCookie) headers.set("Authorization", `Bearer ${credential}`);
      else if (isUnsafe && credential) headers.set("X-CSRF-Token", credential);
      // A redirect is not followed: where it leads is not known before.
      const redirect = init.redirect === "manual" ? "manual" : "error";
      return this.#options.fetch(request ?? url, { ...init, ...(this.#isCookie && { credentials: "include" }), headers, redirect });
    };
    const used = this.#isCookie ? await this.#csrf(isUnsafe) : await this.accessToken();
    const response = await send(used);
    if (!(await this.#isRefused(response, url))) return response;
    const next = await this.#afterRefusal(response, url, used).catch(() => null);
    if (next === null || request?.body || !isRepeatable(init.body)) return response;
    await response.body?.cancel();
    const repeated = await send(next);
    this.#uselessness = (await this.#isRefused(repeated, url)) ? this.#uselessness * 4 : 1;
    return repeated;
  }

  /** JSON to and from a route of the service; null for an empty answer. */
  request(method, path, body) {
    return this.#json(method, path, body, (url, init) => this.fetch(url, init));
  }

  /** Ends this session (`current`), the `others` or `all`. Bearer tokens are gone from here even where the service could
   * not be told, which throws. The device's id is kept, its token is not. */
  async signOut({ scope = "current", keepDevices = false } = {}) {
    const record = await this.#read();
    if (this.#isCookie || scope !== "current") {
      await this.request("POST", "/auth/logout", { scope, keep_devices: keepDevices });
      if (scope !== "others") await this.#over("here");
    } else if (isSignedIn(record)) {
      await this.#json("POST", "/auth/revoke", { token: record.token }).finally(() => this.#over("here"));
    }
  }

  /** Stops timers and listeners. The session stays. */
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

  // What the store says, now (R2). Where it has nothing, nothing whole, or an earlier state of the same sign-in, what is known
  // here goes on: it was cleared, or a write failed. Who signs out leaves a record that says so.
  async #read(isToSend = false) {
    const known = this.#record;
    let found = null;
    try {
      let began;
      do {
        began = this.#clocks();
        this.#text = await this.#store.get();
      } while (this.#elapsed(began) > FRESH_READ_MS);
      found = parsed(this.#text);
      this.#fault = "";
    } catch (error) {
      this.#storageFault(error);
      if (error.code !== "storage_record") {
        if (isToSend && error.code === "storage_version") throw error; // newer code has these tokens, and sends them
        return known;
      }
    }
    const isBehind = isSignedIn(known) && (!found || (found.salt === known.salt && found.n < known.n));
    if (!isBehind) return this.#take(found, "other_tab");
    return isToSend && !(await this.#save(known)) ? this.#read(true) : known;
  }

  // R3: only where the store has what was read. One that fails is no reason to lose the session (R7).
  async #save(next) {
    try {
      const text = JSON.stringify(next);
      if (!(await this.#store.swap(this.#text, text))) return false;
      this.#text = text;
    } catch (error) {
      this.#storageFault(error);
    }
    return true;
  }

  #take(next, reason) {
    const before = this.#record;
    this.#record = next;
    if (next?.at !== before?.at) {
      this.#seenAt = monotonic();
      // R4: a request for its predecessor may be under way, whatever a clock that is set says of its age.
      const isYoung = next && Math.abs(this.#now() - next.at) < this.#options.timeoutMs;
      if (isYoung) this.#notBefore = Math.max(this.#notBefore, this.#seenAt + this.#options.timeoutMs);
      this.#plan();
    }
    if (isSignedIn(next) && next.sid !== before?.sid) this.#tell("signedin", { session: this.session });
    if (isSignedIn(before) && !isSignedIn(next)) this.#tell("signedout", { reason });
    return next;
  }

  async #signedIn() {
    const record = await this.#read();
    if (!isSignedIn(record)) throw new AuthError("signed_out", { status: 401 });
    return record;
  }

  // Writes what `make` makes of what is there, again where another tab was first. make: null for no change.
  async #change(make, reason = "other_tab") {
    for (let swaps = 0; swaps < MAX_SWAPS; swaps++) {
      const next = make(await this.#read());
      if (!next) return false;
      if (await this.#save(next)) return Boolean(this.#take(next, reason));
    }
    throw new AuthError("storage");
  }

  // A new sign-in takes the place of whatever was there.
  async #begin(answer, sent) {
    if (!isAnswer(answer, this.#isCookie)) throw new AuthError("bad_answer");
    const salt = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    await this.#change((before) => recordOf(answer, { v: VERSION, salt, n: 0, did: before?.did, dt: before?.dt, dk: before?.dk }, sent));
    this.#uselessness = 1;
    return this.session;
  }

  // secret: of the session that is over; none for whichever.
  #over(reason, secret) {
    return this.#change((record) => {
      if (!isSignedIn(record) || (secret && secretOf(record) !== secret)) return null;
      const { v, salt, n, did, dt, dk } = record;
      return { v, salt, n: n + 1, did, ...(reason !== "here" && { dt, dk }) };
    }, reason);
  }

  // One refresh at a time in this tab and, where there are locks, in all. Nothing depends on the lock.
  #refresh(stale, device) {
    this.#refreshing ??= this.#locked(() => this.#rotate(stale, device)).finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #locked(work) {
    const locks = this.#unwatch && globalThis.navigator?.locks;
    if (!locks) return work();
    const changed = new Promise((resolve) => (this.#onChange = resolve));
    let release;
    const held = new Promise((resolve) => (release = resolve));
    const isMine = new Promise((resolve) => {
      const use = (lock) => (resolve(Boolean(lock)), lock ? held : undefined);
      locks.request(this.#options.storageKey, { ifAvailable: true }, use).catch(resolve);
    });
    if ((await Promise.race([isMine, sleep(LOCK_WAIT_MS)])) === false) await Promise.race([changed, sleep(LOCK_WAIT_MS)]);
    return work().finally(release);
  }

  // Spends the stored token for its successor. stale: the record that is to be renewed; device: the device token.
  async #rotate(stale, device) {
    const began = this.#clocks();
    for (let swaps = 0; swaps < MAX_SWAPS; ) {
      await this.#waitForTurn(began);
      const record = await this.#read(true);
      if (!(device ? record?.dt : isSignedIn(record))) throw new AuthError("signed_out", { status: 401 });
      const isRenewed = device ? record.dt !== device : secretOf(record) !== secretOf(stale) || record.at !== stale.at;
      if (isRenewed && (this.#isCookie || this.#left(record) > SPARE_MS)) return record;
      const sent = this.#clocks();
      const got = await this.#send(record, device);
      // R5; but a cookie has been set already.
      const isLate = !this.#isCookie && this.#elapsed(sent) > this.#options.timeoutMs;
      if (got.status === 200 && isAnswer(got.body, this.#isCookie, record)) {
        const next = recordOf(got.body, { ...record, n: record.n + 1 }, sent.wall);
        if (isLate || (!(await this.#save(next)) && ++swaps)) continue; // not saved: another tab was first, its record counts
        this.#reached();
        this.#take(next);
        this.#tell("refreshed", { session: this.session });
        return next;
      }
      if (isRefusal(got)) await this.#refused(got, record, device);
      else this.#unreachable(got.retryAfterMs);
    }
    throw new AuthError("storage");
  }

  // R6: `invalid_grant` is about the token that was sent. Returns where the store has another one by now.
  async #refused(got, record, device) {
    this.#reached();
    if (got.body.error !== "invalid_grant") throw errorOf(got);
    if (!device) {
      if (await this.#over("session_over", secretOf(record))) throw new AuthError("session_over", { status: got.status });
    } else if (await this.#change((now) => (now?.dt === device ? { ...now, n: now.n + 1, dt: undefined, dk: undefined } : null))) {
      throw errorOf(got);
    }
  }

  // One token request. Whatever is not the service's own answer has no body (R8: nothing else sends or repeats it).
  async #send(record, device) {
    const { timeoutMs, clientId, scope, mode, issuer } = this.#options;
    const form = device
      ? { grant_type: EXCHANGE, subject_token: device, subject_token_type: DEVICE_TYPE, mode, ...(scope && { scope }) }
      : { grant_type: "refresh_token", ...(!this.#isCookie && { refresh_token: record.token }) };
    const key = device ? record.dk : `${record.salt}.${record.n}`; // R1
    const stop = new AbortController();
    const late = new Promise((resolve, reject) => stop.signal.addEventListener("abort", reject));
    const timer = setTimeout(() => stop.abort(), timeoutMs);
    const asked = this.#options.fetch(`${issuer}/auth/token`, {
      method: "POST",
      headers: { "Idempotency-Key": key, ...(record.csrf && { "X-CSRF-Token": record.csrf }) },
      body: new URLSearchParams({ ...form, ...(clientId && { client_id: clientId }) }),
      ...{ redirect: "manual", cache: "no-store", credentials: this.#isCookie ? "include" : "omit", signal: stop.signal },
    });
    try {
      return await Promise.race([asked.then((response) => this.#answerOf(response)), late]);
    } catch {
      return { status: 0, body: null, retryAfterMs: 0 };
    } finally {
      clearTimeout(timer);
    }
  }

  async #answerOf(response) {
    const text = await response.text();
    const after = response.headers.get("Retry-After") ?? "";
    const dated = Date.parse(after) - (Date.parse(response.headers.get("Date")) || this.#now());
    const wait = (/^\d+$/.test(after) ? Number(after) * 1000 : dated) || 0;
    return { status: response.status, text, body: jsonOf(text), retryAfterMs: Math.min(MAX_RETRY_AFTER_MS, Math.max(0, wait)) };
  }

  async #json(method, path, body, send = this.#options.fetch) {
    const headers = { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) };
    const init = { method, headers, body: body && JSON.stringify(body), cache: "no-store", redirect: "error" };
    let got;
    try {
      const credentials = this.#isCookie ? "include" : "omit";
      got = await this.#answerOf(await send(this.#options.issuer + path, { ...init, credentials }));
    } catch (cause) {
      throw cause instanceof AuthError ? cause : new AuthError("unreachable", { cause });
    }
    if (got.status < 300 && (got.body || got.text === "")) return got.body;
    throw errorOf(got);
  }

  #unreachable(retryAfterMs) {
    const most = Math.min(MAX_BACKOFF_MS, 1000 * 2 ** this.#failures++);
    const wait = retryAfterMs ? retryAfterMs * (1 + Math.random()) : most * Math.random();
    const now = this.#now();
    this.#notBefore = monotonic() + wait;
    this.#unreachableSince ??= now;
    this.#tell("unreachable", { since: this.#unreachableSince, retryAt: now + wait });
  }

  #reached() {
    this.#failures = this.#notBefore = 0;
    this.#unreachableSince = null;
  }

  async #waitForTurn(began) {
    for (;;) {
      if (this.#isClosed) throw new AuthError("closed");
      const wait = this.#notBefore - monotonic();
      if (wait <= 0) return;
      if (this.#elapsed(began) + wait > this.#options.retryForMs) throw new AuthError("unreachable", { retryAfterMs: wait });
      await sleep(wait);
    }
  }

  // A cookie is the token, and the browser its store; the record has what goes with it. Returns the CSRF token.
  async #csrf(isNeeded) {
    let record = await this.#read();
    if (!isSignedIn(record) && isNeeded) record = await this.#askSession();
    const isDue = isSignedIn(record) && this.#now() - record.at > this.#options.rotateCookieEveryMs;
    // Not at once after a page was loaded: the one before may have rotated it and not come to save that.
    if (isDue && monotonic() - this.#seenAt > MIN_AGE_MS) this.#refresh(record).catch(() => {});
    return record?.csrf ?? "";
  }

  async #askSession() {
    const before = await this.#read();
    try {
      const found = await this.#json("GET", "/auth/session");
      const now = this.#record;
      if (now?.csrf !== found?.csrf_token || now?.sid !== found?.session_id) await this.#begin(found, this.#now());
    } catch (error) {
      if (error.status !== 401) throw error;
      // A cookie that is spent: the answer to its rotation was lost, and is given again for the same key.
      if (isSignedIn(before) && error.code === "invalid_token") await this.#refresh(before).catch((cause) => this.#unlessOver(cause));
      else await this.#over("session_over");
    }
    return this.#record;
  }

  #unlessOver(error) {
    if (error.code !== "session_over") throw error;
  }

  async #isRefused(response, url) {
    const isHttpApi = this.#options.httpApis.some((api) => url.href.startsWith(new URL(api).href));
    if (response.status !== 403 || !(isHttpApi || this.#isCookie)) return response.status === 401;
    const body = jsonOf(await response.clone().text());
    return isHttpApi ? body?.message === "Forbidden" : body?.error === "access_denied";
  }

  // What to repeat a refused request with, or null.
  async #afterRefusal(response, url, used) {
    const { headers } = response;
    const challenge = headers.get("WWW-Authenticate") ?? headers.get("x-amzn-Remapped-WWW-Authenticate") ?? "";
    if (challenge.includes('error="insufficient_user_authentication"')) {
      const [, acrValues = ""] = /acr_values="([^"]*)"/.exec(challenge) ?? [];
      const [, maxAge] = /max_age="?(\d+)/.exec(challenge) ?? [];
      const asked = { url: url.href, acrValues, maxAgeS: maxAge === undefined ? null : Number(maxAge) };
      this.#tell("stepup", asked);
      if ((await this.#options.onStepUp?.(asked)) !== true) return null;
      return this.#isCookie ? this.#record?.csrf : this.#record?.access;
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
    const untilDue = Math.max(record.lifeMs * this.#share - this.#age(record), this.#notBefore - monotonic(), SPARE_MS);
    const again = () => this.#plan();
    this.#timer = setTimeout(() => this.accessToken().then(again, again), untilDue);
    this.#timer.unref?.();
  }

  #now() {
    return this.#options.now();
  }

  #clocks() {
    return { wall: this.#now(), monotonic: monotonic() };
  }

  // The larger of both: one clock may be set, the other may stand still in sleep. One that was set back counts, too.
  #elapsed(since) {
    return Math.max(Math.abs(this.#now() - since.wall), monotonic() - since.monotonic);
  }

  #age(record) {
    return Math.max(this.#now() - record.at, monotonic() - this.#seenAt);
  }

  #left(record) {
    return record.lifeMs - this.#age(record);
  }

  #isDue(record) {
    return this.#age(record) > record.lifeMs * this.#share;
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

const monotonic = () => performance.now();
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const secretOf = (record) => record.token ?? record.csrf;
const isSignedIn = (record) => Boolean(record?.token || record?.csrf);
const isRefreshToken = (text) => /^aut_rt_[\w-]+$/.test(text);
const isRefusal = ({ status, body }) => status >= 400 && status < 500 && status !== 429 && typeof body?.error === "string";

function storeOf(storage, key) {
  if (typeof storage === "object") return storage;
  if (storage === "memory") return memoryStore();
  return storage === "indexeddb" ? indexedDbStore(key) : webStore(`${storage}Storage`, key);
}

// Throws AuthError for what is no record of ours.
function parsed(text) {
  if (text === null) return null;
  const record = jsonOf(text);
  if (record?.v > VERSION) throw new AuthError("storage_version");
  const isWhole = typeof record?.salt === "string" && Number.isInteger(record.n) && (!record.token || isWholeSession(record));
  if (!isWhole) throw new AuthError("storage_record");
  return record;
}

const isWholeSession = (record) => isRefreshToken(record.token) && typeof record.access === "string" && record.lifeMs > 0 && record.at >= 0;

// dk: the Idempotency-Key of the device token (R1).
const recordOf = (answer, base, at) => ({
  ...base,
  ...(answer.device_token && { dt: answer.device_token, dk: `${base.salt}.${base.n}.d` }),
  ...{ token: answer.refresh_token, access: answer.access_token, csrf: answer.csrf_token, sid: answer.session_id, at },
  ...{ lifeMs: answer.expires_in * 1000, did: answer.device_id ?? base.did, scope: answer.scope ?? base.scope },
});

// By its shape, not its content type: a proxy's page, half an answer or tokens in each other's place are no answer.
function isAnswer(body, isCookie, before) {
  if (typeof body?.session_id !== "string") return false;
  if (isCookie) return typeof body.csrf_token === "string" && !body.refresh_token;
  const isAccess = /^[\w.~+/-]+=*$/.test(body.access_token) && !/^aut_/.test(body.access_token);
  return isAccess && isRefreshToken(body.refresh_token) && body.refresh_token !== before?.token && body.expires_in > 0;
}

function errorOf({ status, body, retryAfterMs }) {
  if (typeof body?.error === "string") return new AuthError(body.error, { status, retryAfterMs, description: body.error_description });
  const code = status === 401 ? "no_credential" : status === 429 || status >= 500 ? "temporarily_unavailable" : "bad_answer";
  return new AuthError(code, { status, retryAfterMs, description: `The service answered ${status}.` });
}

const isRepeatable = (body) =>
  body == null || typeof body === "string" || ArrayBuffer.isView(body) || /^(URLSearchParams|Blob|File|FormData|ArrayBuffer)$/.test(body.constructor?.name);

function jsonOf(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
