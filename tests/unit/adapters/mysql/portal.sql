-- token_table.SELECT_TOKEN
SELECT JSON_ARRAY((SELECT SUM(CRC32(CONCAT(kid, state))) FROM auth_token_keys AS k), HEX(t.id), t.type, t.user_id, HEX(t.device_id), t.client_id, t.scope, t.generation, HEX(t.token_hash), t.key_epoch, HEX(t.retry_key_hash), t.rotated_at, t.created_at, t.last_used_at, t.auth_time, t.acr, t.amr, t.jkt, t.expires_at, t.absolute_expires_at, t.revoked_at, t.revoke_reason, t.user_created_at, t.access_expires_at, UNIX_TIMESTAMP(NOW(6)), cut_all.before_at, cut_all.decided_at, cut_own.before_at, cut_own.decided_at, HEX(t.metadata), JSON_ARRAY(CONVERT(u.id USING utf8mb4), CONVERT(u.username USING utf8mb4), CONVERT(u.status USING utf8mb4), u.created_at, CONVERT(c.access_ttl_s USING utf8mb4), CONVERT(c.refresh_idle_ttl_s USING utf8mb4), CONVERT(c.refresh_absolute_ttl_s USING utf8mb4), CONVERT(c.session_idle_ttl_s USING utf8mb4), CONVERT(c.session_absolute_ttl_s USING utf8mb4), CONVERT(c.device_idle_ttl_s USING utf8mb4), CONVERT(c.device_absolute_ttl_s USING utf8mb4), CONVERT(c.max_sessions USING utf8mb4), CONVERT(c.session_limit_action USING utf8mb4), CONVERT(c.allowed_modes USING utf8mb4), CONVERT(c.remember_devices USING utf8mb4), CONVERT(c.notify_new_device USING utf8mb4)), (SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(COALESCE(CONVERT(l.label USING utf8mb4), '')), 1))
    FROM auth_user_label AS l
    WHERE l.user_id = CONVERT(t.user_id USING ascii) AND CONVERT(l.user_id USING ascii) = t.user_id))
FROM auth_user_tokens AS t
LEFT JOIN auth_token_cutoffs AS cut_all ON cut_all.client_id = ''
LEFT JOIN auth_token_cutoffs AS cut_own ON cut_own.client_id = t.client_id
LEFT JOIN auth_users AS u ON u.id = CONVERT(t.user_id USING ascii) AND CONVERT(u.id USING ascii) = t.user_id
LEFT JOIN user_config AS c ON c.user_id = CONVERT(t.user_id USING ascii) AND CONVERT(c.user_id USING ascii) = t.user_id
WHERE t.id = %(id)s

-- token_table.SELECT_SESSION_AND_DENIAL
SELECT JSON_ARRAY((SELECT SUM(CRC32(CONCAT(kid, state))) FROM auth_token_keys AS k), d.type, HEX(t.id), t.type, t.user_id, HEX(t.device_id), t.client_id, t.scope, t.generation, HEX(t.token_hash), t.key_epoch, HEX(t.retry_key_hash), t.rotated_at, t.created_at, t.last_used_at, t.auth_time, t.acr, t.amr, t.jkt, t.expires_at, t.absolute_expires_at, t.revoked_at, t.revoke_reason, t.user_created_at, t.access_expires_at, UNIX_TIMESTAMP(NOW(6)), cut_all.before_at, cut_all.decided_at, cut_own.before_at, cut_own.decided_at, HEX(t.metadata), JSON_ARRAY(CONVERT(u.id USING utf8mb4), CONVERT(u.username USING utf8mb4), CONVERT(u.status USING utf8mb4), u.created_at, CONVERT(c.access_ttl_s USING utf8mb4), CONVERT(c.refresh_idle_ttl_s USING utf8mb4), CONVERT(c.refresh_absolute_ttl_s USING utf8mb4), CONVERT(c.session_idle_ttl_s USING utf8mb4), CONVERT(c.session_absolute_ttl_s USING utf8mb4), CONVERT(c.device_idle_ttl_s USING utf8mb4), CONVERT(c.device_absolute_ttl_s USING utf8mb4), CONVERT(c.max_sessions USING utf8mb4), CONVERT(c.session_limit_action USING utf8mb4), CONVERT(c.allowed_modes USING utf8mb4), CONVERT(c.remember_devices USING utf8mb4), CONVERT(c.notify_new_device USING utf8mb4)), (SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(COALESCE(CONVERT(l.label USING utf8mb4), '')), 1))
    FROM auth_user_label AS l
    WHERE l.user_id = CONVERT(t.user_id USING ascii) AND CONVERT(l.user_id USING ascii) = t.user_id))
