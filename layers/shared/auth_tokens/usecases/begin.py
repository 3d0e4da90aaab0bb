"""The start of a session for a user who was recognised by a password or by a trusted backend."""

from dataclasses import dataclass, replace

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.event_kinds import new_device
from auth_tokens.domain.grants import Grant, RepeatKey, SessionOptions
from auth_tokens.domain.ids import parse_uuid
from auth_tokens.domain.sessions import TokenRecord, User
from auth_tokens.domain.sign_ins import Account, KeysChanged, LiveRows, SessionExists, SessionStart, SignIn
from auth_tokens.domain.starts import ended_rows, rows_to_end, start_events
from auth_tokens.domain.tokens import OpaqueToken
from auth_tokens.usecases.replaced_session import replaced_session
from auth_tokens.usecases.session_builder import SessionBuilder

# Keys change once a day, or by hand.
_MAX_CHANGES = 3


def begin_session(
    account: Account, options: SessionOptions, how: Authentication, builder: SessionBuilder
) -> TokenAnswer:
    """Start a session for a recognised user; one transaction, then one signature.

    Raises as SessionBuilder.grant does, SessionLimitReached, SignInOvertaken and SessionExists (nothing written),
    Unavailable.
    """
    grant = builder.grant(account.user, options, how, builder.deps.new_id())
    grant = builder.replacing(options.cookie, grant)
    # Built before the transaction: a key that this environment lacks comes from KMS and the store, and the user's
    # other sign-ins must not wait for them.
    beginning = _beginning(grant, options, builder, builder.deps.new_id())
    sign_in = account.sign_in(grant.session_id, _named(options), builder.now, how.password_hash)
    start = builder.deps.store.start_session(sign_in, beginning.planned)
    if start is None:
        raise SessionExists
    return builder.answer(grant, start)


@dataclass(frozen=True, slots=True)
class Unread:
    """A user who was recognised, and is read in the transaction.

    began_ms: epoch milliseconds of the sign-in's beginning; repeat: of an Idempotency-Key.
    """

    user_id: str
    began_ms: int
    repeat: RepeatKey | None = None


def begin_session_of(
    unread: Unread, options: SessionOptions, how: Authentication, builder: SessionBuilder
) -> TokenAnswer:
    """The same for a user who was not read yet.

    An end of everything after the sign-in's beginning overtakes it, as does an unknown or disabled user.
    """
    deps, repeat = builder.deps, unread.repeat
    session_id = repeat.session_id if repeat else deps.new_id()
    new_device_id = deps.new_id()
    replaces = replaced_session(options.cookie, builder.caller, deps, builder.now)
    grants: list[Grant] = []

    def plan(user: User, live: LiveRows) -> SessionStart:
        granted = builder.grant(user, options, how, repeat or session_id)
        grants.append(replace(granted, replaces=replaces) if replaces else granted)
        return _beginning(grants[-1], options, builder, new_device_id).planned(live)

    sign_in = SignIn(unread.user_id, session_id, _named(options), builder.now, unread.began_ms)
    for _ in range(_MAX_CHANGES):
        deps.keys.ready()  # before the transaction, for the same reason
        try:
            start = deps.store.start_session_of(sign_in, plan)
        except KeysChanged:
            continue
        if start is None:
            raise SessionExists
        return builder.answer(grants[-1], start)
    raise Unavailable("keys keep changing")


def _named(options: SessionOptions) -> bytes | None:
    return parse_uuid(options.device.id) if options.device.id else None


@dataclass(frozen=True, slots=True)
class _Beginning:
    """A session that is granted, on a new device unless a known one is named."""

    grant: Grant
    options: SessionOptions
    builder: SessionBuilder
    new_device_id: bytes
    session: TokenRecord
    token: OpaqueToken

    def planned(self, live: LiveRows) -> SessionStart:
        grant, caller = self.grant, self.builder.caller
        known = grant.known(live.device)
        device, device_token = self.builder.device(grant, self.options.device, known or self.new_device_id)
        session = replace(self.session, device_id=device.id) if known else self.session
        ending = rows_to_end(device.id, live, grant)
        events = start_events(session, ending, grant, caller)
        if known is None:
            events.append(new_device(session, device.id, caller, notify=grant.policy.notify_new_device))
        return SessionStart(session, device, ended_rows(grant, ending), events, self.token, device_token)


def _beginning(
    grant: Grant, options: SessionOptions, builder: SessionBuilder, new_device_id: bytes
) -> _Beginning:
    return _Beginning(grant, options, builder, new_device_id, *builder.session(grant, new_device_id))
