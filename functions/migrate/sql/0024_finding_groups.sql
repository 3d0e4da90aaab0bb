-- The inbox of findings: one row for each rule and subject, so that a list by severity reads an index and decrypts only
-- what it shows. Code from before reads and writes none of it.

CREATE TABLE IF NOT EXISTS auth_token_finding_groups (
  rule VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
    COMMENT 'Id of a user or session, keyed hash of an account or a source, or all',
  user_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  severity TINYINT UNSIGNED NOT NULL COMMENT 'The worst: 1 low, 2 medium, 3 high',
  findings INT UNSIGNED NOT NULL,
  first_at INT UNSIGNED NOT NULL COMMENT 'When the first event of its first finding was recorded, epoch seconds',
  newest_id BINARY(16) NOT NULL COMMENT 'Of the event that reports the newest finding',
  changed_id BINARY(16) NULL COMMENT 'Of the event that changed the state last',
  PRIMARY KEY (rule, subject),
  KEY ix_inbox (state, severity, newest_id),
  KEY ix_user (user_id),
  KEY ix_newest (newest_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
