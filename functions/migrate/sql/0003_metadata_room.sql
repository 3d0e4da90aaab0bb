-- A device's name and platform may each be 200 characters of four bytes, and so may a user agent.

ALTER TABLE auth_user_tokens
  MODIFY COLUMN metadata VARBINARY(4096) NULL COMMENT 'AES-256-GCM: address, user agent, device name, platform';