FROM auth_user_tokens AS t
LEFT JOIN auth_user_tokens AS d ON d.id = %(jti)s
LEFT JOIN auth_token_cutoffs AS cut_all ON cut_all.client_id = ''
LEFT JOIN auth_token_cutoffs AS cut_own ON cut_own.client_id = t.client_id
LEFT JOIN auth_users AS u ON u.id = CONVERT(t.user_id USING ascii) AND CONVERT(u.id USING ascii) = t.user_id
LEFT JOIN user_config AS c ON c.user_id = CONVERT(t.user_id USING ascii) AND CONVERT(c.user_id USING ascii) = t.user_id
WHERE t.id = %(id)s

-- token_table.SELECT_DEVICE
SELECT JSON_ARRAY((SELECT SUM(CRC32(CONCAT(kid, state))) FROM auth_token_keys AS k),
    COALESCE((SELECT o.stop_number FROM auth_token_users AS o WHERE o.user_id = t.user_id), 0),
    HEX(t.id), t.type, t.user_id, HEX(t.device_id), t.client_id, t.scope, t.generation, HEX(t.token_hash), t.key_epoch, HEX(t.retry_key_hash), t.rotated_at, t.created_at, t.last_used_at, t.auth_time, t.acr, t.amr, t.jkt, t.expires_at, t.absolute_expires_at, t.revoked_at, t.revoke_reason, t.user_created_at, t.access_expires_at, UNIX_TIMESTAMP(NOW(6)), cut_all.before_at, cut_all.decided_at, cut_own.before_at, cut_own.decided_at, HEX(t.metadata), JSON_ARRAY(CONVERT(u.id USING utf8mb4), CONVERT(u.username USING utf8mb4), CONVERT(u.status USING utf8mb4), u.created_at, CONVERT(c.access_ttl_s USING utf8mb4), CONVERT(c.refresh_idle_ttl_s USING utf8mb4), CONVERT(c.refresh_absolute_ttl_s USING utf8mb4), CONVERT(c.session_idle_ttl_s USING utf8mb4), CONVERT(c.session_absolute_ttl_s USING utf8mb4), CONVERT(c.device_idle_ttl_s USING utf8mb4), CONVERT(c.device_absolute_ttl_s USING utf8mb4), CONVERT(c.max_sessions USING utf8mb4), CONVERT(c.session_limit_action USING utf8mb4), CONVERT(c.allowed_modes USING utf8mb4), CONVERT(c.remember_devices USING utf8mb4), CONVERT(c.notify_new_device USING utf8mb4)), (SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(COALESCE(CONVERT(l.label USING utf8mb4), '')), 1))
    FROM auth_user_label AS l
    WHERE l.user_id = CONVERT(t.user_id USING ascii) AND CONVERT(l.user_id USING ascii) = t.user_id))
FROM auth_user_tokens AS t
LEFT JOIN auth_token_cutoffs AS cut_all ON cut_all.client_id = ''
LEFT JOIN auth_token_cutoffs AS cut_own ON cut_own.client_id = t.client_id
LEFT JOIN auth_users AS u ON u.id = CONVERT(t.user_id USING ascii) AND CONVERT(u.id USING ascii) = t.user_id
LEFT JOIN user_config AS c ON c.user_id = CONVERT(t.user_id USING ascii) AND CONVERT(c.user_id USING ascii) = t.user_id
WHERE t.id = %(id)s

-- rotations.ROTATE_TOKEN
UPDATE auth_user_tokens
SET generation = %(generation)s,
    token_hash = %(token_hash)s,
    key_epoch = %(key_epoch)s,
    retry_key_hash = %(retry_key_hash)s,
    rotated_at = %(at)s + INTERVAL ROUND(1000000 * GREATEST(0, UNIX_TIMESTAMP(SYSDATE(6)) - %(read_at)s)) MICROSECOND,
    last_used_at = %(at)s,
    expires_at = %(expires_at)s,
    metadata = %(metadata)s,
    access_expires_at = GREATEST(
      COALESCE(access_expires_at, %(at)s + INTERVAL 3600 SECOND), %(access_expires_at)s)
