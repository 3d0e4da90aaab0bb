"""Rate limits of an attempt to sign in, before its password is verified."""

import hmac

from auth_tokens.domain.errors import RateLimited
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.limits import PRESENTED_PER_TOKEN
from auth_tokens.domain.login_limits import Admission, Attempt, admission
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import MalformedToken, OpaqueToken, TokenKind
from auth_tokens.domain.usernames import canonical_username
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.presentation import PresentedToken

# After a lost race others have filled the bucket, which the second read finds. More races mean contention.
MAX_RACES = 4


def admit(attempt: Attempt, deps: IssueDeps) -> Admission:
    """Count an attempt where there is room for it: one SELECT and one write.

    Raises RateLimited (one SELECT, nothing counted). Fails open.
    """
    for _ in range(MAX_RACES):
        levels = deps.limiter.levels(attempt.buckets)
        if levels is None:
            return Admission()
        admitted = admission(attempt, levels)
        if deps.limiter.take(admitted.takes, levels.at_ms):
            return admitted
    raise RateLimited(1, "contention")


def known_device(shown: PresentedToken, account: str, deps: IssueDeps, now: int) -> str:
    """The id of the device whose current token this is, if it is a live device of this account and client, and the key
    that it is bound to, if any, is proven; else empty. The token is not spent. A forged token costs no statement, a
    genuine one a SELECT, up to a limit of its own."""
    try:
        token = deps.codec.parse(shown.text, TokenKind.DEVICE)
        deps.presentations.hit(PRESENTED_PER_TOKEN, token.id.hex())
    except (MalformedToken, RateLimited):
        return ""
    record = deps.store.load(token.id)
    owner = record.owner_in_force(now) if record else None
    if record is None or owner is None or record.kind is not TokenKind.DEVICE:
        return ""
    is_theirs = canonical_username(owner.username) == account and record.client_id == shown.client_id
    is_proven = record.jkt in (None, shown.jkt)
    return uuid_text(record.id) if is_theirs and is_proven and _is_current(token, record, deps) else ""


def _is_current(token: OpaqueToken, record: TokenRecord, deps: IssueDeps) -> bool:
    return token.generation == record.generation and hmac.compare_digest(
        deps.codec.store_hash(token), record.token_hash or b""
    )
