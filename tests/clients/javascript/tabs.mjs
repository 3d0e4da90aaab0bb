// Tabs of a real Chromium that share a storage, frozen and killed at random, behind a proxy that loses requests and answers:
// tabs.mjs ISSUER CHROMIUM PROFILE '{"seconds": 6, "tabs": 4, "lock": false, "storage": "local"}'. Reads sign-in answers, one a
// session, from the standard input; every tab has a client for each. Prints what befell them and what they sent.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const [issuer, program, profile] = process.argv.slice(2);
const { seconds, tabs, lock, storage } = JSON.parse(process.argv[5]);
const answers = JSON.parse(readFileSync(0, "utf8"));
const MODULES = ["/client.js", "/indexeddb.js"];
const moduleAt = (path) => readFileSync(new URL(`../../../clients/javascript${path}`, import.meta.url));
// All times are about a sixteenth of real ones, in the same proportions.
export const LIFE_S = 4;
const TIMEOUT_MS = 600;
const MAX_FREEZE_MS = 3000;
const QUIET = [
  ...["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync", "--disable-extensions", "--remote-debugging-port=0"],
  // A tab that nobody sees would run its timers once a second.
  ...["--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows"],
];
const PAGE = `<!doctype html><script type="module">
  ${lock ? "" : 'Object.defineProperty(Navigator.prototype, "locks", { value: undefined });'}
  const { createClient } = await import("/client.js");
  const clients = Array.from({ length: ${answers.length} }, (_, index) => createClient({
    issuer: location.origin, storage: "${storage}", storageKey: "session " + index, timeoutMs: ${TIMEOUT_MS}, retryForMs: 20000,
  }));
  for (const client of clients) client.addEventListener("signedout", ({ detail }) => fetch("/ended", { method: "POST", body: detail.reason, keepalive: true }));
  globalThis.adopt = (answers) => Promise.all(answers.map((answer, index) => clients[index].adopt({ ...answer, expires_in: ${LIFE_S} })));
  globalThis.tokens = () => Promise.all(clients.map((client) => client.accessToken().catch((error) => error.code)));
  globalThis.use = async (client) => {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 400 * Math.random()));
      await client.accessToken().catch(() => {});
    }
  };
  globalThis.begin = () => void clients.forEach(use);
  globalThis.isReady = true;
</script>`;

const counts = { sent: 0, ended: [], lost: 0, frozen: 0, killed: 0 };
const proxy = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (request.url === "/") return response.writeHead(200, { "Content-Type": "text/html" }).end(PAGE);
  if (MODULES.includes(request.url)) return response.writeHead(200, { "Content-Type": "text/javascript" }).end(moduleAt(request.url));
  if (request.url === "/ended") return counts.ended.push(String(body)), response.end();
  if (request.url !== "/auth/token") return response.writeHead(404).end();
  counts.sent += 1;
  const [isLostBefore, isLostAfter] = [Math.random() < 0.05, Math.random() < 0.15];
  const delay = () => sleep(Math.random() < 0.15 ? 0.9 * TIMEOUT_MS * Math.random() : 5);
  counts.lost += isLostBefore || isLostAfter ? 1 : 0;
  if (isLostBefore) return request.socket.destroy();
  await delay(); // also for a tab that is dead by now
  const headers = Object.fromEntries(["content-type", "idempotency-key"].map((name) => [name, request.headers[name]]));
  const answer = await fetch(issuer + request.url, { method: "POST", headers, body });
  const text = await answer.text();
  await delay();
  if (isLostAfter) return request.socket.destroy();
  response.writeHead(answer.status, { "Content-Type": "application/json" }).end(text.replace(/"expires_in": ?\d+/, `"expires_in": ${LIFE_S}`));
});
await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${proxy.address().port}/`;

// The DevTools protocol over one socket.
class Browser {
  #next = 0;
  #waiting = new Map();

  async start() {
    this.process = spawn(program, [...QUIET, `--user-data-dir=${profile}`, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
    const address = await new Promise((resolve, reject) => {
      let said = "";
      this.process.stderr.on("data", (data) => (said += data) && /ws:\/\/\S+/.test(said) && resolve(/ws:\/\/\S+/.exec(said)[0]));
      this.process.on("exit", () => reject(new Error(said)));
    });
    this.socket = new WebSocket(address);
    await new Promise((resolve) => (this.socket.onopen = resolve));
    this.socket.onmessage = ({ data }) => {
      const { id, result, error } = JSON.parse(data);
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (waiting) error ? waiting.reject(new Error(error.message)) : waiting.resolve(result);
    };
  }

  // Given up after 10 s: a target that dies does not answer.
  send(method, params = {}, sessionId = undefined) {
    const id = ++this.#next;
    this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    const answered = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    return Promise.race([answered, sleep(10_000, undefined, { ref: false }).then(() => Promise.reject(new Error(`no answer to ${method}`)))]);
  }

  async open() {
    const { targetId } = await this.send("Target.createTarget", { url: origin });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const tab = { targetId, sessionId, frozenUntil: 0 };
    // Where the page is being loaded, there is nothing to ask for a moment.
    while (!(await this.value(tab, "globalThis.isReady === true").catch(() => false))) await sleep(20);
    return tab;
  }

  async value(tab, expression) {
    const asked = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", asked, tab.sessionId);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  freeze(tab, state) {
    return this.send("Page.setWebLifecycleState", { state }, tab.sessionId);
  }
}

const browser = new Browser();

// One tab after the other is frozen for a while, closed, or loses its process, and comes anew.
async function haunted(tab, until) {
  while (Date.now() < until) {
    await sleep(800 * Math.random());
    const kind = Math.random();
    if (kind < 0.5) {
      counts.frozen += 1;
      await browser.freeze(tab, "frozen");
      await sleep(MAX_FREEZE_MS * Math.random() ** 2);
      await browser.freeze(tab, "active");
    } else if (kind < 0.75) {
      counts.killed += 1;
      if (kind < 0.65) await browser.send("Target.closeTarget", { targetId: tab.targetId });
      else {
        browser.send("Page.crash", {}, tab.sessionId).catch(() => {});
        await sleep(50);
        await browser.send("Target.closeTarget", { targetId: tab.targetId }).catch(() => {});
      }
      tab = await browser.open();
      await browser.value(tab, "begin()");
    }
  }
}

try {
  await browser.start();
  const open = await Promise.all(Array.from({ length: tabs }, () => browser.open()));
  await browser.value(open[0], `adopt(${JSON.stringify(answers)}).then(() => 0)`);
  const began = Date.now();
  await Promise.all(open.map((tab) => browser.value(tab, "begin()")));
  await Promise.all(open.map((tab) => haunted(tab, began + seconds * 1000)));
  const ms = Date.now() - began;
  const tokens = await browser.value(await browser.open(), "tokens()");
  console.log(JSON.stringify({ ...counts, ended: counts.ended.length, reasons: counts.ended, ms, tokens, lifeS: LIFE_S }));
} finally {
  browser.process.kill("SIGKILL");
  proxy.closeAllConnections();
  proxy.close();
}
process.exit();