WHERE id = %(id)s
  AND generation = %(spent_generation)s
  AND token_hash = %(spent_hash)s
  AND revoked_at IS NULL
  AND expires_at > %(at)s
  AND absolute_expires_at > %(at)s
  AND UNIX_TIMESTAMP(SYSDATE(6)) < %(until)s
  AND EXISTS (
    SELECT 1 FROM auth_users AS u WHERE u.id = CONVERT(auth_user_tokens.user_id USING ascii) AND CONVERT(u.id USING ascii) = auth_user_tokens.user_id AND u.status = 'active')

-- rotations.ROTATE_AND_RAISE
UPDATE auth_user_tokens
SET generation = %(generation)s,
    token_hash = %(token_hash)s,
    key_epoch = %(key_epoch)s,
    retry_key_hash = %(retry_key_hash)s,
    rotated_at = %(at)s + INTERVAL ROUND(1000000 * GREATEST(0, UNIX_TIMESTAMP(SYSDATE(6)) - %(read_at)s)) MICROSECOND,
    last_used_at = %(at)s,
    expires_at = %(expires_at)s,
    metadata = %(metadata)s,
    access_expires_at = GREATEST(
      COALESCE(access_expires_at, %(at)s + INTERVAL 3600 SECOND), %(access_expires_at)s),
    auth_time = %(auth_time)s,
    acr = %(acr)s,
    amr = %(amr)s
WHERE id = %(id)s
  AND generation = %(spent_generation)s
  AND token_hash = %(spent_hash)s
  AND revoked_at IS NULL
  AND expires_at > %(at)s
  AND absolute_expires_at > %(at)s
  AND UNIX_TIMESTAMP(SYSDATE(6)) < %(until)s
  AND auth_time <= %(auth_time)s AND acr = %(held_acr)s
  AND EXISTS (
    SELECT 1 FROM auth_users AS u WHERE u.id = CONVERT(auth_user_tokens.user_id USING ascii) AND CONVERT(u.id USING ascii) = auth_user_tokens.user_id AND u.status = 'active'
      AND (%(password_hash)s IS NULL OR u.password_hash = %(password_hash)s))

-- rotations.RAISE_SESSION
UPDATE auth_user_tokens
SET auth_time = %(auth_time)s,
    acr = %(acr)s,
    amr = %(amr)s
WHERE id = %(id)s
  AND generation = %(generation)s
  AND revoked_at IS NULL
  AND expires_at > %(at)s
  AND absolute_expires_at > %(at)s
  AND auth_time <= %(auth_time)s AND acr = %(held_acr)s
  AND EXISTS (
    SELECT 1 FROM auth_users AS u WHERE u.id = CONVERT(auth_user_tokens.user_id USING ascii) AND CONVERT(u.id USING ascii) = auth_user_tokens.user_id AND u.status = 'active'
      AND (%(password_hash)s IS NULL OR u.password_hash = %(password_hash)s))

-- standing.MAKE_USER_ROW
INSERT INTO auth_token_users (user_id, changed_at)
SELECT %(user_id)s, %(now)s
FROM auth_users AS u
WHERE u.id = %(user_id)s
  AND u.status = 'active'
  AND (%(password_hash)s IS NULL OR u.password_hash = %(password_hash)s)
ON DUPLICATE KEY UPDATE user_id = VALUES(user_id)

