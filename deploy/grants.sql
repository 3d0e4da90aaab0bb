-- What reader and writer may do. Run by an administrator of the database after each migration that brings a
-- table (CHANGELOG says so); may be repeated. Nobody here may change the schema.

-- The Portal's tables. The reader has no business with password hashes; the writer replaces outdated ones.
GRANT SELECT (id, username, status, created_at) ON {schema}.auth_users TO {reader}@'%';
GRANT SELECT ON {schema}.user_config TO {reader}@'%';
GRANT SELECT ON {schema}.auth_user_label TO {reader}@'%';
GRANT SELECT, UPDATE (password_hash) ON {schema}.auth_users TO {writer}@'%';
GRANT SELECT ON {schema}.user_config TO {writer}@'%';
GRANT SELECT ON {schema}.auth_user_label TO {writer}@'%';

-- The reader's one write: a browser session seen at the authorizer is noted as used, once a minute at the most.
GRANT SELECT, UPDATE (last_used_at, expires_at) ON {schema}.auth_user_tokens TO {reader}@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_user_tokens TO {writer}@'%';

GRANT SELECT ON {schema}.auth_token_revocations TO {reader}@'%';
GRANT SELECT, INSERT, DELETE ON {schema}.auth_token_revocations TO {writer}@'%';
GRANT SELECT ON {schema}.auth_token_cutoffs TO {reader}@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_cutoffs TO {writer}@'%';

-- Cleanup deletes signing keys that have long been gone. (UPDATE of single columns would do for MySQL, but MariaDB
-- asks for all of them where an INSERT has ON DUPLICATE KEY UPDATE.)
GRANT SELECT ON {schema}.auth_token_keys TO {reader}@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_keys TO {writer}@'%';

GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_limits TO {writer}@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_events TO {writer}@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_rollups TO {writer}@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_finding_groups TO {writer}@'%';
GRANT SELECT, INSERT, UPDATE ON {schema}.auth_token_jobs TO {writer}@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_users TO {writer}@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_takeovers TO {writer}@'%';
