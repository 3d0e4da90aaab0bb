"""Each way of signing in, and each end of everything of a user, for tests that try them all."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import bcrypt

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import AccessDenied, InvalidCredentials, InvalidGrant
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.revoke_user import revoke_user
from auth_tokens.usecases.validate import validate
from tests.support import wiring
from tests.support.world import CALLER, World

PASSWORD, OTHER_PASSWORD = "old password", "new password"


def hashed(password: str) -> str:
    """Cheap, so that a hundred rounds are."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


NEW_DEVICE = DeviceRequest()
HASH, OTHER_HASH = hashed(PASSWORD), hashed(OTHER_PASSWORD)


class NoLimits:
    """A limiter that lets everything through: hundreds of sign-ins come from one address within one second."""

    def hit(self, *_: object) -> None:
        return

    def levels(self, *_: object) -> None:
        """None are read: what cannot be counted is let through."""

    def settle(self, *_: object) -> None:
        return


class CheapPasswords:
    """A password hasher that takes no more time than these hashes do, and upgrades none."""

    def verify(self, password: str, password_hash: str | None) -> bool:
        return password_hash is not None and bcrypt.checkpw(password.encode(), password_hash.encode())

    def upgraded(self, password: str, password_hash: str) -> str | None:
        return None


@dataclass
class Person:
    """A user with two sessions, one of them on a remembered device: each way of signing in can start from there."""

    world: World
    name: str
    user_id: str
    device_token: str = ""
    device_id: str = ""
    access_token: str = ""

    def live(self) -> int:
        [row] = self.world.sql(
            "SELECT COUNT(*) AS live FROM auth_user_tokens WHERE user_id = %s AND type <> 'device'"
            " AND revoked_at IS NULL",
            self.user_id,
        )
        return int(row["live"])

    def rows(self) -> int:
        [row] = self.world.sql(
            "SELECT COUNT(*) AS kept FROM auth_user_tokens WHERE user_id = %s", self.user_id
        )
        return int(row["kept"])


def environment(world: World) -> IssueDeps:
    """Another execution environment, with its own connection, keys and caches."""
    deps = wiring.issuing(world.environment())
    return replace(deps, passwords=CheapPasswords(), limiter=NoLimits())


def person(world: World, **config: int) -> Person:
    """config: preferences."""
    name = world.user(**config)
    someone = Person(world, name, world.user_id(name))
    world.sql("UPDATE auth_users SET password_hash = %s WHERE id = %s", HASH, someone.user_id)
    remembered = SessionOptions(device=DeviceRequest(remember=True))
    answer = issue(IssueRequest(someone.user_id, ("sso",), options=remembered), CALLER, world.issuing)
    someone.device_token, someone.device_id = answer.device_token or "", answer.device_id
    # Elsewhere: an exchange on the device replaces the device's own session.
    elsewhere = issue(IssueRequest(someone.user_id, ("sso",)), CALLER, world.issuing)
    someone.access_token = elsewhere.access_token or ""
    return someone


# Ways of signing in.


def by_password(
    someone: Person, kind: TokenKind, deps: IssueDeps, device: DeviceRequest = NEW_DEVICE
) -> TokenAnswer:
    return login(LoginRequest(someone.name, PASSWORD, SessionOptions(kind=kind, device=device)), CALLER, deps)


def by_backend(
    someone: Person, kind: TokenKind, deps: IssueDeps, device: DeviceRequest = NEW_DEVICE
) -> TokenAnswer:
    options = SessionOptions(kind=kind, device=device)
    return issue(IssueRequest(someone.user_id, ("sso",), options=options), CALLER, deps)


def by_device(
    someone: Person, kind: TokenKind, deps: IssueDeps, device: DeviceRequest = NEW_DEVICE
) -> TokenAnswer:
    options = SessionOptions(kind=kind, device=device)
    return exchange_device_token(ExchangeRequest(someone.device_token, options), CALLER, deps)


SIGN_INS = {"login": by_password, "issue": by_backend, "exchange": by_device}
REFUSALS = {"login": InvalidCredentials, "issue": AccessDenied, "exchange": InvalidGrant}


# What makes the reason disappear.


def password_is_changed(someone: Person) -> None:
    someone.world.sql("UPDATE auth_users SET password_hash = %s WHERE id = %s", OTHER_HASH, someone.user_id)
    revoke_user(someone.user_id, RevokeReason.PASSWORD_CHANGED, "", sessions(someone))


def user_is_disabled(someone: Person) -> None:
    someone.world.disable(someone.name)
    revoke_user(someone.user_id, RevokeReason.USER_DISABLED, "", sessions(someone))


def operator_ends_all(someone: Person) -> None:
    revoke_user(someone.user_id, RevokeReason.ADMIN, "lost", sessions(someone))


def user_logs_out_everywhere(someone: Person) -> None:
    deps = sessions(someone)
    claims = validate(Credential(Transport.BEARER, someone.access_token), deps.validation).claims
    logout(LogoutScope.ALL, claims, CALLER, deps)


def sessions(someone: Person) -> Any:
    return someone.world.sessions


ENDS: dict[str, Callable[[Person], None]] = {
    "password changed": password_is_changed,
    "user disabled": user_is_disabled,
    "operator revokes": operator_ends_all,
    "logout everywhere": user_logs_out_everywhere,
}
MODES = {"bearer": TokenKind.REFRESH, "cookie": TokenKind.SESSION}
