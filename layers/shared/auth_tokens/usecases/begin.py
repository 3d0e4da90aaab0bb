"""The start of a session for a user who was recognised by a password or by a trusted backend."""

from dataclasses import replace

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.event_kinds import new_device
from auth_tokens.domain.grants import RepeatKey, SessionOptions
from auth_tokens.domain.ids import parse_uuid
from auth_tokens.domain.sign_ins import Account, LiveRows, SessionExists, SessionStart
from auth_tokens.domain.starts import ended_rows, rows_to_end, start_events
from auth_tokens.usecases.session_builder import SessionBuilder


def begin_session(
    account: Account,
    options: SessionOptions,
    how: Authentication,
    builder: SessionBuilder,
    repeat: RepeatKey | None = None,
) -> TokenAnswer:
    """Start a session for a recognised user; one transaction, then one signature.

    Raises as SessionBuilder.grant does, SessionLimitReached, SignInOvertaken and SessionExists (nothing written),
    Unavailable.
    """
    deps = builder.deps
    grant = builder.grant(account.user, options, how, repeat=repeat)
    grant = builder.replacing(options.cookie, grant)
    new_device_id = deps.new_id()
    # Built before the transaction: a key that this environment lacks comes from KMS and the store, and the user's
    # other sign-ins must not wait for them.
    session, token = builder.session(grant, new_device_id)

    def plan(live: LiveRows) -> SessionStart:
        known = grant.known(live.device)
        device, device_token = builder.device(grant, options.device, known or new_device_id)
        placed = replace(session, device_id=device.id)
        ending = rows_to_end(device.id, live, grant)
        events = start_events(placed, ending, grant, builder.caller)
        if known is None:
            events.append(
                new_device(placed, device.id, builder.caller, notify=grant.policy.notify_new_device)
            )
        return SessionStart(placed, device, ended_rows(grant, ending), events, token, device_token)

    named = parse_uuid(options.device.id) if options.device.id else None
    sign_in = account.sign_in(grant.session_id, named, builder.now, how.password_hash)
    start = deps.store.start_session(sign_in, plan)
    if start is None:
        raise SessionExists
    return builder.answer(grant, start)
