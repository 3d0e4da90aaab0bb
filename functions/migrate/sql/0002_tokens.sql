-- One row a credential. Comparisons of ids and hashes are bytewise: no collation ever decides about a token.

CREATE TABLE IF NOT EXISTS auth_user_tokens (
  id BINARY(16) NOT NULL PRIMARY KEY
    COMMENT 'UUIDv7; of a session its sid, of a device its device_id, of a denied access token its jti',
  type VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'auth_users.id',
  device_id BINARY(16) NULL,
  client_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  scope VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  generation INT UNSIGNED NOT NULL COMMENT 'Position in the chain; the one row moves, no row is kept behind',
  token_hash BINARY(32) NULL COMMENT 'Keyed hash of the current generation; NULL: holds no token',
  key_epoch SMALLINT UNSIGNED NOT NULL,
  retry_key_hash BINARY(32) NULL COMMENT 'Keyed hash of the Idempotency-Key of the last rotation',
  rotated_at DATETIME(6) NULL COMMENT 'All instants are UTC',
  created_at DATETIME(6) NOT NULL,
  last_used_at DATETIME(6) NOT NULL,
  auth_time DATETIME(6) NOT NULL,
  acr VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amr VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'Space-separated',
  jkt CHAR(43) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'Thumbprint of the bound key; not used yet',
  expires_at DATETIME(6) NOT NULL COMMENT 'Idle end; never after the absolute one',
  absolute_expires_at DATETIME(6) NOT NULL COMMENT 'Set once, never moved by rotation',
  revoked_at DATETIME(6) NULL,
  revoke_reason VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NULL,
  metadata VARBINARY(2048) NULL COMMENT 'AES-256-GCM: address, user agent, device name, platform',
  KEY ix_user_type (user_id, type),
  KEY ix_expires_at (expires_at),
  KEY ix_revoked_at (revoked_at),
  KEY ix_device (device_id),
  CONSTRAINT ck_token_type CHECK (type IN ('refresh', 'session', 'device', 'access'))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS auth_token_keys (
  kid VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY
    COMMENT 'Of a signing key its RFC 7638 thumbprint; of a data key purpose.epoch',
  purpose VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  epoch SMALLINT UNSIGNED NOT NULL,
  state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  algorithm VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  wrapped_key VARBINARY(6144) NULL COMMENT 'KMS ciphertext; NULL once gone',
  public_jwk VARCHAR(2048) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'RFC 7517, signing keys only',
  created_at DATETIME(6) NOT NULL,
  changed_at DATETIME(6) NOT NULL COMMENT 'When the key came into its present state',
  UNIQUE KEY ux_purpose_epoch (purpose, epoch)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS auth_token_limits (
  bucket BINARY(16) NOT NULL PRIMARY KEY COMMENT 'Keyed hash of what is limited; no address, no name',
  tat_ms BIGINT UNSIGNED NOT NULL COMMENT 'GCRA theoretical arrival time, epoch milliseconds',
  KEY ix_tat_ms (tat_ms)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS auth_token_events (
  id BINARY(16) NOT NULL PRIMARY KEY COMMENT 'UUIDv7: the order of time',
  type VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_at DATETIME(6) NOT NULL,
  user_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  session_id BINARY(16) NULL,
  source_hash BINARY(16) NULL COMMENT 'Keyed hash of the address: comparable, not readable',
  detail VARBINARY(2048) NULL COMMENT 'AES-256-GCM: a few plain values',
  KEY ix_user (user_id, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
