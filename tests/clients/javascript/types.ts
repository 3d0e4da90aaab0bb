// Type tests: what compiles, and what must not.
import { AuthError, createClient, indexedDbStore, memoryStore, type Client, type Session, type Store } from "auth-user-tokens-client";

const store: Store = { get: async () => null, swap: (seen, next) => seen === next };
const client: Client = createClient({ issuer: "https://tokens.test", mode: "cookie", storage: store, onStepUp: ({ acrValues }) => acrValues === "" });
createClient({ issuer: "https://tokens.test", storage: "indexeddb" });
createClient({ issuer: "https://tokens.test", storage: indexedDbStore("key") ?? memoryStore(), fetch });

client.addEventListener("signedout", ({ detail }) => detail.reason satisfies "here" | "other_tab" | "session_over");
client.addEventListener("unreachable", ({ detail: { since, retryAt } }) => retryAt - since);
const session: Session | null = await client.ready;
createClient({ issuer: "https://tokens.test", dpop: true, requires: { "https://api.test/": { maxAgeS: 900 } } });
const jkt: string = await client.keyThumbprint();
await client.stepUp("password", { acrValues: "", maxAgeS: null });
const token: string = await client.accessToken({ minLifeMs: 1000 });
const next: string | null = await client.rejected(token);
const answer: Response = await client.fetch(new URL("https://api.test"), { method: "POST" });
const listed = await client.request<{ sessions: string[] }>("GET", "/auth/sessions");
listed.sessions.map((one) => one.length);
await client.signOut({ scope: "others", keepDevices: true });
console.log(jkt, session?.sessionId, next, answer.status, new AuthError("x", { status: 400 }).retryAfterMs);

// @ts-expect-error The issuer is needed.
createClient({});
// @ts-expect-error There is no such mode.
createClient({ issuer: "https://tokens.test", mode: "dpop" });
// @ts-expect-error The password is needed.
client.signIn({ username: "alice" });
// @ts-expect-error The password is needed.
client.stepUp();
// @ts-expect-error There is no such scope.
client.signOut({ scope: "everything" });
// @ts-expect-error Nobody sets who is signed in.
client.session = null;
