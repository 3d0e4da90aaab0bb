"""A spent token comes back: what it stood for is over, wherever it was shown (RFC 9700 §4.14.2)."""

from typing import Protocol

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.events import EventType, RevokeReason, SecurityEvent
from auth_tokens.domain.ids import text_of
from auth_tokens.domain.rotation import Reuse
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.ports.keys import Cipher, Keys
from auth_tokens.ports.tokens import TokenStore
from auth_tokens.usecases.metadata import MAX_TEXT, metadata_of


class ReuseDeps(Protocol):
    """Of a bundle of ports those that raise the alarm."""

    @property
    def store(self) -> TokenStore: ...
    @property
    def cipher(self) -> Cipher: ...
    @property
    def keys(self) -> Keys: ...


def close_reused(reuse: Reuse, caller: Caller, deps: ReuseDeps, now: int) -> None:
    """End the session, or the device with its sessions, and tell who showed the spent token and who had spent it;
    committed when this returns. Raises Unavailable."""
    record = reuse.row.record
    rotated_by = metadata_of(record, deps.cipher)
    detail: dict[str, str | int] = {
        "reuse_kind": reuse.kind.value,
        "generations_behind": reuse.generations_behind,
        "seconds_since_rotation": reuse.seconds_since_rotation,
        "token_type": record.kind.value,
        "device_id": text_of(record.device_id) if record.device_id else "",
        **_fingerprint("presented_by", caller, deps),
        **_fingerprint("rotated_by", Caller(rotated_by.address, rotated_by.user_agent), deps),
        **({"rotated_by_place": rotated_by.place} if rotated_by.place else {}),
        **caller.detail,
    }
    event = SecurityEvent(
        EventType.TOKEN_REUSE_DETECTED, now, record.user_id, record.id, caller.address, detail
    )
    if record.kind is TokenKind.DEVICE:
        deps.store.revoke_device(record.id, record.user_id, RevokeReason.REUSE, event)
    else:
        deps.store.revoke(record.id, RevokeReason.REUSE, event)


def _fingerprint(side: str, caller: Caller, deps: ReuseDeps) -> dict[str, str]:
    """Comparable with other events and sessions, and not readable: no raw address in an event.

    The address counts by its network; the user agent is cut as the row keeps it, else a long one would look
    like another one.
    """
    return {
        f"{side}_address": deps.keys.pseudonym("address", caller.network).hex(),
        f"{side}_user_agent": deps.keys.pseudonym("user-agent", caller.user_agent[:MAX_TEXT]).hex(),
    }
