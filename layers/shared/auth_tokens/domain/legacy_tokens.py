"""The Portal's own refresh and device tokens, from before this service: where they are kept, and what is known of one.

docs/adoption.md has the members of the mapping, docs/adr/0040 the reasons of the take-over.
"""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256

from auth_tokens.domain.base64url import to_base64url
from auth_tokens.domain.portal_columns import Condition, TimeColumn
from auth_tokens.domain.tokens import PREFIXES, TokenKind

# A longer text is no token of the Portal: it is refused before the shape is looked at.
MAX_LEGACY_LENGTH = 512
# Claims are kept for this long after the last take-over.
CLAIM_RETENTION_S = 90 * 86_400


class StoredForm(Enum):
    """What the Portal's column holds of a token. The value is the word of the mapping."""

    PLAIN = "plain"
    SHA256_HEX = "sha256-hex"
    SHA256_BASE64 = "sha256-base64"
    SHA256_BASE64URL = "sha256-base64url"
    SHA256_RAW = "sha256-raw"

    def of(self, token: str, secret: bytes | None = None) -> str | bytes:
        """The stored value of a token. secret: of a keyed hash (HMAC-SHA-256); None for a plain one."""
        if self is StoredForm.PLAIN:
            return token
        digest = (
            sha256(token.encode()).digest() if secret is None else hmac.digest(secret, token.encode(), sha256)
        )
        match self:
            case StoredForm.SHA256_RAW:
                return digest
            case StoredForm.SHA256_HEX:
                return digest.hex()
            case StoredForm.SHA256_BASE64:
                return base64.b64encode(digest).decode()
            case _:
                return to_base64url(digest)


class EndKind(Enum):
    """Whether the Portal's end of a token moves with its use. An absolute one is kept by the session of ours."""

    ABSOLUTE = "absolute"
    IDLE = "idle"


class SeenAgain(Enum):
    """What is done about a token that is presented after its session went on: END the session, as it is a theft, or,
    where clients copy tokens, REFUSE the call alone."""

    END = "end"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Mark:
    """What the Portal's row gets when its token is taken over, so that the Portal accepts it no longer. now: an instant
    that has passed."""

    column: str
    value: int | str | None
    is_now: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyTokens:
    """Section legacy_tokens of the mapping. id, user, token, type, device_name: columns; cookie: a name of one.

    secret: ciphertext of the key of an HMAC; kinds: value of `type` → what that token is to us, a type that is not
    among them is never accepted; the empty one is every row's where the table has no types; live: all must hold;
    created_is_sign_in: whether a row is made at the sign-in and at no rotation; mark: None where the Portal's rows may
    not be written; accept_from, accept_until: epoch seconds.
    """

    table: str
    id: str
    user: str
    token: str
    stored: StoredForm
    secret: bytes | None = field(default=None, repr=False)
    shape: re.Pattern[str]
    type: str | None
    kinds: Mapping[str, TokenKind]
    live: tuple[Condition, ...]
    ends: TimeColumn | None
    end_kind: EndKind | None
    created: TimeColumn | None
    created_is_sign_in: bool
    client: str
    device_name: str | None
    cookie: str | None
    mark: Mark | None
    seen_again: SeenAgain
    accept_from: int
    accept_until: int

    def accepts(self, text: str, now: int) -> bool:
        """May this text be a token of the Portal that is taken over now? It costs no I/O to find out."""
        return self.accept_from <= now < self.accept_until and self._is_of_the_shape(text)

    def revokes(self, text: str, now: int) -> bool:
        """May this text be a token of the Portal that is revoked here now? For as long as claims are kept. Without
        I/O, too."""
        return self.accept_from <= now < self.keep_until and self._is_of_the_shape(text)

    def _is_of_the_shape(self, text: str) -> bool:
        if len(text) > MAX_LEGACY_LENGTH or text.startswith(tuple(PREFIXES.values())):
            return False
        return self.shape.fullmatch(text) is not None

    @property
    def keep_until(self) -> int:
        """How long a claim is kept, epoch seconds."""
        return self.accept_until + CLAIM_RETENTION_S


@dataclass(frozen=True, slots=True)
class LegacyRow:
    """A row of the Portal. id, stored: as the driver reads them; user_id: canonical text, None where it is no id;
    kind: None for a type that is not accepted; ends_at, created_at: epoch seconds, None where that is not known."""

    id: object
    user_id: str | None
    stored: str | bytes = field(repr=False)
    kind: TokenKind | None
    is_live: bool
    ends_at: int | None
    created_at: int | None
    device_name: str

    def holds(self, stored: str | bytes) -> bool:
        """Is it this value to the byte? A collation finds other spellings, too."""
        return hmac.compare_digest(_bytes(self.stored), _bytes(stored))


def _bytes(value: str | bytes) -> bytes:
    return value.encode(errors="surrogatepass") if isinstance(value, str) else value
