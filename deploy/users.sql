-- The service's three database users, and what the migrator may do. Run by an administrator of the database
-- before the first migration, and again before a release that brings a table (CHANGELOG says so); may be
-- repeated. scripts/database-users puts in the schema, the names and the passwords.

CREATE USER IF NOT EXISTS {reader}@'%' IDENTIFIED BY {reader_password} REQUIRE {tls};
CREATE USER IF NOT EXISTS {writer}@'%' IDENTIFIED BY {writer_password} REQUIRE {tls};
CREATE USER IF NOT EXISTS {migrator}@'%' IDENTIFIED BY {migrator_password} REQUIRE {tls};
ALTER USER {reader}@'%' IDENTIFIED BY {reader_password} REQUIRE {tls};
ALTER USER {writer}@'%' IDENTIFIED BY {writer_password} REQUIRE {tls};
ALTER USER {migrator}@'%' IDENTIFIED BY {migrator_password} REQUIRE {tls};

-- The Portal's tables are the Portal's: the migrator may make them where they are absent (for trials), and
-- can neither read nor change them.
GRANT CREATE ON {schema}.auth_users TO {migrator}@'%';
GRANT CREATE ON {schema}.user_config TO {migrator}@'%';
GRANT CREATE ON {schema}.auth_user_label TO {migrator}@'%';

-- A table may be named here before it exists, as CREATE is among the privileges.
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_migrations TO {migrator}@'%';
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_user_tokens TO {migrator}@'%';
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_keys TO {migrator}@'%';
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_limits TO {migrator}@'%';
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_events TO {migrator}@'%';
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_rollups TO {migrator}@'%';
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_jobs TO {migrator}@'%';
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_users TO {migrator}@'%';
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_revocations TO {migrator}@'%';
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_cutoffs TO {migrator}@'%';
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_finding_groups TO {migrator}@'%';
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE ON {schema}.auth_token_takeovers TO {migrator}@'%';