-- standing.READ_USER_UNDER_LOCK_WITH_DEVICE
SELECT JSON_ARRAY(
    (SELECT JSON_ARRAY(
        u.status = 'active' AND (%(password_hash)s IS NULL OR u.password_hash = %(password_hash)s),
        CONVERT(u.id USING utf8mb4), CONVERT(u.username USING utf8mb4), CONVERT(u.status USING utf8mb4), u.created_at)
      FROM auth_users AS u
      WHERE u.id = CONVERT(o.user_id USING ascii)
      LOCK IN SHARE MODE),
    o.stop_number, o.stopped_at,
    (SELECT JSON_ARRAY(COUNT(*) + 0 * o.stop_number, JSON_OBJECTAGG(HEX(client_id), before_at))
      FROM auth_token_cutoffs AS cut),
    (SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(t.id), JSON_ARRAY(t.type, HEX(t.device_id), t.created_at, t.last_used_at, t.user_created_at, t.token_hash IS NOT NULL,
      t.client_id, t.acr, t.auth_time,
      IF(t.id = %(device_id)s, CAST(JSON_ARRAY(HEX(t.id), t.type, t.user_id, HEX(t.device_id), t.client_id, t.scope, t.generation, HEX(t.token_hash), t.key_epoch, HEX(t.retry_key_hash), t.rotated_at, t.created_at, t.last_used_at, t.auth_time, t.acr, t.amr, t.jkt, t.expires_at, t.absolute_expires_at, t.revoked_at, t.revoke_reason, t.user_created_at, t.access_expires_at, UNIX_TIMESTAMP(SYSDATE(6))) AS CHAR), NULL),
      IF(t.id = %(device_id)s, HEX(t.metadata), NULL))))
      FROM auth_user_tokens AS t
      WHERE t.user_id = o.user_id
        AND t.type IN ('refresh', 'session', 'device')
        AND t.revoked_at IS NULL
        AND t.expires_at > %(now)s),
    (SELECT SUM(CRC32(CONCAT(kid, state))) + 0 * o.stop_number FROM auth_token_keys AS k),
    (SELECT JSON_ARRAY(MAX(CONVERT(c.access_ttl_s USING utf8mb4)), MAX(CONVERT(c.refresh_idle_ttl_s USING utf8mb4)), MAX(CONVERT(c.refresh_absolute_ttl_s USING utf8mb4)), MAX(CONVERT(c.session_idle_ttl_s USING utf8mb4)), MAX(CONVERT(c.session_absolute_ttl_s USING utf8mb4)), MAX(CONVERT(c.device_idle_ttl_s USING utf8mb4)), MAX(CONVERT(c.device_absolute_ttl_s USING utf8mb4)), MAX(CONVERT(c.max_sessions USING utf8mb4)), MAX(CONVERT(c.session_limit_action USING utf8mb4)), MAX(CONVERT(c.allowed_modes USING utf8mb4)), MAX(CONVERT(c.remember_devices USING utf8mb4)), MAX(CONVERT(c.notify_new_device USING utf8mb4)))
      FROM user_config AS c
      WHERE c.user_id = CONVERT(o.user_id USING ascii) AND CONVERT(c.user_id USING ascii) = o.user_id),
    (SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(COALESCE(CONVERT(l.label USING utf8mb4), '')), 1))
    FROM auth_user_label AS l
    WHERE l.user_id = CONVERT(o.user_id USING ascii) AND CONVERT(l.user_id USING ascii) = o.user_id)) AS standing
FROM auth_token_users AS o
WHERE o.user_id = %(user_id)s
FOR UPDATE

