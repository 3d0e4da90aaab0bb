-- Optional: live sessions as the Portal's own code may read them. No token, no hash, nothing encrypted.
-- Replace the names in braces; run by an administrator, who stays the view's owner, so that its readers need no right on
-- the table.

CREATE OR REPLACE SQL SECURITY DEFINER VIEW {portal_schema}.sessions_for_portal AS
SELECT
  LOWER(INSERT(INSERT(INSERT(INSERT(HEX(id), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')) AS session_id,
  user_id, client_id, scope, created_at, last_used_at, auth_time, acr, LEAST(expires_at, absolute_expires_at) AS ends_at
FROM {schema}.auth_user_tokens
WHERE type IN ('refresh', 'session')
  AND revoked_at IS NULL
  AND expires_at > UTC_TIMESTAMP(6)
  AND absolute_expires_at > UTC_TIMESTAMP(6);

GRANT SELECT ON {portal_schema}.sessions_for_portal TO {portal_user};
