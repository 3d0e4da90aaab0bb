/** Sign-in, refresh and authorised requests for auth-user-tokens. README.md says how it is used. */

/** `POST /auth/login`, `/auth/token`, `/auth/issue` in the mode `bearer`. Units: seconds. */
export interface TokenAnswer {
  access_token: string;
  /** `DPoP`: bound to a key. */
  token_type: "Bearer" | "DPoP";
  expires_in: number;
  refresh_token: string;
  refresh_expires_in: number;
  scope: string;
  session_id: string;
  device_id: string;
  device_token?: string;
  issued_token_type?: "urn:ietf:params:oauth:token-type:access_token";
}

/** The same in the mode `cookie`: the session itself is a cookie that scripts cannot read. */
export interface CookieAnswer {
  session_id: string;
  expires_in: number;
  csrf_token: string;
  issued_token_type?: "urn:auth-user-tokens:token-type:session";
  device_token?: string;
}

/** `GET /auth/session`. Instants: epoch seconds. */
export interface CallerSession {
  session_id: string;
  device_id: string;
  sub: string;
  client_id: string;
  scope: string;
  auth_time: number;
  acr: string;
  amr: string[];
  labels: string[];
  exp: number;
  /** Of a browser session. */
  username?: string;
  csrf_token?: string;
}

/** A line of `GET /auth/sessions`. */
export interface SessionLine {
  session_id: string;
  device_id: string;
  kind: "refresh" | "session";
  client_id: string;
  scope: string;
  created_at: number;
  last_used_at: number;
  expires_at: number;
  auth_time: number;
  amr: string[];
  device_name: string;
  address: string;
  user_agent: string;
  place: string;
  current: boolean;
}

/** A line of `GET /auth/devices`. */
export interface Device {
  device_id: string;
  name: string;
  platform: string;
  client_id: string;
  remembered: boolean;
  created_at: number;
  last_used_at: number;
  place: string;
  current: boolean;
}

/** Where a session is kept: one text. Either way of answering, at once or by a promise, is good. */
export interface Store {
  get(): string | null | Promise<string | null>;
  /** Writes `next` only if the store has `seen`, and says whether it did. Atomic, as far as the store can be. */
  swap(seen: string | null, next: string): boolean | Promise<boolean>;
  /** Calls back when another tab or process has written. Returns what stops that. */
  watch?(changed: () => void): () => void;
}

export interface KeyValue {
  getItem(key: string): Promise<string | null | undefined>;
  setItem(key: string, text: string): Promise<unknown>;
}

export interface StepUp {
  url: string;
  /** Space-separated (RFC 9470); empty for any. */
  acrValues: string;
  maxAgeS: number | null;
}

/** What an API is known to ask for. acr: space-separated, one of which is enough. */
export interface Requirement {
  acr?: string;
  maxAgeS?: number;
}

/** keyPair: of ECDSA P-256, the same at each call. */
export interface KeyPairSource {
  keyPair(): CryptoKeyPair | Promise<CryptoKeyPair>;
}

export interface ClientOptions {
  /** URL of the service. */
  issuer: string;
  mode?: "bearer" | "cookie";
  /** Of `CLIENTS`; absent for the service's first one. */
  clientId?: string;
  scope?: string;
  /** Origins that get the credential, besides the issuer's. */
  apis?: string[];
  /** URLs of HTTP APIs behind the authorizer: their bare 403 `{"message": "Forbidden"}` counts as 401. */
  httpApis?: string[];
  /** By URL: what an API asks for whose gateway cannot say so. Its 401 or 403 that outlives a refresh is compared with the
   * session, and `onStepUp` called. */
  requires?: Record<string, Requirement>;
  /** Binds new sessions to a key (RFC 9449). `true`: a key that IndexedDB keeps and no script can read; with the storage `memory`
   * one as short-lived. Mode `bearer` only. */
  dpop?: boolean | KeyPairSource;
  /** Default: `local` in a page, else `memory`. */
  storage?: "local" | "session" | "indexeddb" | "memory" | Store;
  storageKey?: string;
  /** The part of an access token's life after which a use renews it; default 0.75, up to `jitter` (0.1) more or less. */
  refreshAt?: number;
  jitter?: number;
  /** How long a token request waits for its answer; default 10000. */
  timeoutMs?: number;
  /** For how long a refresh is tried; default 60000. */
  retryForMs?: number;
  /** `use` (default): a use of a due token renews it. `timer`: without use, too. */
  autoRefresh?: "use" | "timer";
  /** Cookie mode: how often a cookie in use is rotated; default 900000. */
  rotateCookieEveryMs?: number;
  /** Asks for a device token at sign-in. */
  rememberDevice?: boolean;
  /** A request needs a stronger or newer authentication. Resolve to true to have it sent again. */
  onStepUp?(asked: StepUp): boolean | void | Promise<boolean | void>;
  fetch?: typeof globalThis.fetch;
  /** Epoch milliseconds. */
  now?(): number;
}

