"""A device token opens a session without a password (RFC 8693 token exchange)."""

from dataclasses import dataclass, field

from auth_tokens.domain.errors import InvalidGrant, Unavailable
from auth_tokens.domain.ids import text_of
from auth_tokens.domain.rotation import Rotate
from auth_tokens.domain.sessions import DEVICE_ACR, TokenRecord
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.answers import TokenAnswer
from auth_tokens.usecases.begin import Authentication, Grant, SessionOptions, grant_for, open_session
from auth_tokens.usecases.deps import IssueDeps
from auth_tokens.usecases.ports import Caller, DeviceUse
from auth_tokens.usecases.refresh import (
    MAX_RACES,
    judge,
    look_again,
    next_generation,
    parse_presented,
    presented_token,
    repeated_successor,
)

# RFC 8176 §2 has no value for "a remembered device"; `swk`, proof of a software-held key, is the nearest.
DEVICE_AMR = ("swk",)


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    """A device token and the session wanted for it."""

    device_token: str = field(repr=False)
    options: SessionOptions = field(default_factory=SessionOptions)
    retry_key: str | None = None


def exchange_device_token(request: ExchangeRequest, caller: Caller, deps: IssueDeps) -> TokenAnswer:
    """Spend a device token: a new session on that device, which replaces its earlier ones, and the next device token.

    A repeated call (lost answer) gets the same next device token and a session that replaces the unseen one.
    Raises as usecases.refresh.refresh and begin.grant_for do (nothing spent), and SessionLimitReached;
    auth_time stays that of the device's registration.
    """
    client_id = deps.client(request.options.client_id)
    token = parse_presented(request.device_token, TokenKind.DEVICE, deps)
    presented = presented_token(token, client_id, request.retry_key, deps)
    now = deps.clock()
    for attempt in range(MAX_RACES):
        record, live = deps.store.load_device(token.id, now) or (None, ())
        verdict = judge(record, presented, token, caller, deps, now)
        assert record is not None
        grant = _grant(record, request.options, deps)
        if isinstance(verdict, Rotate):
            successor, rotation = next_generation(record, token, presented, caller, deps, now)
            used = DeviceUse(record, rotation)
        else:
            successor, used = repeated_successor(record, token, deps), DeviceUse(record, None)
        answer = open_session(grant, live, used, successor, caller, deps, now)
        if answer is not None:
            return answer
        presented = look_again(presented, attempt, deps)
    raise Unavailable("contention")


def _grant(record: TokenRecord, options: SessionOptions, deps: IssueDeps) -> Grant:
    assert record.owner is not None
    grant = grant_for(record.owner, options, Authentication(DEVICE_AMR, DEVICE_ACR, record.auth_time), deps)
    if not grant.policy.remember_devices:
        raise InvalidGrant(f"remembering not allowed, device {text_of(record.id)}")
    return grant
