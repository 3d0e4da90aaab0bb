"""Section legacy_tokens: what it may say beyond what the tests of the whole mapping check."""

import copy
import json
from typing import Any

import pytest

from auth_tokens.adapters.map_members import PortalMapError
from auth_tokens.adapters.portal_map import parsed
from auth_tokens.domain.legacy_tokens import LegacyTokens, StoredForm
from auth_tokens.domain.tokens import TokenKind
from tests.support.portals import FOLDER

DOCUMENT = json.loads((FOLDER / "knex-integer.json").read_text("utf-8"))


def section(**members: Any) -> LegacyTokens:
    """The example's, with other members."""
    document = copy.deepcopy(DOCUMENT)
    document["legacy_tokens"] |= members
    legacy = parsed(json.dumps(document)).legacy_tokens
    assert legacy is not None
    return legacy


def token(shape: str = "[0-9a-f]{80}", stored: Any = "plain") -> dict[str, Any]:
    return {"column": "token", "stored": stored, "shape": shape}


@pytest.mark.parametrize(
    "shape", ["[0-9a-f]{80}", "[A-Za-z0-9_-]{43}", "rt_[a-z]{1,64}", "[A-Za-z0-9+/]{40}={1,2}", "a[.]b"]
)
def test_a_shape_is_classes_and_characters_with_their_numbers(shape: str) -> None:
    assert section(token=token(shape)).shape.pattern == shape


@pytest.mark.parametrize(
    "shape",
    [
        "",
        ".*",
        "[a-z]+",
        "(a|b){3}",
        "(a{9}){9}",
        "[^a]{3}",
        r"\w{3}",
        "[z-a]{3}",
        "[a-z]{9,1}",
        "[a-z]{1000}",
        "^a",
        "a$",
        "[[:alpha:]]",
        "é",
        "a?",
    ],
)
def test_a_shape_that_could_be_slow_or_wide_is_refused(shape: str) -> None:
    with pytest.raises(PortalMapError, match="shape"):
        section(token=token(shape))


def test_a_dot_in_a_class_is_a_character() -> None:
    assert section(token=token("a[.]b")).shape.fullmatch("a-b") is None


def test_a_hash_with_a_key_has_the_key_as_a_ciphertext() -> None:
    keyed = section(token=token(stored={"hmac-sha256": "raw", "secret": {"kms": "AQID"}}))

    assert (keyed.stored, keyed.secret) == (StoredForm.SHA256_RAW, b"\1\2\3")
    for secret in ({"kms": "not base64!"}, {"kms": 5}, {"plain": "AQID"}, "AQID"):
        with pytest.raises(PortalMapError, match="secret"):
            section(token=token(stored={"hmac-sha256": "raw", "secret": secret}))


def test_types_are_named_each_once() -> None:
    named = section(type={"column": "type", "refresh": ["refresh", "web"], "device": ["device"]})

    assert named.kinds == {"refresh": TokenKind.REFRESH, "web": TokenKind.REFRESH, "device": TokenKind.DEVICE}
    for wrong in (
        {"column": "type"},
        {"column": "type", "refresh": ["a"], "device": ["a"]},
        {"all": "access"},
    ):
        with pytest.raises(PortalMapError, match="type"):
            section(type=wrong)


@pytest.mark.parametrize("instant", ["2027-01-10", "2027-01-10T06:00:00", "tomorrow", 5, None])
def test_an_instant_has_a_zone(instant: object) -> None:
    with pytest.raises(PortalMapError, match="accept_from must be an instant"):
        section(accept_from=instant)


def test_the_end_is_after_the_beginning() -> None:
    with pytest.raises(PortalMapError, match="accept_until must be after"):
        section(accept_until="2027-01-10T06:00:00Z")


def test_now_as_a_mark_needs_an_end_whose_kind_of_time_it_takes() -> None:
    document = copy.deepcopy(DOCUMENT)
    del document["legacy_tokens"]["ends"]

    with pytest.raises(PortalMapError, match="may be now only"):
        parsed(json.dumps(document))


def test_a_change_of_the_password_is_compared_with_a_time_that_is_there() -> None:
    document = copy.deepcopy(DOCUMENT)
    del document["legacy_tokens"]["created"]

    with pytest.raises(PortalMapError, match="lacks created"):
        parsed(json.dumps(document))


def test_the_services_own_table_is_none_of_the_portals() -> None:
    document = copy.deepcopy(DOCUMENT)
    del document["schema"]

    with pytest.raises(PortalMapError, match="own table"):
        parsed(json.dumps(document))


@pytest.mark.parametrize(
    ("form", "stored"),
    [
        (StoredForm.PLAIN, "abc"),
        (StoredForm.SHA256_HEX, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (StoredForm.SHA256_BASE64, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="),
        (StoredForm.SHA256_BASE64URL, "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"),
        (
            StoredForm.SHA256_RAW,
            bytes.fromhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ),
    ],
)
def test_what_the_portal_stores_of_abc(form: StoredForm, stored: str | bytes) -> None:
    """The example of FIPS 180-2, B.1."""
    assert form.of("abc") == stored


def test_what_it_stores_under_a_key() -> None:
    """RFC 4231 §4.3."""
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

    assert StoredForm.SHA256_HEX.of("what do ya want for nothing?", b"Jefe") == digest
