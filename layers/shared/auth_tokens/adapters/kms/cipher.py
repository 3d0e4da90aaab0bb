"""Encryption at rest: AES-256-GCM, a key for each row, bound to table, column, row, user and generation.

ciphertext = version (1) | epoch (2) | nonce (12) | AES-256-GCM output with its 16-byte tag
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from auth_tokens.adapters.kms.keyring import KeyRing
from auth_tokens.domain.keys import Purpose
from auth_tokens.observability import Telemetry

_VERSION = 1
_HEADER_BYTES = 3
_NONCE_BYTES = 12


class RowCipher:
    """Port ports.keys.Cipher for one column of one table, e.g. "auth_user_tokens.metadata"."""

    def __init__(self, column: str, keys: KeyRing, telemetry: Telemetry) -> None:
        self._column = column.encode()
        self._keys = keys
        self._telemetry = telemetry

    def seal(self, plaintext: bytes, row_id: bytes, user_id: str, generation: int = 0) -> bytes:
        epoch, key = self._keys.current_row_key(Purpose.METADATA, self._column + row_id)
        header = bytes([_VERSION]) + epoch.to_bytes(2, "big")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        aad = self._aad(header, row_id, user_id, generation)
        return header + nonce + AESGCM(key).encrypt(nonce, plaintext, aad)

    def open(self, ciphertext: bytes, row_id: bytes, user_id: str, generation: int = 0) -> bytes | None:
        header, body = ciphertext[:_HEADER_BYTES], ciphertext[_HEADER_BYTES:]
        epoch = int.from_bytes(header[1:], "big")
        is_ours = header[:1] == bytes([_VERSION]) and len(body) > _NONCE_BYTES
        key = self._keys.row_key(Purpose.METADATA, epoch, self._column + row_id) if is_ours else None
        try:
            if key is None:
                raise InvalidTag
            nonce, sealed = body[:_NONCE_BYTES], body[_NONCE_BYTES:]
            return AESGCM(key).decrypt(nonce, sealed, self._aad(header, row_id, user_id, generation))
        except InvalidTag:
            self._telemetry.count("DecryptFailed")
            return None

    def _aad(self, header: bytes, row_id: bytes, user_id: str, generation: int) -> bytes:
        parts = (header, self._column, row_id, user_id.encode(), generation.to_bytes(4, "big"))
        return b"".join([len(part).to_bytes(2, "big") + part for part in parts])