-- standing.READ_USER_UNDER_LOCK
SELECT JSON_ARRAY(
    (SELECT JSON_ARRAY(
        u.status = 'active' AND (%(password_hash)s IS NULL OR u.password_hash = %(password_hash)s),
        CONVERT(u.id USING utf8mb4), CONVERT(u.username USING utf8mb4), CONVERT(u.status USING utf8mb4), u.created_at)
      FROM auth_users AS u
      WHERE u.id = CONVERT(o.user_id USING ascii)
      LOCK IN SHARE MODE),
    o.stop_number, o.stopped_at,
    (SELECT JSON_ARRAY(COUNT(*) + 0 * o.stop_number, JSON_OBJECTAGG(HEX(client_id), before_at))
      FROM auth_token_cutoffs AS cut),
    (SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(t.id), JSON_ARRAY(t.type, HEX(t.device_id), t.created_at, t.last_used_at, t.user_created_at, t.token_hash IS NOT NULL,
      t.client_id, t.acr, t.auth_time)))
      FROM auth_user_tokens AS t
      WHERE t.user_id = o.user_id
        AND t.type IN ('refresh', 'session', 'device')
        AND t.revoked_at IS NULL
        AND t.expires_at > %(now)s),
    (SELECT SUM(CRC32(CONCAT(kid, state))) + 0 * o.stop_number FROM auth_token_keys AS k),
    (SELECT JSON_ARRAY(MAX(CONVERT(c.access_ttl_s USING utf8mb4)), MAX(CONVERT(c.refresh_idle_ttl_s USING utf8mb4)), MAX(CONVERT(c.refresh_absolute_ttl_s USING utf8mb4)), MAX(CONVERT(c.session_idle_ttl_s USING utf8mb4)), MAX(CONVERT(c.session_absolute_ttl_s USING utf8mb4)), MAX(CONVERT(c.device_idle_ttl_s USING utf8mb4)), MAX(CONVERT(c.device_absolute_ttl_s USING utf8mb4)), MAX(CONVERT(c.max_sessions USING utf8mb4)), MAX(CONVERT(c.session_limit_action USING utf8mb4)), MAX(CONVERT(c.allowed_modes USING utf8mb4)), MAX(CONVERT(c.remember_devices USING utf8mb4)), MAX(CONVERT(c.notify_new_device USING utf8mb4)))
      FROM user_config AS c
      WHERE c.user_id = CONVERT(o.user_id USING ascii) AND CONVERT(c.user_id USING ascii) = o.user_id),
    (SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(COALESCE(CONVERT(l.label USING utf8mb4), '')), 1))
    FROM auth_user_label AS l
    WHERE l.user_id = CONVERT(o.user_id USING ascii) AND CONVERT(l.user_id USING ascii) = o.user_id)) AS standing
FROM auth_token_users AS o
WHERE o.user_id = %(user_id)s
FOR UPDATE

-- standing.READ_UNDER_LOCK_WITH_DEVICE
SELECT JSON_ARRAY(
    (SELECT COUNT(*) + 0 * o.stop_number FROM auth_users AS u
WHERE u.id = %(user_id)s
  AND u.status = 'active'
  AND (%(password_hash)s IS NULL OR u.password_hash = %(password_hash)s) LOCK IN SHARE MODE),
    o.stop_number, o.stopped_at,
    (SELECT JSON_ARRAY(COUNT(*) + 0 * o.stop_number, JSON_OBJECTAGG(HEX(client_id), before_at))
      FROM auth_token_cutoffs AS cut),
    (SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(t.id), JSON_ARRAY(t.type, HEX(t.device_id), t.created_at, t.last_used_at, t.user_created_at, t.token_hash IS NOT NULL,
      t.client_id, t.acr, t.auth_time,
      IF(t.id = %(device_id)s, CAST(JSON_ARRAY(HEX(t.id), t.type, t.user_id, HEX(t.device_id), t.client_id, t.scope, t.generation, HEX(t.token_hash), t.key_epoch, HEX(t.retry_key_hash), t.rotated_at, t.created_at, t.last_used_at, t.auth_time, t.acr, t.amr, t.jkt, t.expires_at, t.absolute_expires_at, t.revoked_at, t.revoke_reason, t.user_created_at, t.access_expires_at, UNIX_TIMESTAMP(SYSDATE(6))) AS CHAR), NULL),
      IF(t.id = %(device_id)s, HEX(t.metadata), NULL))))
      FROM auth_user_tokens AS t
      WHERE t.user_id = o.user_id
        AND t.type IN ('refresh', 'session', 'device')
        AND t.revoked_at IS NULL
        AND t.expires_at > %(now)s)) AS standing
FROM auth_token_users AS o
WHERE o.user_id = %(user_id)s
FOR UPDATE

-- standing.READ_UNDER_LOCK
SELECT JSON_ARRAY(
    (SELECT COUNT(*) + 0 * o.stop_number FROM auth_users AS u
WHERE u.id = %(user_id)s
  AND u.status = 'active'
  AND (%(password_hash)s IS NULL OR u.password_hash = %(password_hash)s) LOCK IN SHARE MODE),
    o.stop_number, o.stopped_at,
    (SELECT JSON_ARRAY(COUNT(*) + 0 * o.stop_number, JSON_OBJECTAGG(HEX(client_id), before_at))
      FROM auth_token_cutoffs AS cut),
    (SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(t.id), JSON_ARRAY(t.type, HEX(t.device_id), t.created_at, t.last_used_at, t.user_created_at, t.token_hash IS NOT NULL,
      t.client_id, t.acr, t.auth_time)))
      FROM auth_user_tokens AS t
      WHERE t.user_id = o.user_id
        AND t.type IN ('refresh', 'session', 'device')
        AND t.revoked_at IS NULL
        AND t.expires_at > %(now)s)) AS standing
