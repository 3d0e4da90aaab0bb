"""A genuine token is presented without the key that it is bound to: most likely it was stolen."""

from typing import Protocol

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import RateLimited
from auth_tokens.domain.event_kinds import token_key_mismatch
from auth_tokens.domain.limits import KEY_MISMATCH_PER_TOKEN
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.ports.events import EventLog
from auth_tokens.ports.limits import Limiter


class OtherKeyDeps(Protocol):
    """The ports that the report needs."""

    @property
    def events(self) -> EventLog: ...
    @property
    def presentations(self) -> Limiter: ...


def report_other_key(
    record: TokenRecord, shown: str | None, caller: Caller, deps: OtherKeyDeps, now: int
) -> None:
    """Record it, at most once an hour for a session or device in an environment. shown: as of token_key_mismatch.
    Nothing is revoked: the token is of no use to whoever presents it. Raises Unavailable."""
    try:
        deps.presentations.hit(KEY_MISMATCH_PER_TOKEN, record.id.hex())
    except RateLimited:
        return
    deps.events.record(token_key_mismatch(record, shown, caller, now))
