-- The Portal's own tables, only where they are absent (local runs and tests): a Portal that has them
-- keeps them as they are. layers/shared/auth_tokens/adapters/mysql/portal.py maps them.

CREATE TABLE IF NOT EXISTS auth_users (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  username VARCHAR(255) NOT NULL,
  password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL
    COMMENT 'Argon2id PHC string, or bcrypt from the older Portal',
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'active'
    COMMENT 'active or disabled',
  created_at DATETIME(6) NOT NULL,
  UNIQUE KEY ux_username (username)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS user_config (
  user_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  access_ttl_s INT UNSIGNED NULL COMMENT 'NULL in any column: the setting decides',
  refresh_idle_ttl_s INT UNSIGNED NULL,
  refresh_absolute_ttl_s INT UNSIGNED NULL,
  session_idle_ttl_s INT UNSIGNED NULL,
  session_absolute_ttl_s INT UNSIGNED NULL,
  device_idle_ttl_s INT UNSIGNED NULL,
  device_absolute_ttl_s INT UNSIGNED NULL,
  max_sessions INT UNSIGNED NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS auth_user_label (
  user_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  label VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (user_id, label)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
