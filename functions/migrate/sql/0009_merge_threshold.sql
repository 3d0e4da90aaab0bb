-- Pages of the tokens are merged when they are four fifths empty instead of half (docs/adr/0017). Changes no row.

ALTER TABLE auth_user_tokens COMMENT = 'MERGE_THRESHOLD=20';
