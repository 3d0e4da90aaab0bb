"""Keys and the states they go through. Plain key material is in none of these.

published → in use → retired → gone: every cache can read a key before it is used, and it stays readable for as long
as a token or ciphertext made with it may be presented.
"""

from dataclasses import dataclass, field
from enum import Enum

# Maximum age of the rows by which an environment chooses its data keys. For an epoch that it has not seen it reads
# them again, at most once in PENALTY_S.
ROWS_MAX_AGE_S = 300
PENALTY_S = 30
# Maximum age for the signing key. Where no SELECT shows that keys have changed, a withdrawn key may sign for up to
# this long.
SIGNER_MAX_AGE_S = 30


class Purpose(Enum):
    """What a key is for; also its encryption context at KMS, so IAM can distinguish purposes."""

    SIGNING = "signing"
    TOKEN_CHAIN = "token-chain"
    METADATA = "metadata"

    # Each is one object. Enum's own hash is a function in Python, and a refresh looks up keys by their purpose eight
    # times: 3 % of its time.
    __hash__ = object.__hash__


class KeyState(Enum):
    """In use is `signing` for a signing key and `active` for a data key. Gone for ever: its ciphertext is erased."""

    PUBLISHED = "published"
    SIGNING = "signing"
    RETIRED = "retired"
    ACTIVE = "active"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One row. wrapped_key: ciphertext by KMS, None where KMS itself signs; public_jwk: of signing keys (RFC 7517)."""

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
    algorithm: str
    jwk: dict[str, str]