FROM auth_token_users AS o
WHERE o.user_id = %(user_id)s
FOR UPDATE

-- ends.SELECT_USER_KNOWN
SELECT EXISTS (SELECT 1 FROM auth_users AS u WHERE u.id = CONVERT(%(user_id)s USING ascii) AND CONVERT(u.id USING ascii) COLLATE ascii_bin = CONVERT(%(user_id)s USING ascii))
  OR EXISTS (SELECT 1 FROM auth_user_tokens AS t WHERE t.user_id = %(user_id)s) AS is_known

-- portal.SELECT_ACCOUNT_BY_NAME
SELECT (SELECT SUM(CRC32(CONCAT(kid, state))) FROM auth_token_keys AS k) AS key_stamp, CONVERT(u.password_hash USING utf8mb4) AS password_hash, COALESCE(
  (SELECT o.stop_number FROM auth_token_users AS o WHERE o.user_id = CONVERT(u.id USING ascii)), 0) AS stop_number, JSON_ARRAY(CONVERT(u.id USING utf8mb4), CONVERT(u.username USING utf8mb4), CONVERT(u.status USING utf8mb4), u.created_at, CONVERT(c.access_ttl_s USING utf8mb4), CONVERT(c.refresh_idle_ttl_s USING utf8mb4), CONVERT(c.refresh_absolute_ttl_s USING utf8mb4), CONVERT(c.session_idle_ttl_s USING utf8mb4), CONVERT(c.session_absolute_ttl_s USING utf8mb4), CONVERT(c.device_idle_ttl_s USING utf8mb4), CONVERT(c.device_absolute_ttl_s USING utf8mb4), CONVERT(c.max_sessions USING utf8mb4), CONVERT(c.session_limit_action USING utf8mb4), CONVERT(c.allowed_modes USING utf8mb4), CONVERT(c.remember_devices USING utf8mb4), CONVERT(c.notify_new_device USING utf8mb4)) AS owner,
  (SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(COALESCE(CONVERT(l.label USING utf8mb4), '')), 1))
    FROM auth_user_label AS l
    WHERE l.user_id = CONVERT(u.id USING ascii) AND CONVERT(l.user_id USING ascii) COLLATE ascii_bin = CONVERT(u.id USING ascii)) AS labels
FROM auth_users AS u
LEFT JOIN user_config AS c ON c.user_id = CONVERT(u.id USING ascii) AND CONVERT(c.user_id USING ascii) COLLATE ascii_bin = CONVERT(u.id USING ascii)
WHERE u.username = %s
LIMIT 4294967295

-- portal.SELECT_ACCOUNT_BY_ID
SELECT (SELECT SUM(CRC32(CONCAT(kid, state))) FROM auth_token_keys AS k) AS key_stamp, CONVERT(u.password_hash USING utf8mb4) AS password_hash, COALESCE(
  (SELECT o.stop_number FROM auth_token_users AS o WHERE o.user_id = CONVERT(u.id USING ascii)), 0) AS stop_number, JSON_ARRAY(CONVERT(u.id USING utf8mb4), CONVERT(u.username USING utf8mb4), CONVERT(u.status USING utf8mb4), u.created_at, CONVERT(c.access_ttl_s USING utf8mb4), CONVERT(c.refresh_idle_ttl_s USING utf8mb4), CONVERT(c.refresh_absolute_ttl_s USING utf8mb4), CONVERT(c.session_idle_ttl_s USING utf8mb4), CONVERT(c.session_absolute_ttl_s USING utf8mb4), CONVERT(c.device_idle_ttl_s USING utf8mb4), CONVERT(c.device_absolute_ttl_s USING utf8mb4), CONVERT(c.max_sessions USING utf8mb4), CONVERT(c.session_limit_action USING utf8mb4), CONVERT(c.allowed_modes USING utf8mb4), CONVERT(c.remember_devices USING utf8mb4), CONVERT(c.notify_new_device USING utf8mb4)) AS owner,
  (SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(COALESCE(CONVERT(l.label USING utf8mb4), '')), 1))
    FROM auth_user_label AS l
    WHERE l.user_id = CONVERT(u.id USING ascii) AND CONVERT(l.user_id USING ascii) COLLATE ascii_bin = CONVERT(u.id USING ascii)) AS labels
