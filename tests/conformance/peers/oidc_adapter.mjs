// oidc-provider's models on MariaDB or MySQL: one table, each model by its primary key, the members of a grant by an index.

import { errors } from 'oidc-provider';

const CREATE_MODELS = `
CREATE TABLE IF NOT EXISTS oidc_models (
  model VARCHAR(40) NOT NULL, id VARCHAR(128) NOT NULL, payload MEDIUMTEXT CHARACTER SET utf8mb4 NOT NULL,
  grant_id VARCHAR(128) NULL, uid VARCHAR(128) NULL, user_code VARCHAR(128) NULL,
  consumed_at INT UNSIGNED NULL, expires_at INT UNSIGNED NULL,
  PRIMARY KEY (model, id), KEY ix_grant_id (grant_id), KEY ix_uid (uid), KEY ix_expires_at (expires_at)
) CHARACTER SET ascii COLLATE ascii_bin`;
const UPSERT = `
INSERT INTO oidc_models (model, id, payload, grant_id, uid, user_code, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON DUPLICATE KEY UPDATE payload = VALUES(payload), expires_at = VALUES(expires_at)`;
const COLUMNS = 'SELECT payload, consumed_at FROM oidc_models WHERE model = ? AND';
const FIND = { id: `${COLUMNS} id = ?`, uid: `${COLUMNS} uid = ?`, userCode: `${COLUMNS} user_code = ?` };
// Of two that spend one token at once, one changes the row: an unconditional UPDATE lets both go on.
const CONSUME = 'UPDATE oidc_models SET consumed_at = ? WHERE model = ? AND id = ? AND consumed_at IS NULL';
const DESTROY = 'DELETE FROM oidc_models WHERE model = ? AND id = ?';
const REVOKE_GRANT = 'DELETE FROM oidc_models WHERE model = ? AND grant_id = ?';

const now = () => Math.floor(Date.now() / 1000);

/** A class for the provider's option `adapter`, after its table is there. */
export async function mysqlAdapter(pool) {
  await pool.query(CREATE_MODELS);
  return class MySqlAdapter {
    constructor(model) {
      this.model = model;
    }

    async upsert(id, payload, expiresIn) {
      const { grantId = null, uid = null, userCode = null } = payload;
      const expiresAt = expiresIn ? now() + expiresIn : null;
      await pool.execute(UPSERT, [this.model, id, JSON.stringify(payload), grantId, uid, userCode, expiresAt]);
    }

    find(id) {
      return this.#first(FIND.id, id);
    }

    findByUid(uid) {
      return this.#first(FIND.uid, uid);
    }

    findByUserCode(userCode) {
      return this.#first(FIND.userCode, userCode);
    }

    async consume(id) {
      const [{ affectedRows }] = await pool.execute(CONSUME, [now(), this.model, id]);
      if (affectedRows === 0) throw new errors.InvalidGrant('already used');
    }

    async destroy(id) {
      await pool.execute(DESTROY, [this.model, id]);
    }

    async revokeByGrantId(grantId) {
      await pool.execute(REVOKE_GRANT, [this.model, grantId]);
    }

    async #first(statement, value) {
      const [[row]] = await pool.execute(statement, [this.model, value]);
      if (!row) return undefined;
      const payload = JSON.parse(row.payload);
      return row.consumed_at === null ? payload : { ...payload, consumed: row.consumed_at };
    }
  };
}
