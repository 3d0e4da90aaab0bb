-- The outbox, the figures and the memory of the analytics schedule. A column that is there or an index that is
-- there counts as added: the runner sees to it.

ALTER TABLE auth_token_events
  ADD COLUMN published_at DATETIME(6) NULL COMMENT 'When it went to the bus; NULL: it has yet to';

ALTER TABLE auth_token_events
  ADD KEY ix_published (published_at, id);

ALTER TABLE auth_token_events
  ADD KEY ix_type (type, id);

CREATE TABLE IF NOT EXISTS auth_token_rollups (
  hour_at INT UNSIGNED NOT NULL COMMENT 'Start of the hour, epoch seconds',
  name VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'Type of event, or name of a figure',
  subject BINARY(16) NOT NULL COMMENT 'Keyed hash of an address where the figure is one of a source; else zeros',
  amount BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (hour_at, name, subject)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS auth_token_jobs (
  name VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  held_until_ms BIGINT UNSIGNED NOT NULL COMMENT 'One run at a time: until then it is another''s, epoch milliseconds',
  state VARBINARY(1024) NULL COMMENT 'JSON: where the last run left off'
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
