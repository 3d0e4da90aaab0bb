"""A device token opens a session without a password (RFC 8693 token exchange)."""

from dataclasses import dataclass, field, replace

from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.events import EventType
from auth_tokens.domain.rotation import Rotate
from auth_tokens.domain.scopes import granted_scope
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.answers import TokenAnswer
from auth_tokens.usecases.begin import Authentication, DeviceUse, SessionOptions, begin_session
from auth_tokens.usecases.deps import IssueDeps
from auth_tokens.usecases.ports import Caller
from auth_tokens.usecases.refresh import (
    MAX_RACES,
    judge,
    next_generation,
    parse_presented,
    presented_token,
    repeated_successor,
)

DEVICE_ACR = "urn:auth-user-tokens:acr:device"
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
    Raises as usecases.refresh.refresh does; auth_time stays that of the device's registration.
    """
    client_id = deps.client(request.options.client_id)
    granted_scope(request.options.scope, deps.clients[client_id])
    token = parse_presented(request.device_token, TokenKind.DEVICE, deps)
    presented = presented_token(token, client_id, request.retry_key, deps)
    now = deps.clock()
    for _ in range(MAX_RACES):
        record = deps.store.load(token.id)
        verdict = judge(record, presented, token, caller, deps, now)
        assert record is not None and record.owner is not None
        if isinstance(verdict, Rotate):
            successor, rotation = next_generation(record, token, presented, caller, deps, now)
            used = DeviceUse(record, successor, rotation)
        else:
            used = DeviceUse(record, repeated_successor(record, token, deps), None)
        answer = begin_session(
            record.owner,
            request.options,
            Authentication(DEVICE_AMR, DEVICE_ACR, record.auth_time),
            caller,
            deps,
            now,
            event=EventType.SESSION_ISSUED,
            used=used,
        )
        if answer is not None:
            return answer
        presented = replace(presented, raced=True)
    raise Unavailable("contention")
