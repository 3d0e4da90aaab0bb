"""The ids of the Portal's users: how its tables keep them, and the one text by which the service knows them."""

import re
from enum import Enum

from auth_tokens.domain.ids import is_user_id, parse_uuid, uuid_text

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,19}", re.ASCII)
_MAX_INTEGER = 2**64 - 1


class IdForm(Enum):
    """How the Portal keeps ids. Its value is the word of the mapping."""

    TEXT = "text"
    INTEGER = "integer"
    UUID_BYTES = "uuid-bytes"
    # As UUID_TO_BIN(…, 1) of MySQL swaps them.
    UUID_BYTES_SWAPPED = "uuid-bytes-swapped"

    def canonical(self, text: str) -> str | None:
        """The text that `sub` and the service's tables have: a decimal without leading zeros, a UUID in lower case, or
        the text itself. None for a text that can be no user's id. Checked before SQL sees it."""
        if self is IdForm.TEXT:
            return text if is_user_id(text) else None
        if self is IdForm.INTEGER:
            return text if _DECIMAL.fullmatch(text) and int(text) <= _MAX_INTEGER else None
        identifier = parse_uuid(text)
        return uuid_text(identifier) if identifier else None
