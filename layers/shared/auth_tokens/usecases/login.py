"""A user signs in with a password."""

from dataclasses import dataclass, field

from auth_tokens.domain.errors import InvalidCredentials, InvalidRequest
from auth_tokens.domain.events import EventType, SecurityEvent
from auth_tokens.domain.limits import LOGIN_PER_ACCOUNT, LOGIN_PER_SOURCE
from auth_tokens.domain.scopes import granted_scope
from auth_tokens.domain.usernames import canonical_username
from auth_tokens.usecases.answers import TokenAnswer
from auth_tokens.usecases.begin import Authentication, SessionOptions, begin_session
from auth_tokens.usecases.deps import IssueDeps
from auth_tokens.usecases.ports import Account, Caller

PASSWORD_ACR = "urn:auth-user-tokens:acr:password"


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """The credentials as typed; the password is taken as it is: not cut, trimmed or normalised."""

    username: str
    password: str = field(repr=False)
    options: SessionOptions = field(default_factory=SessionOptions)


def login(request: LoginRequest, caller: Caller, deps: IssueDeps) -> TokenAnswer:
    """Verify a password and start a session.

    Raises InvalidCredentials (unknown user, wrong password, disabled user: one text, one cost),
    InvalidRequest (a user name of blanks), InvalidClient and InvalidScope (before the password is looked
    at, but for a scope that the user lacks the label for), AccessDenied, RateLimited, Unavailable.
    """
    client_id = deps.client(request.options.client_id)
    granted_scope(request.options.scope, deps.clients[client_id])
    name = canonical_username(request.username)
    if not name:
        raise InvalidRequest("username is missing.")
    deps.limiter.hit(LOGIN_PER_SOURCE, caller.network)
    deps.limiter.hit(LOGIN_PER_ACCOUNT, name)
    now = deps.clock()
    account = deps.portal.account_by_name(name)
    if not _is_right(request.password, account, deps):
        user_id = account.user.id if account else None
        # The account's keyed hash tells attempts on one unknown name from attempts on many.
        detail = {"account": deps.keys.pseudonym("account", name).hex(), **caller.detail}
        deps.events.record(SecurityEvent(EventType.LOGIN_FAILED, now, user_id, None, caller.address, detail))
        raise InvalidCredentials()
    assert account is not None
    _upgrade_hash(request.password, account, deps)
    how = Authentication(amr=("pwd",), acr=PASSWORD_ACR, auth_time=now)
    answer = begin_session(
        account.user, request.options, how, caller, deps, now, event=EventType.LOGIN_SUCCEEDED
    )
    assert answer is not None  # without a key to repeat by, its id is its own
    return answer


def _is_right(password: str, account: Account | None, deps: IssueDeps) -> bool:
    # The hash is verified even for a disabled or unknown user: the answer takes as long.
    matches = deps.passwords.verify(password, account.password_hash if account else None)
    return matches and account is not None and account.user.is_active


def _upgrade_hash(password: str, account: Account, deps: IssueDeps) -> None:
    assert account.password_hash is not None
    upgraded = deps.passwords.upgraded(password, account.password_hash)
    if upgraded is not None:
        deps.portal.upgrade_password_hash(account.user.id, account.password_hash, upgraded)
