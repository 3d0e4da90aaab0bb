// The Portal before it moves: Objection models on Knex, which issue and rotate refresh tokens in auth_user_tokens.
//
// A parent drives it: one JSON object a line on standard input, {id, call, with}; one answer a line on standard output,
// {id, result} or {id, error}. Calls run side by side. The first argument says where the database is and which of the
// SHAPES the schema has.
import crypto from "node:crypto";
import readline from "node:readline";
import { AwsClient } from "aws4fetch";
import knexOf from "knex";
import { Model } from "objection";

const DAY_MS = 86_400_000;
const uuidBytes = () => Buffer.from(crypto.randomUUID().replaceAll("-", ""), "hex");
const sha256 = (text) => crypto.createHash("sha256").update(text);

const BY_USERNAME = {
  users: (table) => {
    table.string("username", 190).notNullable().unique();
    table.string("password_hash", 255);
    table.string("status", 20).notNullable().defaultTo("active");
  },
  user: (n) => ({ username: `user${n}@portal.test` }),
  password: "password_hash",
};

// What differs between the Portals that are out there. live: what a token that is in force has; ended: what ends one.
const SHAPES = {
  integer: {
    charset: "latin1",
    ids: { column: (table) => table.increments("id"), reference: (table, name) => table.integer(name).unsigned() },
    users: (table) => {
      table.string("email", 255).notNullable().unique();
      table.string("password", 60);
      table.boolean("is_active").notNullable().defaultTo(true);
      table.timestamp("deleted_at").nullable();
      table.timestamp("password_changed_at").nullable();
    },
    user: (n) => ({ email: `user${n}@portal.test` }),
    password: "password",
    tokens: (table) => {
      table.string("token", 64).notNullable().unique();
      table.timestamp("revoked_at").nullable();
      table.timestamp("expires_at").notNullable().index();
      table.timestamp("created_at").notNullable();
    },
    stored: (token) => sha256(token).digest("hex"),
    live: { revoked_at: null },
    ended: () => ({ revoked_at: new Date() }),
    fresh: () => crypto.randomBytes(40).toString("hex"),
  },
  text: {
    charset: "utf8mb4",
    ids: {
      column: (table) => table.string("id", 36).primary(),
      reference: (table, name) => table.string(name, 36),
      make: () => crypto.randomUUID(),
    },
    ...BY_USERNAME,
    tokens: (table) => {
      table.string("token", 255).notNullable().index();
      table.string("status", 16).notNullable().defaultTo("active");
      table.datetime("expires_at").notNullable();
      table.datetime("created_at").notNullable();
    },
    stored: (token) => token,
    live: { status: "active" },
    ended: () => ({ status: "revoked" }),
    fresh: () => crypto.randomBytes(48).toString("base64url"),
  },
  bytes: {
    charset: "utf8mb4",
    ids: {
      column: (table) => table.binary("id", 16).primary(),
      reference: (table, name) => table.binary(name, 16),
      make: uuidBytes,
    },
    ...BY_USERNAME,
    tokens: (table) => {
      table.binary("token", 32).notNullable().unique();
      table.boolean("is_revoked").notNullable().defaultTo(false);
      table.bigInteger("expires_at").notNullable();
    },
    stored: (token) => crypto.createHmac("sha256", Buffer.from(at.secret, "hex")).update(token).digest(),
    live: { is_revoked: 0 },
    ended: () => ({ is_revoked: 1 }),
    fresh: () => crypto.randomBytes(32).toString("hex"),
    instant: (ms) => Math.floor(ms / 1000),
  },
};

