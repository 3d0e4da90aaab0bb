"""Where a session or device was last used: personal data, so encrypted in its row."""

import json
from dataclasses import dataclass, fields

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.ports.keys import Cipher

MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Metadata:
    """Address, user agent and place of the latest sign-in or refresh; of a device its name and platform, too.

    place: the text of a domain.places.Place, or empty; refresh_due_at: the state of domain.refresh_rate;
    refresh_tat_ms: the bucket of REFRESH_PER_SESSION. Sessions alone have the last two. They are kept here because
    each rotation writes this column anyway.
    """

    address: str = ""
    user_agent: str = ""
    name: str = ""
    platform: str = ""
    place: str = ""
    refresh_due_at: str = ""
    refresh_tat_ms: int = 0

    def seen_at(
        self, caller: Caller, refresh_due_at: str | None = None, refresh_tat_ms: int | None = None
    ) -> "Metadata":
        """A copy with the caller's address, user agent and place, and with these states where they are given."""
        return Metadata(
            address=caller.address,
            user_agent=caller.user_agent,
            name=self.name,
            platform=self.platform,
            place=caller.place.text if caller.place else "",
            refresh_due_at=self.refresh_due_at if refresh_due_at is None else refresh_due_at,
            refresh_tat_ms=self.refresh_tat_ms if refresh_tat_ms is None else refresh_tat_ms,
        )

    def sealed(self, cipher: Cipher, row_id: bytes, user_id: str, generation: int) -> bytes:
        """For the column `metadata` of this row at this generation; texts are cut to MAX_TEXT characters."""
        texts = (self.address, self.user_agent, self.name, self.platform, self.place, self.refresh_due_at)
        cut = [*(text[:MAX_TEXT] for text in texts), self.refresh_tat_ms]
        return cipher.seal(_utf8(cut), row_id, user_id, generation)


_to_json = json.JSONEncoder(ensure_ascii=False).encode


def _utf8(values: list[object]) -> bytes:
    """JSON without escapes, which would make twelve bytes of a character; a lone surrogate becomes `?`."""
    return _to_json(values).encode(errors="replace")


# A later version may append to the list; this one ignores members that it does not know.
_KNOWN = len(fields(Metadata))


def metadata_of(record: TokenRecord, cipher: Cipher) -> Metadata:
    """A row's metadata; empty where there is none or it cannot be trusted."""
    if record.metadata is None:
        return Metadata()
    plaintext = cipher.open(record.metadata, record.id, record.user_id, record.generation)
    return Metadata(*json.loads(plaintext)[:_KNOWN]) if plaintext is not None else Metadata()
