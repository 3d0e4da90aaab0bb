-- What starts and what ends a user's sessions comes one after the other (docs/adr/0019). A row is made at the first
-- sign-in or end, and deleted a day after the last.

CREATE TABLE IF NOT EXISTS auth_token_users (
  user_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY COMMENT 'auth_users.id',
  sign_ins INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'Grows with each sign-in, so that the row count says it was let in',
  stop_number BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'Of the last end of everything; grows with each',
  stopped_at DATETIME(6) NULL COMMENT 'What began at this instant or before it has ended',
  changed_at DATETIME(6) NOT NULL COMMENT 'For cleanup',
  KEY ix_changed_at (changed_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
