"""Is this credential good? One use case for the authorizer and for the service's own routes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.errors import InvalidAccessToken, TokenServiceError
from auth_tokens.domain.requirements import Requirements

if TYPE_CHECKING:  # types alone, and the authorizer's every start would pay for them
    from collections.abc import Callable

    from auth_tokens.domain.rotation import Reuse
    from auth_tokens.ports.clock import Clock
    from auth_tokens.ports.keys import Verifier
    from auth_tokens.ports.tokens import RevocationFeed
    from auth_tokens.usecases.deps import RowDeps


class Transport(Enum):
    """How a credential came; a cookie needs CSRF defence, a header does not."""

    BEARER = "bearer"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class Credential:
    """What the caller brought. changes_state: the method is not a safe one; csrf_token: header X-CSRF-Token."""

    transport: Transport
    text: str = field(repr=False)
    changes_state: bool = False
    csrf_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Validated:
    """A good credential. transport says how it came; may_change_state: False for a cookie that no CSRF
    token came with, which is good for safe methods only; labels: of a browser session's user, all that the database
    has, for rules to decide on: the claims carry what fits; csrf_token: the one that belongs to the cookie."""

    claims: AccessClaims
    transport: Transport
    may_change_state: bool = True
    labels: frozenset[str] = frozenset()
    csrf_token: str | None = field(default=None, repr=False)


def let_be(reuse: Reuse, now: int) -> None:
    """An authorizer only refuses: it has no right to end a session or write an event. The service's own routes have."""


@dataclass(frozen=True, slots=True)
class ValidateDeps:
    """To tell whether a credential is good. feed: None where the database itself is asked; rows: for that, and for
    browser sessions; asked at the first of them, as most authorizers never see one; on_reuse: what a spent cookie that
    comes back sets off, before it is refused; arrived_at: as of Caller."""

    verifier: Verifier
    feed: RevocationFeed | None
    clock: Clock
    rows: Callable[[], RowDeps]
    requirements: Requirements = field(default=Requirements(), kw_only=True)
    on_reuse: Callable[[Reuse, int], None] = field(default=let_be, kw_only=True)
    arrived_at: int | None = field(default=None, kw_only=True)


def validate(credential: Credential, deps: ValidateDeps) -> Validated:
    """The claims of a good credential: access token (JWT) or browser session (cookie). Where the database is asked,
    their scope is what may still be had of the one granted.

    Raises InvalidAccessToken, AccessDenied (CSRF token missing or wrong), InsufficientScope and
    StepUpNeeded (the deployment's requirements), Unavailable. RFC 6750, RFC 9068 §4.
    """
    if credential.transport is Transport.COOKIE:
        from auth_tokens.usecases.browser_session import browser_session

        return browser_session(credential, deps)
    now = deps.clock()
    claims = deps.verifier.verify(credential.text, now)
    try:
        claims = _in_force(claims, deps, now)
        if (
            deps.feed is None
        ):  # the row's SELECT has told whether keys have changed: a withdrawn one is refused at once
            deps.verifier.verify(credential.text, now)
        deps.requirements.check(claims, now)
    except TokenServiceError as exc:
        exc.of(claims.ids)
        raise
    return Validated(claims, credential.transport)


def _in_force(claims: AccessClaims, deps: ValidateDeps, now: int) -> AccessClaims:
    """The claims, as far as they hold now."""
    if deps.feed is not None:
        if deps.feed.is_revoked(claims.session_id, claims.token_id):
            raise InvalidAccessToken("revoked")
        return claims
    rows = deps.rows()
    record = rows.store.load_session(claims.session_id, claims.token_id)
    if record is None or record.user_id != claims.sub or not rows.policy.is_in_force(record, now):
        raise InvalidAccessToken("session over")
    return replace(claims, scope=rows.policy.scope_left(claims.scope, record))
