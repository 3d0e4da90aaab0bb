"""The tokens that a client gets when a session starts or is refreshed."""

from dataclasses import dataclass, field

from auth_tokens.domain.tokens import TokenKind


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """The tokens of one session. kind REFRESH: bearer answer with access token; SESSION: cookie answer.

    expires_in: of the access token, or of the idle cookie session; token_expires_in: of the idle opaque token;
    absolute_expires_in: of the session, however it is used. Seconds. is_repeat: the same answer was given before;
    is_bound: the tokens are bound to a key.
    """

    kind: TokenKind
    token: str = field(repr=False)
    token_expires_in: int
    absolute_expires_in: int
    access_token: str | None = field(repr=False)
    expires_in: int
    scope: str
    session_id: str
    device_id: str
    csrf_token: str | None = field(default=None, repr=False)
    device_token: str | None = field(default=None, repr=False)
    is_repeat: bool = False
    is_bound: bool = False
