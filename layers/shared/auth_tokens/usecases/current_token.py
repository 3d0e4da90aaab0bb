"""The current token of a session whose first one is derived from a key that the caller holds (docs/adr/0026)."""

import hmac

from auth_tokens.domain.errors import InvalidGrant
from auth_tokens.domain.grants import RepeatKey
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import OpaqueToken
from auth_tokens.usecases.issue_deps import IssueDeps

# A repeat derives at most this many generations: more than the refreshes possible while a device token may be retried.
MAX_STEPS = 1000


def current_token(session: TokenRecord, repeat: RepeatKey, first_epoch: int, deps: IssueDeps) -> OpaqueToken:
    """Derived from the first: another window may have refreshed it already. Raises InvalidGrant where it cannot be."""
    token = deps.codec.seeded(session.kind, first_epoch, session.id, 0, repeat.seed)
    for _ in range(min(session.generation, MAX_STEPS)):
        token = deps.codec.successor(token, session.key_epoch)
    if not hmac.compare_digest(deps.codec.store_hash(token), session.token_hash or b""):
        raise InvalidGrant(f"out of reach, session {uuid_text(session.id)}")
    return token