const at = JSON.parse(process.argv[2]);
const shape = SHAPES[at.shape];
const instant = shape.instant ?? ((ms) => new Date(Math.floor(ms / 1000) * 1000));
const hasCreated = at.shape !== "bytes";
const key = (id) => (Buffer.isBuffer(id) ? id.toString("hex").replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-") : String(id));

const knex = knexOf({
  client: "mysql2",
  connection: { host: at.host, port: at.port, user: at.user, password: at.password, database: at.schema, timezone: at.zone },
  pool: {
    min: 0,
    max: 8,
    // As in many Portals: the session's zone is that of the people, not UTC.
    afterCreate: (connection, done) => connection.query(`SET time_zone = '${at.zone}'`, (error) => done(error, connection)),
  },
});

class AuthUsers extends Model {
  static tableName = "auth_users";
}

class AuthUserTokens extends Model {
  static tableName = "auth_user_tokens";

  /** The tokens that are in force now, of one of the types. */
  static inForce(query) {
    return query.where(shape.live).where("expires_at", ">", instant(Date.now()));
  }
}

AuthUsers.knex(knex);
AuthUserTokens.knex(knex);

/** POSTs JSON, signed by an IAM key (SigV4); answers the JSON of a 200. */
async function postSigned(url, body, headers, iam) {
  const signed = new AwsClient({ ...iam, service: "execute-api", retries: 0 });
  const sent = { "content-type": "application/json", ...headers };
  const answer = await signed.fetch(url, { method: "POST", body: JSON.stringify(body), headers: sent });
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  return await answer.json();
}

const calls = {
  /** Tables as the Portal's own migrations made them. */
  async createTables() {
    await knex.schema.createTable("auth_users", (table) => {
      table.charset(shape.charset);
      shape.ids.column(table);
      shape.users(table);
      table.timestamp("created_at").notNullable().defaultTo(knex.fn.now());
    });
    await knex.schema.createTable("user_config", (table) => {
      table.charset(shape.charset);
      shape.ids.reference(table, "user_id").notNullable().primary();
      table.json("preferences").nullable();
    });
    await knex.schema.createTable("auth_user_label", (table) => {
      table.charset(shape.charset);
      shape.ids.reference(table, "user_id").notNullable();
      table.string("label", 64).notNullable();
      table.primary(["user_id", "label"]);
    });
    await knex.schema.createTable("auth_user_tokens", (table) => {
      table.charset(shape.charset);
      table.increments("id");
      shape.ids.reference(table, "user_id").notNullable().index();
      table.string("type", 32).notNullable().defaultTo("refresh");
      table.string("user_agent", 255).nullable();
      shape.tokens(table);
    });
  },

  /** People of the Portal; answers their ids in canonical text. */
  async addUsers({ from, count, password }) {
    const ids = [];
    for (let n = from; n < from + count; n += 1) {
      const row = { ...shape.user(n), [shape.password]: password };
      if (shape.ids.make) row.id = shape.ids.make();
      const made = await AuthUsers.query().insert(row);
      ids.push(key(row.id ?? made.id));
    }
    return ids;
  },

  /** A sign-in: answers the token. */
  async issue({ user, type = "refresh", lives_s = 30 * 86_400, agent = "Portal/1.0" }) {
    const token = shape.fresh();
    const row = {
      user_id: idOf(user),
      type,
      user_agent: agent,
      token: shape.stored(token),
      expires_at: instant(Date.now() + lives_s * 1000),
    };
    if (hasCreated) row.created_at = instant(Date.now());
    await AuthUserTokens.query().insert(row);
    return token;
  },

  /** Spends a token for its successor in one conditional UPDATE; null where it is not in force. */
  async rotate({ token }) {
    const next = shape.fresh();
    const query = AuthUserTokens.query().patch({ token: shape.stored(next) }).where({ token: shape.stored(token) });
    return (await AuthUserTokens.inForce(query)) === 1 ? next : null;
  },

  /**
   * Moves a token that this Portal verifies itself, by POST /auth/issue: answers the session, null where the token is
   * not in force. loses: the process ends between the call and the end of the row.
   */
  async move({ token, url, iam, loses = false }) {
    const row = await AuthUserTokens.inForce(AuthUserTokens.query().findOne({ token: shape.stored(token) }));
    if (!row) return null;
    const session = await postSigned(
      url,
      { user_id: key(row.user_id), amr: ["pwd"], not_after: Math.floor(row.expires_at.getTime() / 1000) },
      { "idempotency-key": sha256(`move${token}`).digest("base64url") },
      iam,
    );
    if (!loses) await calls.end({ token });
    return session;
  },

  /** Is a token in force here? */
  async isInForce({ token }) {
    const query = AuthUserTokens.query().where({ token: shape.stored(token) });
    return (await AuthUserTokens.inForce(query).resultSize()) > 0;
  },

  /** How many tokens of a user are in force. */
  async inForceOf({ user }) {
    return await AuthUserTokens.inForce(AuthUserTokens.query().where({ user_id: idOf(user) })).resultSize();
  },

  /** Signs out: one token, or all of a user. */
  async end({ token, user }) {
    const which = token ? { token: shape.stored(token) } : { user_id: idOf(user) };
    return await AuthUserTokens.query().patch(shape.ended()).where(which).where(shape.live);
  },
};

const idOf = (text) => {
  if (at.shape === "integer") return Number(text);
  return at.shape === "bytes" ? Buffer.from(text.replaceAll("-", ""), "hex") : text;
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { id, call, with: given } = JSON.parse(line);
  Promise.resolve()
    .then(() => calls[call](given ?? {}))
    .then(
      (result) => process.stdout.write(`${JSON.stringify({ id, result: result ?? null })}\n`),
      (error) => process.stdout.write(`${JSON.stringify({ id, error: String(error) })}\n`),
    );
}
await knex.destroy();