FROM auth_users AS u
LEFT JOIN user_config AS c ON c.user_id = CONVERT(u.id USING ascii) AND CONVERT(c.user_id USING ascii) COLLATE ascii_bin = CONVERT(u.id USING ascii)
WHERE u.id = %s

-- portal.SHOW_PREFERENCES
SHOW COLUMNS FROM user_config

-- portal.SELECT_KINDS_OF_HASHES
SELECT DISTINCT IF(
  LEFT(sample.password_hash, 2) = '$2',
  LEFT(sample.password_hash, 7),
  SUBSTRING_INDEX(sample.password_hash, '$', 4)) AS head
FROM (
  SELECT CONVERT(u.password_hash USING utf8mb4) AS password_hash FROM auth_users AS u ORDER BY u.id LIMIT 1000
) AS sample
WHERE LEFT(sample.password_hash, 2) = '$2' OR LEFT(sample.password_hash, 7) = '$argon2'
LIMIT 4294967295

-- portal.UPGRADE_PASSWORD_HASH
UPDATE auth_users
SET password_hash = %s
WHERE id = %s AND password_hash = %s

-- portal.SELECT_HASH_ROOM
SELECT CHARACTER_MAXIMUM_LENGTH AS room
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'auth_users' AND COLUMN_NAME = 'password_hash'
LIMIT 1

-- token_table.SELECT_TOKENS
SELECT JSON_ARRAY((SELECT SUM(CRC32(CONCAT(kid, state))) FROM auth_token_keys AS k), HEX(t.id), t.type, t.user_id, HEX(t.device_id), t.client_id, t.scope, t.generation, HEX(t.token_hash), t.key_epoch, HEX(t.retry_key_hash), t.rotated_at, t.created_at, t.last_used_at, t.auth_time, t.acr, t.amr, t.jkt, t.expires_at, t.absolute_expires_at, t.revoked_at, t.revoke_reason, t.user_created_at, t.access_expires_at, UNIX_TIMESTAMP(NOW(6)), cut_all.before_at, cut_all.decided_at, cut_own.before_at, cut_own.decided_at, HEX(t.metadata), JSON_ARRAY(CONVERT(u.id USING utf8mb4), CONVERT(u.username USING utf8mb4), CONVERT(u.status USING utf8mb4), u.created_at, CONVERT(c.access_ttl_s USING utf8mb4), CONVERT(c.refresh_idle_ttl_s USING utf8mb4), CONVERT(c.refresh_absolute_ttl_s USING utf8mb4), CONVERT(c.session_idle_ttl_s USING utf8mb4), CONVERT(c.session_absolute_ttl_s USING utf8mb4), CONVERT(c.device_idle_ttl_s USING utf8mb4), CONVERT(c.device_absolute_ttl_s USING utf8mb4), CONVERT(c.max_sessions USING utf8mb4), CONVERT(c.session_limit_action USING utf8mb4), CONVERT(c.allowed_modes USING utf8mb4), CONVERT(c.remember_devices USING utf8mb4), CONVERT(c.notify_new_device USING utf8mb4)), (SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(COALESCE(CONVERT(l.label USING utf8mb4), '')), 1))
    FROM auth_user_label AS l
    WHERE l.user_id = CONVERT(t.user_id USING ascii) AND CONVERT(l.user_id USING ascii) = t.user_id))
FROM auth_user_tokens AS t
LEFT JOIN auth_token_cutoffs AS cut_all ON cut_all.client_id = ''
LEFT JOIN auth_token_cutoffs AS cut_own ON cut_own.client_id = t.client_id
LEFT JOIN auth_users AS u ON u.id = CONVERT(t.user_id USING ascii) AND CONVERT(u.id USING ascii) = t.user_id
LEFT JOIN user_config AS c ON c.user_id = CONVERT(t.user_id USING ascii) AND CONVERT(c.user_id USING ascii) = t.user_id
WHERE t.id IN %(ids)s
LIMIT 4294967295
