-- Which tokens of the Portal were turned into sessions of ours (docs/adr/0040). A row is made where a session moves, and
-- deleted when no token of the Portal can be presented any more. Code from before reads and writes none of it.

CREATE TABLE IF NOT EXISTS auth_token_takeovers (
  token_key BINARY(16) NOT NULL PRIMARY KEY COMMENT 'Keyed hash of the Portal''s token',
  row_id BINARY(16) NOT NULL COMMENT 'Of the session or device in auth_user_tokens that it became',
  user_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  taken_at DATETIME(6) NOT NULL,
  keep_until DATETIME(6) NOT NULL COMMENT 'No token of the Portal can be presented from then on; for cleanup',
  KEY ix_keep_until (keep_until)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
