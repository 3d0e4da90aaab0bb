"""A trusted backend vouches for a user whom it has recognised itself (SSO, MFA)."""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.claims import IAT_LEEWAY_S
from auth_tokens.domain.errors import AccessDenied, InvalidRequest, Unavailable
from auth_tokens.domain.grants import RepeatKey, SessionOptions
from auth_tokens.domain.ids import uuid7
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.sign_ins import SessionExists, SignInOvertaken
from auth_tokens.domain.tokens import OpaqueToken
from auth_tokens.usecases.answers import SessionTokens, token_answer
from auth_tokens.usecases.begin import Unread, begin_session_of
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.session_builder import SessionBuilder

# How long the same Idempotency-Key gets the same session again: enough for every retry of a caller that waits.
ISSUE_RETRY_S = 600

# For a trusted backend, which reads the same table.
_REFUSED_USER = "The user is unknown or disabled, or everything of the user was ended meanwhile."
_OTHER_REQUEST = "Idempotency-Key was used for another request."
_Begin = Callable[[RepeatKey | None], TokenAnswer]


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """Who was recognised, how (amr: RFC 8176 values) and when (auth_time: epoch seconds, default now).

    not_after: epoch seconds; no token of the session lives longer. retry_key: the caller's Idempotency-Key.
    """

    user_id: str
    amr: tuple[str, ...]
    acr: str = ""
    auth_time: int | None = None
    not_after: int | None = None
    options: SessionOptions = field(default_factory=SessionOptions)
    retry_key: str | None = field(default=None, repr=False)


def issue(request: IssueRequest, caller: Caller, deps: IssueDeps) -> TokenAnswer:
    """Start a session on a trusted backend's word.

    The same request with the same Idempotency-Key gets the same session with the same tokens for ISSUE_RETRY_S,
    while they are unused. Raises InvalidRequest (auth_time more than IAT_LEEWAY_S ahead of now, not_after past, or the
    key was used for another request or its session has gone on), AccessDenied (unknown or disabled user, mode not
    allowed), InvalidClient, InvalidScope, SessionLimitReached, Unavailable.
    """
    now, now_ms = deps.clock(), deps.clock_ms()
    if request.auth_time is not None and request.auth_time > now + IAT_LEEWAY_S:
        raise InvalidRequest("auth_time must not be in the future.")
    if request.not_after is not None and request.not_after <= now:
        raise InvalidRequest("not_after must be in the future.")
    if request.options.jkt is not None and not deps.policy.binds_keys:
        raise InvalidRequest("dpop_jkt is not taken here: no key is bound.")
    # A backend whose clock is ahead by at most the leeway has recognised the user just now.
    auth_time = now if request.auth_time is None else min(request.auth_time, now)
    how = Authentication(request.amr, request.acr, auth_time, not_after=request.not_after)

    builder = SessionBuilder(caller, deps, now)

    def begin(repeat: RepeatKey | None) -> TokenAnswer:
        try:
            return begin_session_of(Unread(request.user_id, now_ms, repeat), request.options, how, builder)
        except SignInOvertaken as exc:
            raise AccessDenied("unknown, disabled or overtaken", _REFUSED_USER) from exc

    if request.retry_key is None:
        return begin(None)
    return _once(request, f"{caller.principal}\0{request.retry_key}", begin, deps, now)


def _once(request: IssueRequest, key: str, begin: _Begin, deps: IssueDeps, now: int) -> TokenAnswer:
    """The session of a principal's key: the one that is there, or a new one."""
    slots = [RepeatKey(_session_id(key, slot, deps), key.encode()) for slot in _slots(now)]
    for _ in range(2):  # a second read finds what a simultaneous call has started
        for repeat in slots:
            record = deps.store.load(repeat.session_id)
            if record is not None and now - record.created_at < ISSUE_RETRY_S:
                return _again(request, repeat, record, deps, now)
        epoch = deps.keys.chain_epoch()
        try:
            answer = begin(replace(slots[0], request_hash=_request_hash(request, slots[0], epoch, deps)))
        except SessionExists:
            continue
        _check_owner(request, slots[0], deps)
        return answer
    raise Unavailable("contention")


def _slots(now: int) -> tuple[int, int]:
    """The time slots in which the key may have been used: this one and the one before."""
    return now // ISSUE_RETRY_S, now // ISSUE_RETRY_S - 1


def _session_id(key: str, slot: int, deps: IssueDeps) -> bytes:
    # A UUIDv7: its time is the start of the slot, its random bits are derived from the key.
    return uuid7(slot * ISSUE_RETRY_S * 1000, deps.keys.pseudonym("issue", f"{key}\0{slot}")[:10])


def _request_hash(request: IssueRequest, repeat: RepeatKey, epoch: int, deps: IssueDeps) -> bytes:
    options, device = request.options, request.options.device
    wanted = [options.kind.value, options.scope, options.client_id]
    if options.jkt is not None:  # left out else, so that a request of before its upgrade is known again
        wanted.append(options.jkt)
    named = (device.id, device.name, device.platform, device.remember)
    said = [request.user_id, request.amr, request.acr, request.auth_time]
    if request.not_after is not None:
        said.append(request.not_after)
    token = deps.codec.seeded(options.kind, epoch, repeat.session_id, 0, repeat.seed)
    return deps.keys.retry_key_hash(token, json.dumps([said, wanted, named]))


def _again(
    request: IssueRequest, repeat: RepeatKey, record: TokenRecord, deps: IssueDeps, now: int
) -> TokenAnswer:
    owner = record.owner
    if owner is not None and not owner.is_active:
        raise AccessDenied("disabled user", _REFUSED_USER)
    if (
        owner is None
        or record.generation > 0
        or not record.is_live(now)
        or not deps.codec.has_epoch(record.key_epoch)
    ):
        raise InvalidRequest("Idempotency-Key was used, and its session has gone on or ended.")
    asked = _request_hash(request, repeat, record.key_epoch, deps)
    if not hmac.compare_digest(record.retry_key_hash or b"", asked):
        raise InvalidRequest(_OTHER_REQUEST)
    token = _derived(record, repeat, deps)
    if token is None:
        raise Unavailable("the keys of a repeated issue have changed")
    device = (
        deps.store.load(record.device_id) if request.options.device.remember and record.device_id else None
    )
    device_token = _derived(device, repeat, deps) if device and device.is_live(now) else None
    policy = deps.policy.for_user(owner.config)
    return token_answer(SessionTokens(record, token, record.scope, policy, device_token), deps, now)


def _derived(record: TokenRecord, repeat: RepeatKey, deps: IssueDeps) -> OpaqueToken | None:
    """The row's current token, derived from the key's seed; None where it has another seed or is spent."""
    token = deps.codec.seeded(record.kind, record.key_epoch, record.id, record.generation, repeat.seed)
    is_current = hmac.compare_digest(deps.codec.store_hash(token), record.token_hash or b"")
    return token if is_current else None


def _check_owner(request: IssueRequest, repeat: RepeatKey, deps: IssueDeps) -> None:
    """Of two simultaneous requests for two users with one key, one owns the row and the other is refused."""
    record = deps.store.load(repeat.session_id)
    if record is None or record.user_id != request.user_id:
        raise InvalidRequest(_OTHER_REQUEST)
