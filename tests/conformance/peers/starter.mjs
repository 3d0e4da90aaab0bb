// What the Node starters share: where the database is, and the answers to the benchmark's lines.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import mysql from 'mysql2/promise';

export const USER = { username: 'conformance', password: 'correct horse battery staple' };
export const LINES = 'lines';
// In turn, so that no row is written again while it is still in the processor's cache.
const SESSIONS = 200;
const CONNECTIONS = 8;

/** A pool by the environment: PEER_DB_HOST, PEER_DB_PORT, PEER_DB_NAME, PEER_DB_USER, PEER_DB_PASSWORD. */
export function database() {
  const { env } = process;
  return mysql.createPool({
    host: env.PEER_DB_HOST,
    port: Number(env.PEER_DB_PORT),
    database: env.PEER_DB_NAME,
    user: env.PEER_DB_USER,
    password: env.PEER_DB_PASSWORD,
    connectionLimit: CONNECTIONS,
    timezone: 'Z',
  });
}

/**
 * First a line with the versions; then for each line {"operation", "count"} one {"ms": [...], "cpu_ms": total}.
 *
 * peer: signIn() and refresh(session) promise a session, validate(session) nothing.
 */
export async function answerLines(peer, packages) {
  console.log = console.info = console.error;
  const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  const sessions = [];
  for (let number = 0; number < SESSIONS; number += 1) sessions.push(await peer.signIn());
  const calls = {
    issue: () => peer.signIn(),
    async refresh() {
      sessions.push(await peer.refresh(sessions.shift()));
    },
    async validate() {
      sessions.push(sessions.shift());
      await peer.validate(sessions.at(-1));
    },
  };
  say(Object.fromEntries([...packages, 'mysql2'].map((name) => [name, versionOf(name)])));
  for await (const line of createInterface({ input: process.stdin })) {
    const { operation, count } = JSON.parse(line);
    say(await timed(calls[operation], count));
  }
  process.exit(0);
}

async function timed(call, count) {
  const ms = [];
  const cpu = process.cpuUsage();
  for (let number = 0; number < count; number += 1) {
    const began = process.hrtime.bigint();
    await call();
    ms.push(Number(process.hrtime.bigint() - began) / 1e6);
  }
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpu_ms: (user + system) / 1e3 };
}

function versionOf(name) {
  const folders = createRequire(import.meta.url).resolve.paths(name);
  for (const folder of folders) {
    try {
      return JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')).version;
    } catch {
      // In the next folder up.
    }
  }
  return '';
}
