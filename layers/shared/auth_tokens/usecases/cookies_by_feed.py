"""Validation of browser sessions against the revocation feed, for the authorizer. It only refuses, as it has no right
to end a session or write an event; the service's own routes have it (usecases.by_database)."""

from dataclasses import dataclass

from auth_tokens.domain.errors import InvalidAccessToken
from auth_tokens.domain.rotation import Reuse
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.ports.tokens import RevocationFeed, SessionRows


@dataclass(frozen=True, slots=True)
class RowsBehindFeed:
    """Port ports.tokens.SessionRows: rows that may be some seconds old, of sessions that are not revoked by the
    feed."""

    feed: RevocationFeed
    rows: SessionRows

    def load(self, session_id: bytes, generation: int) -> TokenRecord | None:
        if self.feed.is_revoked(session_id):
            raise InvalidAccessToken("revoked")
        record = self.rows.load(session_id, generation)
        if record and any(cutoff.covers(record.client_id, record.began_at) for cutoff in self.feed.cutoffs()):
            raise InvalidAccessToken("cut off")
        return record

    def touch(self, record: TokenRecord, at: int, expires_at: int) -> None:
        self.rows.touch(record, at, expires_at)


class RefuseOnReuse:
    """Port ports.validation.ReuseHandler."""

    def handle(self, reuse: Reuse, now: int) -> None:
        pass
