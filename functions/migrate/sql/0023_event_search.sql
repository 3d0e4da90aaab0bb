-- The events of a session, and of a source, without reading all others.

ALTER TABLE auth_token_events
  ADD KEY ix_session (session_id, id);

ALTER TABLE auth_token_events
  ADD KEY ix_source (source_hash, id);
