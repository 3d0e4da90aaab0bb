"""What is remembered about where a session or device was seen: personal, so encrypted in its row."""

import json
from dataclasses import dataclass

from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.usecases.ports import Cipher

MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Metadata:
    """Address and user agent of the latest sign-in or refresh; of a device its name and platform, too."""

    address: str = ""
    user_agent: str = ""
    name: str = ""
    platform: str = ""

    def sealed(self, cipher: Cipher, row_id: bytes, user_id: str) -> bytes:
        """For the column `metadata` of this row; texts are cut to MAX_TEXT characters."""
        values = (self.address, self.user_agent, self.name, self.platform)
        cut = [value[:MAX_TEXT] for value in values]
        return cipher.seal(_utf8(cut), row_id, user_id)


def _utf8(texts: list[str]) -> bytes:
    """JSON without escapes, which would make twelve bytes of a character; a lone surrogate becomes `?`."""
    return json.dumps(texts, ensure_ascii=False).encode(errors="replace")


def metadata_of(record: TokenRecord, cipher: Cipher) -> Metadata:
    """A row's metadata; empty where there is none or it cannot be trusted."""
    if record.metadata is None:
        return Metadata()
    plaintext = cipher.open(record.metadata, record.id, record.user_id)
    return Metadata(*json.loads(plaintext)) if plaintext is not None else Metadata()
