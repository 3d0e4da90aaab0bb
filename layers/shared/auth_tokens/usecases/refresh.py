"""A token is spent for its one successor: refresh tokens, browser sessions, and the device tokens alike."""

import hmac
from dataclasses import dataclass, field, replace

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidGrant, Unavailable
from auth_tokens.domain.ids import text_of
from auth_tokens.domain.limits import PRESENTED_PER_TOKEN, REFRESH_PER_SESSION
from auth_tokens.domain.rotation import Overtaken, Presented, Refuse, Reuse, Rotate, Rotation, Verdict, decide
from auth_tokens.domain.scopes import granted_scope
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import MalformedToken, OpaqueToken, TokenKind
from auth_tokens.usecases.answers import TokenAnswer, token_answer
from auth_tokens.usecases.deps import IssueDeps
from auth_tokens.usecases.metadata import metadata_of
from auth_tokens.usecases.oddities import seen_again
from auth_tokens.usecases.reuse import close_reused

# One lost race settles it: the second look finds the winner's rotation. More is a storm.
MAX_RACES = 4


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """What a client shows. kind: REFRESH or SESSION; client_id: None for the token's own; retry_key: its
    Idempotency-Key; scope: a narrower one."""

    token: str = field(repr=False)
    kind: TokenKind = TokenKind.REFRESH
    client_id: str | None = None
    scope: str | None = None
    retry_key: str | None = None


def refresh(request: RefreshRequest, caller: Caller, deps: IssueDeps) -> TokenAnswer:
    """Spend a token and answer its one successor, in the same session.

    Raises InvalidGrant (malformed, unknown, expired, revoked, reused: a reused session is
    already revoked and committed), InvalidScope, InvalidClient and RateLimited (nothing spent), Unavailable.
    RFC 6749 §6; rotation and reuse: RFC 9700 §4.14.
    """
    client_id = deps.policy.known_client(request.client_id)
    token = parse_presented(request.token, request.kind, deps)
    presented = presented_token(token, client_id, request.retry_key, caller, deps)
    for attempt in range(MAX_RACES):
        record = deps.store.load(token.id)
        # Read again with the row: an attempt may have waited long, and the retry window opens when the token is spent.
        now = deps.clock()
        match judge(record, presented, token, caller, deps, now):
            case Rotate():
                assert record is not None
                scope = _scope(request, record, deps)
                successor, rotation = next_generation(record, token, presented, caller, deps, now)
                if deps.store.rotate(record, rotation):
                    record = replace(record, expires_at=rotation.expires_at)
                    return token_answer(record, successor, deps, scope=scope, now=now)
                presented = look_again(presented, attempt, deps)
            case _:
                assert record is not None
                scope = _scope(request, record, deps)
                successor = repeated_successor(record, token, deps)
                return token_answer(record, successor, deps, scope=scope, now=now, is_repeat=True)
    raise Unavailable("contention")


def _scope(request: RefreshRequest, record: TokenRecord, deps: IssueDeps) -> str:
    """Of the session's scope what may still be had, and of that what is asked for. Raises InvalidScope."""
    return granted_scope(request.scope, deps.policy.scope_left(record.scope, record))


def parse_presented(text: str, kind: TokenKind, deps: IssueDeps) -> OpaqueToken:
    """Forgeries end here, before any I/O, and so does a genuine token shown too often, spent, dead or not.
    Raises InvalidGrant, RateLimited."""
    try:
        token = deps.codec.parse(text, kind)
    except MalformedToken as exc:
        raise InvalidGrant(f"malformed: {exc}", is_forged=True) from exc
    deps.presentations.hit(PRESENTED_PER_TOKEN, token.id.hex())
    return token


