-- What the revocation feed reads (docs/adr/0036): until when a session has a live access token, a log of revocations,
-- and cut-offs. Code from before reads and writes none of it.

ALTER TABLE auth_user_tokens
  ADD COLUMN access_expires_at DATETIME(6) NULL
    COMMENT 'No access token of the session is good from then on; NULL: it has none, or that is not known';

CREATE TABLE IF NOT EXISTS auth_token_revocations (
  seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  written_at INT UNSIGNED NOT NULL COMMENT 'By the clock of the database: how long a missing number may be awaited',
  keep_until INT UNSIGNED NOT NULL COMMENT 'No access token of it is good from then on, epoch seconds',
  ids VARBINARY(1024) NOT NULL COMMENT 'The last 8 bytes of each sid or jti, at most 100'
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS auth_token_cutoffs (
  client_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY COMMENT 'Empty: all clients',
  before_at DATETIME(6) NOT NULL COMMENT 'What began at this instant or before has ended',
  decided_at DATETIME(6) NOT NULL COMMENT 'When that was said',
  marked_to BINARY(16) NOT NULL COMMENT 'Rows up to this id have been marked as revoked'
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
