"""Reuse of a spent token: its session or device is revoked, at every endpoint (RFC 9700 §4.14.2)."""

from typing import Protocol

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.event_kinds import Evidence, token_reuse_detected
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.rotation import Reuse
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.ports.keys import Cipher, Keys
from auth_tokens.ports.tokens import TokenStore
from auth_tokens.usecases.row_metadata import MAX_TEXT, metadata_of


class ReuseDeps(Protocol):
    """The ports that a revocation for reuse needs."""

    @property
    def store(self) -> TokenStore: ...
    @property
    def cipher(self) -> Cipher: ...
    @property
    def keys(self) -> Keys: ...


def revoke_reused(reuse: Reuse, caller: Caller, deps: ReuseDeps, now: int) -> None:
    """Revoke the session, or the device with its sessions, and record who presented the spent token and who had spent
    it; committed when this returns. Raises Unavailable."""
    record = reuse.row.record
    rotated_by = metadata_of(record, deps.cipher)
    evidence = Evidence(
        *_fingerprint(caller, deps),
        *_fingerprint(Caller(rotated_by.address, rotated_by.user_agent), deps),
        rotated_by.place,
    )
    event = token_reuse_detected(reuse, evidence, caller, now)
    if record.kind is TokenKind.DEVICE:
        deps.store.revoke_device(record.id, record.user_id, RevokeReason.REUSE, event)
    else:
        deps.store.revoke(record.id, RevokeReason.REUSE, event)


def _fingerprint(caller: Caller, deps: ReuseDeps) -> tuple[str, str]:
    """Keyed hashes of address and user agent, comparable with other events and sessions: no raw address in an event.

    The address counts by its network. The user agent is cut as in the row, so that the same one has the same hash.
    """
    return (
        deps.keys.pseudonym("address", caller.network).hex(),
        deps.keys.pseudonym("user-agent", caller.user_agent[:MAX_TEXT]).hex(),
    )