def presented_token(
    token: OpaqueToken, client_id: str | None, retry_key: str | None, caller: Caller, deps: IssueDeps
) -> Presented:
    """The presented token in the terms of the decision."""
    return Presented(
        generation=token.generation,
        epoch=token.epoch,
        store_hash=deps.codec.store_hash(token),
        client_id=client_id,
        retry_key_hash=deps.keys.retry_key_hash(token, retry_key) if retry_key else None,
        arrived_at=caller.arrived_at,
    )


def look_again(presented: Presented, attempt: int, deps: IssueDeps) -> Presented:
    """Someone else changed the row first. The winner has committed, so the second look comes at once; further
    ones mean a storm, and wait."""
    if attempt > 0:
        deps.pause(attempt)
    return replace(presented, raced=True)


def judge(
    record: TokenRecord | None,
    presented: Presented,
    token: OpaqueToken,
    caller: Caller,
    deps: IssueDeps,
    now: int,
) -> Verdict:
    """Rotate or Repeat; a refusal is raised as InvalidGrant, a reuse revoked and committed before it is.
    Raises Unavailable where others refreshed twice meanwhile."""
    matching = record if record and record.kind is token.kind else None
    if matching is not None and matching.client_id not in deps.policy.clients:
        raise InvalidGrant(f"client removed, session {text_of(token.id)}")
    if not deps.codec.has_epoch(token.epoch):  # the row's SELECT has told that it was withdrawn since
        raise InvalidGrant(f"epoch withdrawn, session {text_of(token.id)}")
    verdict = decide(matching, presented, now, deps.policy.retry_window_s)
    match verdict:
        case Refuse(reason):
            raise InvalidGrant(f"{reason}, session {text_of(token.id)}")
        case Overtaken():
            raise Unavailable(f"overtaken, session {text_of(token.id)}")
        case Reuse():
            assert record is not None
            close_reused(record, verdict, caller, deps, now)
            raise InvalidGrant(f"reuse, session {text_of(token.id)}")
    return verdict


def next_generation(
    record: TokenRecord,
    token: OpaqueToken,
    presented: Presented,
    caller: Caller,
    deps: IssueDeps,
    now: int,
) -> tuple[OpaqueToken, Rotation]:
    """The successor of a current token, and the write that makes it current. Moves the idle end only.
    Raises RateLimited: the token is not spent.

    The write notes who rotates: should the spent token come back, that is the other side of the evidence.
    """
    assert record.owner is not None
    policy = deps.policy_for(record.owner)
    before = metadata_of(record, deps.cipher)
    tat_ms = REFRESH_PER_SESSION.taken(before.refresh_tat_ms, now * 1000)
    seen, events = seen_again(record, before, caller, policy.access_ttl_s, now)
    seen = replace(seen, refresh_tat_ms=tat_ms)
    successor = deps.codec.successor(token, deps.keys.chain_epoch())
    idle_ttl_s = policy.lifetimes(record.kind).idle_ttl_s
    rotation = Rotation(
        generation=successor.generation,
        token_hash=deps.codec.store_hash(successor),
        key_epoch=successor.epoch,
        retry_key_hash=presented.retry_key_hash,
        at=now,
        expires_at=min(now + idle_ttl_s, record.absolute_expires_at),
        metadata=seen.sealed(deps.cipher, record.id, record.user_id, successor.generation),
        events=events,
    )
    return successor, rotation


def repeated_successor(record: TokenRecord, token: OpaqueToken, deps: IssueDeps) -> OpaqueToken:
    """The successor once more, derived anew and checked against the row: no copy is kept anywhere."""
    try:
        successor = deps.codec.successor(token, record.key_epoch)
    except MalformedToken as exc:
        if record.key_epoch <= deps.keys.chain_epoch() and not deps.codec.has_epoch(record.key_epoch):
            raise InvalidGrant(f"epoch withdrawn, session {text_of(token.id)}") from exc
        raise Unavailable("an epoch this environment has not seen yet") from exc
    assert record.token_hash is not None
    if not hmac.compare_digest(deps.codec.store_hash(successor), record.token_hash):
        raise InvalidGrant("superseded")
    return successor
