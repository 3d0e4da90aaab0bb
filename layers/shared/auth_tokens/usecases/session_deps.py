"""Dependencies of the use cases on existing sessions and devices; the composition root fills them."""

from dataclasses import dataclass

from auth_tokens.domain.caller import NO_CALLER, Caller
from auth_tokens.domain.policy import Policy
from auth_tokens.domain.tokens import TokenCodec
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.keys import Cipher, Keys, Verifier
from auth_tokens.ports.proofs import TokenProofs
from auth_tokens.ports.tokens import TokenStore
from auth_tokens.usecases.browser_session import BrowserSessions
from auth_tokens.usecases.by_database import RevokeOnReuse, StoredRows, TokensByDatabase
from auth_tokens.usecases.validate import ValidateDeps


@dataclass(frozen=True, slots=True)
class SessionDeps:
    """To look after sessions and devices that exist: list, rename, revoke, introspect."""

    codec: TokenCodec
    store: TokenStore
    policy: Policy
    verifier: Verifier
    clock: Clock
    cipher: Cipher
    issuer: str
    audience: str
    keys: Keys
    proofs: TokenProofs

    @property
    def tokens(self) -> TokensByDatabase:
        """Whether access tokens are in force, by the database."""
        return TokensByDatabase(self.store, self.policy, self.verifier)

    @property
    def validation(self) -> ValidateDeps:
        """As validation_for, for an unknown caller."""
        return self.validation_for(NO_CALLER)

    def validation_for(self, caller: Caller) -> ValidateDeps:
        """For the caller's own credential: against the database, not the feed; a spent one revokes its session."""
        on_reuse = RevokeOnReuse(caller, self)
        rows = StoredRows(self.store)
        cookies = BrowserSessions(self.codec, self.policy, rows, on_reuse, arrived_at=caller.arrived_at)
        return ValidateDeps(self.verifier, self.tokens, cookies, self.proofs, self.clock)
