// better-auth with sign-in by address and password, without a hash; sessions in the database, by cookie.
// Usage: node better_auth.mjs PORT|lines
// Environment: PEER_DB_HOST, PEER_DB_PORT, PEER_DB_NAME, PEER_DB_USER, PEER_DB_PASSWORD.

import { createServer } from 'node:http';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { LINES, USER, answerLines, database } from './starter.mjs';

const where = process.argv[2];
const port = where === LINES ? 80 : Number(where);
const origin = `http://127.0.0.1:${port}`;
const CREDENTIALS = { email: `${USER.username}@example.com`, password: USER.password };

const auth = betterAuth({
  baseURL: origin,
  secret: 'conformance only, for one run on this machine',
  database: database(),
  emailAndPassword: {
    enabled: true,
    password: { hash: async (password) => password, verify: async ({ hash, password }) => hash === password },
  },
  // Each use extends the session: that is its refresh. A mere validation asks for disableRefresh.
  session: { updateAge: 0 },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { level: 'error' },
});

const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
await auth.api.signUpEmail({ body: { name: USER.username, ...CREDENTIALS } });

async function call(path, { cookie, body } = {}) {
  const headers = { origin };
  if (cookie) headers.cookie = cookie;
  if (body) headers['content-type'] = 'application/json';
  const request = new Request(`${origin}/api/auth${path}`, {
    method: body ? 'POST' : 'GET',
    headers,
    body: body && JSON.stringify(body),
  });
  const response = await auth.handler(request);
  const content = await response.json();
  if (response.status !== 200 || !content) throw new Error(`${response.status} ${JSON.stringify(content)}`);
  return response.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ');
}

const peer = {
  signIn: () => call('/sign-in/email', { body: CREDENTIALS }),
  refresh: (cookie) => call('/get-session', { cookie }),
  validate: (cookie) => call('/get-session?disableRefresh=true', { cookie }),
};

if (where === LINES) {
  await answerLines(peer, ['better-auth']);
} else {
  createServer(toNodeHandler(auth)).listen(port, '127.0.0.1', 1024);
}
