"""Validation against the database, for the service's own routes, which also revoke a session whose spent cookie is
presented again."""

from dataclasses import dataclass, replace

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.errors import InvalidAccessToken
from auth_tokens.domain.policy import Policy
from auth_tokens.domain.rotation import Reuse
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.ports.keys import Verifier
from auth_tokens.ports.tokens import TokenStore
from auth_tokens.usecases.reuse import ReuseDeps, revoke_reused


@dataclass(frozen=True, slots=True)
class TokensByDatabase:
    """Port ports.validation.TokensInForce: one SELECT."""

    store: TokenStore
    policy: Policy
    verifier: Verifier

    def in_force(self, claims: AccessClaims, text: str, now: int) -> AccessClaims:
        record = self.store.load_session(claims.session_id, claims.token_id)
        if record is None or record.user_id != claims.sub or not self.policy.is_in_force(record, now):
            raise InvalidAccessToken("session over")
        scope = self.policy.scope_left(claims.scope, record)
        # The row's SELECT shows whether keys have changed, so a withdrawn key is refused at once.
        self.verifier.verify(text, now)
        return claims if scope == claims.scope else replace(claims, scope=scope)


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Port ports.tokens.SessionRows: the row as it is now."""

    store: TokenStore

    def load(self, session_id: bytes, generation: int) -> TokenRecord | None:
        return self.store.load(session_id)

    def touch(self, record: TokenRecord, at: int, expires_at: int) -> None:
        self.store.touch(record, at, expires_at)


@dataclass(frozen=True, slots=True)
class RevokeOnReuse:
    """Port ports.validation.ReuseHandler. caller: who presents the spent cookie."""

    caller: Caller
    deps: ReuseDeps

    def handle(self, reuse: Reuse, now: int) -> None:
        revoke_reused(reuse, self.caller, self.deps, now)
