-- user_config with the preferences that came after 0001, whose text must stay as it was applied: only where the
-- table is absent, since a table that is there may be the Portal's. So this comes first, and where 0001 has made
-- the table already it changes nothing: columns that are missing are left to the settings.

CREATE TABLE IF NOT EXISTS user_config (
  user_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  access_ttl_s INT UNSIGNED NULL COMMENT 'NULL in any column: the setting decides',
  refresh_idle_ttl_s INT UNSIGNED NULL,
  refresh_absolute_ttl_s INT UNSIGNED NULL,
  session_idle_ttl_s INT UNSIGNED NULL,
  session_absolute_ttl_s INT UNSIGNED NULL,
  device_idle_ttl_s INT UNSIGNED NULL,
  device_absolute_ttl_s INT UNSIGNED NULL,
  max_sessions INT UNSIGNED NULL,
  session_limit_action VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL
    COMMENT 'evict_least_recently_used, evict_oldest or deny',
  allowed_modes VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL
    COMMENT 'Of bearer and cookie, comma-separated',
  remember_devices TINYINT NULL COMMENT '1 or 0',
  notify_new_device TINYINT NULL COMMENT '1 or 0'
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
