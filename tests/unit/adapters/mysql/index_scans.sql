-- TOKENS.find_last
SELECT expires_at AS place, id AS id
FROM auth_user_tokens FORCE INDEX (ix_expires_at)
WHERE (expires_at = %(place)s AND id > %(id)s) OR (expires_at > %(place)s AND expires_at < %(bound)s)
ORDER BY expires_at, id
LIMIT 1 OFFSET %(offset)s
-- TOKENS.lock
SELECT expires_at AS place, id AS id
FROM auth_user_tokens FORCE INDEX (ix_expires_at)
WHERE (expires_at = %(place)s AND id > %(id)s) OR (expires_at > %(place)s AND expires_at < %(bound)s)
ORDER BY expires_at, id
LIMIT 1 OFFSET %(offset)s
FOR UPDATE NOWAIT
-- TOKENS.delete_locked
DELETE doomed
FROM (
  SELECT id AS id
  FROM auth_user_tokens FORCE INDEX (ix_expires_at)
  WHERE (expires_at = %(place)s AND id > %(id)s) OR (expires_at > %(place)s AND expires_at <= %(last)s)
  ORDER BY expires_at, id
  LIMIT %(rows)s
) AS found
STRAIGHT_JOIN auth_user_tokens AS doomed FORCE INDEX (PRIMARY) ON doomed.id = found.id
-- TOKENS.find
SELECT expires_at AS place, id AS id
FROM auth_user_tokens FORCE INDEX (ix_expires_at)
WHERE (expires_at = %(place)s AND id > %(id)s) OR (expires_at > %(place)s AND expires_at < %(bound)s)
ORDER BY expires_at, id
LIMIT %(rows)s
-- TOKENS.lock_free
SELECT due.id AS id
FROM (SELECT id FROM JSON_TABLE(%(listed)s, '$[*]' COLUMNS (id VARCHAR(36) PATH '$')) AS given) AS listed
STRAIGHT_JOIN auth_user_tokens AS due FORCE INDEX (PRIMARY) ON due.id = UNHEX(listed.id)
WHERE due.expires_at < %(bound)s
LIMIT 4294967295
FOR UPDATE SKIP LOCKED
-- TOKENS.delete_listed
DELETE doomed
FROM JSON_TABLE(%(listed)s, '$[*]' COLUMNS (id VARCHAR(36) PATH '$')) AS listed
STRAIGHT_JOIN auth_user_tokens AS doomed FORCE INDEX (PRIMARY) ON doomed.id = UNHEX(listed.id)
-- TOKENS.count
SELECT COUNT(*) AS due_rows, MIN(ended) AS oldest
FROM (
  SELECT expires_at AS ended
  FROM auth_user_tokens FORCE INDEX (ix_expires_at)
  WHERE expires_at >= %(place)s AND expires_at < %(bound)s
  ORDER BY expires_at
  LIMIT %(rows)s
) AS due
-- LIMITS.find_last
SELECT tat_ms AS place, bucket AS id
FROM auth_token_limits FORCE INDEX (ix_tat_ms)
WHERE (tat_ms = %(place)s AND bucket > %(id)s) OR (tat_ms > %(place)s AND tat_ms < %(bound)s)
ORDER BY tat_ms, bucket
LIMIT 1 OFFSET %(offset)s
-- LIMITS.lock
SELECT tat_ms AS place, bucket AS id
FROM auth_token_limits FORCE INDEX (ix_tat_ms)
WHERE (tat_ms = %(place)s AND bucket > %(id)s) OR (tat_ms > %(place)s AND tat_ms < %(bound)s)
ORDER BY tat_ms, bucket
LIMIT 1 OFFSET %(offset)s
FOR UPDATE NOWAIT
-- LIMITS.delete_locked
DELETE doomed
FROM (
  SELECT bucket AS id
  FROM auth_token_limits FORCE INDEX (ix_tat_ms)
  WHERE (tat_ms = %(place)s AND bucket > %(id)s) OR (tat_ms > %(place)s AND tat_ms <= %(last)s)
  ORDER BY tat_ms, bucket
  LIMIT %(rows)s
) AS found
STRAIGHT_JOIN auth_token_limits AS doomed FORCE INDEX (PRIMARY) ON doomed.bucket = found.id
-- LIMITS.find
SELECT tat_ms AS place, bucket AS id
FROM auth_token_limits FORCE INDEX (ix_tat_ms)
WHERE (tat_ms = %(place)s AND bucket > %(id)s) OR (tat_ms > %(place)s AND tat_ms < %(bound)s)
ORDER BY tat_ms, bucket
LIMIT %(rows)s
-- LIMITS.lock_free
SELECT due.bucket AS id
FROM (SELECT id FROM JSON_TABLE(%(listed)s, '$[*]' COLUMNS (id VARCHAR(36) PATH '$')) AS given) AS listed
STRAIGHT_JOIN auth_token_limits AS due FORCE INDEX (PRIMARY) ON due.bucket = UNHEX(listed.id)
WHERE due.tat_ms < %(bound)s
LIMIT 4294967295
FOR UPDATE SKIP LOCKED
-- LIMITS.delete_listed
DELETE doomed
FROM JSON_TABLE(%(listed)s, '$[*]' COLUMNS (id VARCHAR(36) PATH '$')) AS listed
STRAIGHT_JOIN auth_token_limits AS doomed FORCE INDEX (PRIMARY) ON doomed.bucket = UNHEX(listed.id)
-- LIMITS.count
SELECT COUNT(*) AS due_rows, MIN(ended) AS oldest
FROM (
  SELECT tat_ms AS ended
  FROM auth_token_limits FORCE INDEX (ix_tat_ms)
  WHERE tat_ms >= %(place)s AND tat_ms < %(bound)s
  ORDER BY tat_ms
  LIMIT %(rows)s
) AS due
-- EVENTS.find_last
SELECT id AS place, id AS id
FROM auth_token_events FORCE INDEX (PRIMARY)
WHERE (id = %(place)s AND id > %(id)s) OR (id > %(place)s AND id < %(bound)s)
ORDER BY id
LIMIT 1 OFFSET %(offset)s
-- EVENTS.lock
SELECT id AS place, id AS id
FROM auth_token_events FORCE INDEX (PRIMARY)
WHERE (id = %(place)s AND id > %(id)s) OR (id > %(place)s AND id < %(bound)s)
ORDER BY id
LIMIT 1 OFFSET %(offset)s
FOR UPDATE NOWAIT
-- EVENTS.delete_locked
DELETE doomed
FROM (
  SELECT id AS id
  FROM auth_token_events FORCE INDEX (PRIMARY)
  WHERE (id = %(place)s AND id > %(id)s) OR (id > %(place)s AND id <= %(last)s)
  ORDER BY id
  LIMIT %(rows)s
) AS found
STRAIGHT_JOIN auth_token_events AS doomed FORCE INDEX (PRIMARY) ON doomed.id = found.id
-- EVENTS.find
SELECT id AS place, id AS id
FROM auth_token_events FORCE INDEX (PRIMARY)
WHERE (id = %(place)s AND id > %(id)s) OR (id > %(place)s AND id < %(bound)s)
ORDER BY id
LIMIT %(rows)s
-- EVENTS.lock_free
SELECT due.id AS id
FROM (SELECT id FROM JSON_TABLE(%(listed)s, '$[*]' COLUMNS (id VARCHAR(36) PATH '$')) AS given) AS listed
STRAIGHT_JOIN auth_token_events AS due FORCE INDEX (PRIMARY) ON due.id = UNHEX(listed.id)
WHERE due.id < %(bound)s
LIMIT 4294967295
FOR UPDATE SKIP LOCKED
-- EVENTS.delete_listed
DELETE doomed
FROM JSON_TABLE(%(listed)s, '$[*]' COLUMNS (id VARCHAR(36) PATH '$')) AS listed
STRAIGHT_JOIN auth_token_events AS doomed FORCE INDEX (PRIMARY) ON doomed.id = UNHEX(listed.id)
-- EVENTS.count
SELECT COUNT(*) AS due_rows, MIN(ended) AS oldest
FROM (
  SELECT id AS ended
  FROM auth_token_events FORCE INDEX (PRIMARY)
  WHERE id >= %(place)s AND id < %(bound)s
  ORDER BY id
  LIMIT %(rows)s
) AS due
-- USERS.find_last
SELECT changed_at AS place, user_id AS id
FROM auth_token_users FORCE INDEX (ix_changed_at)
WHERE (changed_at = %(place)s AND user_id > %(id)s) OR (changed_at > %(place)s AND changed_at < %(bound)s)
ORDER BY changed_at, user_id
LIMIT 1 OFFSET %(offset)s
-- USERS.lock
SELECT changed_at AS place, user_id AS id
FROM auth_token_users FORCE INDEX (ix_changed_at)
WHERE (changed_at = %(place)s AND user_id > %(id)s) OR (changed_at > %(place)s AND changed_at < %(bound)s)
ORDER BY changed_at, user_id
LIMIT 1 OFFSET %(offset)s
FOR UPDATE NOWAIT
-- USERS.delete_locked
DELETE doomed
FROM (
  SELECT user_id AS id
  FROM auth_token_users FORCE INDEX (ix_changed_at)
  WHERE (changed_at = %(place)s AND user_id > %(id)s) OR (changed_at > %(place)s AND changed_at <= %(last)s)
  ORDER BY changed_at, user_id
  LIMIT %(rows)s
) AS found
STRAIGHT_JOIN auth_token_users AS doomed FORCE INDEX (PRIMARY) ON doomed.user_id = found.id
-- USERS.find
SELECT changed_at AS place, user_id AS id
FROM auth_token_users FORCE INDEX (ix_changed_at)
WHERE (changed_at = %(place)s AND user_id > %(id)s) OR (changed_at > %(place)s AND changed_at < %(bound)s)
ORDER BY changed_at, user_id
LIMIT %(rows)s
-- USERS.lock_free
SELECT due.user_id AS id
FROM (SELECT id FROM JSON_TABLE(%(listed)s, '$[*]' COLUMNS (id VARCHAR(36) PATH '$')) AS given) AS listed
STRAIGHT_JOIN auth_token_users AS due FORCE INDEX (PRIMARY) ON due.user_id = CONVERT(listed.id USING ascii) COLLATE ascii_bin
WHERE due.changed_at < %(bound)s
LIMIT 4294967295
FOR UPDATE SKIP LOCKED
-- USERS.delete_listed
DELETE doomed
FROM JSON_TABLE(%(listed)s, '$[*]' COLUMNS (id VARCHAR(36) PATH '$')) AS listed
STRAIGHT_JOIN auth_token_users AS doomed FORCE INDEX (PRIMARY) ON doomed.user_id = CONVERT(listed.id USING ascii) COLLATE ascii_bin
-- USERS.count
SELECT COUNT(*) AS due_rows, MIN(ended) AS oldest
FROM (
  SELECT changed_at AS ended
  FROM auth_token_users FORCE INDEX (ix_changed_at)
  WHERE changed_at >= %(place)s AND changed_at < %(bound)s
  ORDER BY changed_at
  LIMIT %(rows)s
) AS due
