-- Which account of a user id a row was written for: a user who is made again under an old id inherits nothing. Rows
-- from before have NULL, which tells nothing.

ALTER TABLE auth_user_tokens
  ADD COLUMN user_created_at DATETIME(6) NULL COMMENT 'auth_users.created_at at the sign-in, as the Portal wrote it';
