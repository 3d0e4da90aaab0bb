"""Keys and the states they go through. Plain key material is in none of these."""

from dataclasses import dataclass, field
from enum import Enum


class Purpose(Enum):
    """What a key is for; also its encryption context at KMS, so IAM can tell purposes apart."""

    SIGNING = "signing"
    TOKEN_CHAIN = "token-chain"
    METADATA = "metadata"


class KeyState(Enum):
    """Of a signing key: published → signing → retired → gone. Of a data key: active → gone."""

    PUBLISHED = "published"
    SIGNING = "signing"
    RETIRED = "retired"
    ACTIVE = "active"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One row. wrapped_key: ciphertext by KMS; public_jwk: of signing keys (RFC 7517)."""

    kid: str
    purpose: Purpose
    epoch: int
    state: KeyState
    algorithm: str
    wrapped_key: bytes | None = field(repr=False)
    public_jwk: dict[str, str] | None
    changed_at: int


@dataclass(frozen=True, slots=True)
class PublicKeyRow:
    """What a verifier needs of a signing key."""

    kid: str
    state: KeyState
    algorithm: str
    jwk: dict[str, str]
    changed_at: int


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """signing_age_s: how long a key signs; publish_wait_s: how long it is in the JWKS before it does;
    retire_wait_s: how long it stays there after it did."""

    signing_age_s: int = 30 * 86400
    # A day: every verifier's key cache (an hour at the most) has turned over many times.
    publish_wait_s: int = 86400
    # Two hours: a signer's own cache (5 min), the longest access token (1 h), and a margin for clocks.
    retire_wait_s: int = 7200


@dataclass(frozen=True, slots=True)
class Add:
    """Make a new signing key in this state."""

    epoch: int
    state: KeyState


@dataclass(frozen=True, slots=True)
class Advance:
    """Move a key on."""

    kid: str
    before: KeyState
    after: KeyState


Step = Add | Advance


def next_steps(keys: list[StoredKey], now: int, schedule: KeySchedule) -> list[Step]:
    """What is due on the signing keys, in the order to do it. keys: those not gone, oldest first.

    A successor signs before its predecessor retires, so there is never none; run twice, or half, the
    next run finds what is left.
    """
    signing = [key for key in keys if key.state is KeyState.SIGNING]
    published = [key for key in keys if key.state is KeyState.PUBLISHED]
    epoch = max((key.epoch for key in keys), default=0) + 1
    if not signing and not published:
        return [Add(epoch, KeyState.SIGNING)]
    return (
        _publish(signing, published, epoch, now, schedule)
        + _promote(signing, published, now, schedule)
        + [Advance(key.kid, KeyState.SIGNING, KeyState.RETIRED) for key in signing[:-1]]
        + _bury(keys, now, schedule)
    )


def _publish(
    signing: list[StoredKey], published: list[StoredKey], epoch: int, now: int, schedule: KeySchedule
) -> list[Step]:
    if published or not signing:
        return []
    age = now - signing[-1].changed_at
    is_due = age >= schedule.signing_age_s - schedule.publish_wait_s
    return [Add(epoch, KeyState.PUBLISHED)] if is_due else []


def _promote(
    signing: list[StoredKey], published: list[StoredKey], now: int, schedule: KeySchedule
) -> list[Step]:
    if not published:
        return []
    has_waited = now - published[0].changed_at >= schedule.publish_wait_s
    is_due = bool(signing) and now - signing[-1].changed_at >= schedule.signing_age_s
    # Without any key that signs (withdrawn in an emergency) the next one does not wait: verifiers look
    # an unknown `kid` up, and a token that some refuse for seconds beats no token at all.
    if signing and not (has_waited and is_due):
        return []
    retired = [Advance(key.kid, KeyState.SIGNING, KeyState.RETIRED) for key in signing[-1:]]
    return [Advance(published[0].kid, KeyState.PUBLISHED, KeyState.SIGNING), *retired]


def _bury(keys: list[StoredKey], now: int, schedule: KeySchedule) -> list[Step]:
    return [
        Advance(key.kid, KeyState.RETIRED, KeyState.GONE)
        for key in keys
        if key.state is KeyState.RETIRED and now - key.changed_at >= schedule.retire_wait_s
    ]
