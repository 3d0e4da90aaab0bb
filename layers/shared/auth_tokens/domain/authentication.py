"""How and when a user was recognised."""

from dataclasses import dataclass, field, replace

from auth_tokens.domain.sessions import TokenRecord


@dataclass(frozen=True, slots=True)
class Authentication:
    """How and when the user was recognised (RFC 8176, RFC 9068 §2.2.1). password_hash: the hash that
    the password was verified by, None without a password. not_after: nothing that rests on this lives longer."""

    amr: tuple[str, ...]
    acr: str
    auth_time: int
    password_hash: str | None = field(default=None, repr=False)
    not_after: int | None = None

    def of(self, session: TokenRecord) -> TokenRecord:
        """A session's row once it is raised by this. The three claims always describe one event."""
        return replace(session, auth_time=self.auth_time, acr=self.acr, amr=self.amr)

    def since(self, session: TokenRecord) -> "Authentication":
        """The same, and not before the session's own: another environment's clock may be ahead."""
        return replace(self, auth_time=max(self.auth_time, session.auth_time))

    def is_held_by(self, session: TokenRecord) -> bool:
        """Is the session raised by this already?"""
        return self.of(session) == session