export interface Session {
  sessionId: string;
  deviceId: string;
  scope: string;
}

export interface SignIn {
  username: string;
  password: string;
  scope?: string;
  device?: { name?: string; platform?: string; id?: string; token?: string; remember?: boolean };
}

export interface ClientEvents {
  signedin: CustomEvent<{ session: Session }>;
  signedout: CustomEvent<{ reason: "here" | "other_tab" | "session_over" }>;
  refreshed: CustomEvent<{ session: Session }>;
  /** Epoch milliseconds. */
  unreachable: CustomEvent<{ since: number; retryAt: number }>;
  stepup: CustomEvent<StepUp>;
  storageerror: CustomEvent<{ error: AuthError }>;
}

export interface Client extends EventTarget {
  /** Who is signed in, without secrets; null for nobody. */
  readonly session: Session | null;
  /** The session as the store, or in cookie mode the service, has it. */
  readonly ready: Promise<Session | null>;
  signIn(credentials: SignIn): Promise<Session>;
  /** A session by the device token of an earlier sign-in, without a password. */
  signInWithDevice(): Promise<Session | null>;
  /** Takes the answer of a sign-in that was made elsewhere. */
  adopt(answer: TokenAnswer | CookieAnswer): Promise<Session>;
  /** Raises this session by the user's password (RFC 9470), by the rules of a refresh. acrValues, maxAgeS: what `onStepUp` was
   * told. A wrong password is `invalid_credentials`; that and every other refusal leave the session as it was. */
  stepUp(password: string, asked?: { acrValues?: string; maxAgeS?: number | null }): Promise<Session>;
  /** An access token that lives for `minLifeMs` more, or at least for half its life. Mode `bearer` only. */
  accessToken(wanted?: { minLifeMs?: number }): Promise<string>;
  /** An API refused this access token: the next one, or null where it is too young for that to help. */
  rejected(token: string): Promise<string | null>;
  /** As the global `fetch`, with the credential for the issuer and `apis` alone. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** JSON to and from a route of the service; null for an empty answer. */
  request<T = any>(method: string, path: string, body?: unknown): Promise<T>;
  /** Ends this session (`current`), the `others` or `all`. Bearer tokens are gone from here even where the service cannot be
   * reached, which throws. The device's id is kept, its token is not. */
  signOut(what?: { scope?: "current" | "others" | "all"; keepDevices?: boolean }): Promise<void>;
  /** Of the key of `dpop`, for `dpop_jkt` of `POST /auth/issue`. */
  keyThumbprint(): Promise<string>;
  /** Stops timers and listeners. The session stays. */
  close(): void;
  addEventListener<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(name: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
}

/** code: the service's `error`, or one of ours: README.md lists them. */
export class AuthError extends Error {
  readonly code: string;
  /** 0 where there was no answer. */
  readonly status: number;
  readonly retryAfterMs: number;
  constructor(code: string, about?: { status?: number; retryAfterMs?: number; description?: string; cause?: unknown });
}

export function createClient(options: ClientOptions): Client;
/** Of all tabs of an origin, or of one tab. */
export function webStore(area: "localStorage" | "sessionStorage", key: string): Store;
/** For workers, too. Compare-and-set is one transaction. */
export function indexedDbStore(key: string): Store;
/** Gone with the page or process. */
export function memoryStore(): Store;
/** Over an asynchronous key-value store that one process uses, such as a keychain. */
export function asyncStore(items: KeyValue, key: string): Store;
