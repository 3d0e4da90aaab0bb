"""The credential that a request brings, and the result of its validation."""

from dataclasses import dataclass, field
from enum import Enum

from auth_tokens.domain.claims import AccessClaims


class Transport(Enum):
    """How a credential came; a cookie needs CSRF defence, a header does not."""

    BEARER = "bearer"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class Credential:
    """As the request had it. changes_state: the method is not a safe one; csrf_token: header X-CSRF-Token."""

    transport: Transport
    text: str = field(repr=False)
    changes_state: bool = False
    csrf_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Validated:
    """A good credential. may_change_state: False for a cookie without its CSRF token, which is good for safe
    methods only; labels: all labels of a browser session's user, for rules to decide on, as the claims carry only what
    fits; csrf_token: the one that belongs to the cookie."""

    claims: AccessClaims
    transport: Transport
    may_change_state: bool = True
    labels: frozenset[str] = frozenset()
    csrf_token: str | None = field(default=None, repr=False)
