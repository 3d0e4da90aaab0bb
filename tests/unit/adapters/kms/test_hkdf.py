"""HKDF of one block is cryptography's own HKDF-SHA-256."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from auth_tokens.adapters.kms import hkdf
from auth_tokens.adapters.kms.hkdf import deriving


@pytest.mark.parametrize("label", [b"", b"chain", b"row auth_user_tokens.metadata" + bytes(range(16))])
def test_a_derived_key_is_that_of_the_library(label: bytes) -> None:
    key = bytes(range(32))

    expected = HKDF(SHA256(), 32, salt=None, info=b"auth-user-tokens " + label).derive(key)

    assert deriving(key)(label) == expected


def test_each_key_and_each_label_has_its_own() -> None:
    derived = {deriving(key)(label) for key in (b"a" * 32, b"b" * 32) for label in (b"x", b"y")}

    assert len(derived) == 4


def test_a_label_that_is_asked_for_twice_is_derived_once(monkeypatch: pytest.MonkeyPatch) -> None:
    derive, digests = deriving(b"k" * 32), []
    digest = hkdf.hmac.digest
    monkeypatch.setattr(hkdf.hmac, "digest", lambda *given: digests.append(given) or digest(*given))

    assert derive(b"row") == derive(b"row")
    assert len(digests) == 1
