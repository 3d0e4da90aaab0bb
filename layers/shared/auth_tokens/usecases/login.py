"""A user signs in with a password."""

from dataclasses import dataclass, field

from auth_tokens.domain.acr import PASSWORD_ACR
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidCredentials, InvalidRequest, Unavailable
from auth_tokens.domain.event_kinds import login_failed
from auth_tokens.domain.grants import SessionOptions
from auth_tokens.domain.login_limits import Attempt, settlements
from auth_tokens.domain.scopes import granted_scope
from auth_tokens.domain.sign_ins import Account, SignInOvertaken
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.domain.usernames import canonical_username
from auth_tokens.usecases.admit import admit, known_device
from auth_tokens.usecases.begin import begin_session
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.presentation import PresentedToken
from auth_tokens.usecases.session_builder import SessionBuilder

# The second read finds the new hash of a simultaneous login. More races mean contention.
MAX_RACES = 4


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """The credentials as typed; the password is taken as it is: not cut, trimmed or normalised.

    device_token: the device's current token, which proves a known device. It is not spent; an invalid one is ignored.
    """

    username: str
    password: str = field(repr=False)
    options: SessionOptions = field(default_factory=SessionOptions)
    device_token: str | None = field(default=None, repr=False)


def login(request: LoginRequest, caller: Caller, deps: IssueDeps) -> TokenAnswer:
    """Verify a password and start a session.

    Raises InvalidCredentials (unknown user, wrong password, disabled user: one text, one cost),
    InvalidRequest (a user name of spaces), InvalidClient, InvalidProof (none, of a client that needs one) and
    InvalidScope (before the password is verified, except for a scope that the user lacks the label for), AccessDenied,
    Unavailable, RateLimited (before the password is verified; or after it, where the account is closed to unknown
    networks).
    """
    client_id = deps.client(request.options.client_id)
    granted_scope(request.options.scope, deps.policy.clients[client_id])
    deps.policy.check_binding(client_id, request.options.jkt)
    name = canonical_username(request.username)
    if not name:
        raise InvalidRequest("username is missing.")
    now = deps.clock()
    shown = PresentedToken(request.device_token or "", TokenKind.DEVICE, client_id, None, request.options.jkt)
    device = known_device(shown, name, deps, now)
    attempt = Attempt(name, caller.network, caller.site, device)
    admitted = admit(attempt, deps)
    account = deps.portal.account_by_name(name)
    builder = SessionBuilder(caller, deps, now)
    answer = _signed_in(request, account, builder, opens=admitted.opens)
    if answer is None:
        user_id = account.user.id if account else None
        deps.events.record(login_failed(deps.keys.pseudonym("account", name).hex(), user_id, caller, now))
        if admitted.refusal is not None:
            raise admitted.refusal
        raise InvalidCredentials()
    deps.limiter.settle(settlements(attempt, admitted, now * 1000))
    return answer


def _signed_in(
    request: LoginRequest, account: Account | None, builder: SessionBuilder, *, opens: bool
) -> TokenAnswer | None:
    """None: the credentials are wrong, or no longer right. opens: whether a right password signs this caller in now.

    Where the account has changed while the login was running, the password is verified once more: a simultaneous
    login may have upgraded its hash. An end of everything of the user ends this login as well.
    """
    deps = builder.deps
    for _ in range(MAX_RACES):
        password_hash = account.password_hash if account else None
        # Verified also for a disabled or unknown user, so that the answer takes as long.
        is_right = deps.passwords.verify(request.password, password_hash)
        if account is None or password_hash is None or not (is_right and account.user.is_active and opens):
            return None
        kept_hash = _upgraded_hash(request.password, account.user.id, password_hash, deps)
        how = Authentication(("pwd",), PASSWORD_ACR, builder.now, kept_hash)
        try:
            return begin_session(account, request.options, how, builder)
        except SignInOvertaken:
            stop_number = account.stop_number
        account = deps.portal.account_by_name(canonical_username(request.username))
        if account is None or account.stop_number != stop_number:
            return None
    raise Unavailable("contention")


def _upgraded_hash(password: str, user_id: str, password_hash: str, deps: IssueDeps) -> str:
    """The account's hash, upgraded to today's parameters where it is older."""
    if not deps.portal.upgrades_hashes:
        return password_hash
    upgraded = deps.passwords.upgraded(password, password_hash)
    if upgraded and deps.portal.upgrade_password_hash(user_id, password_hash, upgraded):
        return upgraded
    return password_hash
