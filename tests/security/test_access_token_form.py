"""One spelling, one parser, bounded work: everything else is refused before or at the JSON (RFC 8725 §3.4-3.7)."""

import base64
import json
import string
import time

import pytest

from auth_tokens.domain.nesting import MAX_NESTING
from tests.security.kit import (
    Kit,
    assert_accepted,
    assert_refused,
    claims_text,
    forged,
    good_claims,
    good_header,
    segment,
    signature,
)

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
SEGMENTS = {"header": 0, "payload": 1, "signature": 2}


def changed(token: str, index: int, text: str) -> str:
    """A token with one segment replaced and, where that is not the signature, signed again over the text as it is."""
    parts = token.split(".")
    parts[index] = text
    if index < 2:
        parts[2] = segment(signature(f"{parts[0]}.{parts[1]}".encode(errors="surrogatepass")))
    return ".".join(parts)


STRAYS = [
    "=",
    "==",
    "===",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "+",
    "/",
    "%3D",
    "*",
    "é",
    "Ａ",
    "\u200b",
    "~",
    ",",
]


@pytest.mark.parametrize("place", SEGMENTS)
@pytest.mark.parametrize("stray", STRAYS, ids=ascii)
def test_strays_and_padding_in_base64url(kit: Kit, place: str, stray: str) -> None:
    index = SEGMENTS[place]
    token = forged()
    text = token.split(".")[index]

    assert_refused(kit, changed(token, index, text + stray))
    assert_refused(kit, changed(token, index, stray + text))
    assert_refused(kit, changed(token, index, text[:10] + stray + text[10:]))


@pytest.mark.parametrize("place", SEGMENTS)
def test_the_alphabet_of_plain_base64(kit: Kit, place: str) -> None:
    index = SEGMENTS[place]
    # `>` and `?` at each of three places in a row: in base64url one of each must come out as `-` and `_`.
    header = json.dumps(good_header()).encode()[:-1] + b"}" + b" " * 3
    payload = claims_text("acr", '"~~~~????>>>>"')
    token = forged(header, payload)
    text = token.split(".")[index]
    with_dash = text if "-" in text or "_" in text else text[:20] + "-" + text[21:]

    assert_refused(kit, changed(token, index, with_dash.replace("-", "+").replace("_", "/")))


@pytest.mark.parametrize("place", SEGMENTS)
@pytest.mark.parametrize("extra", [0, 1, 2])
def test_spare_bits_that_are_not_zero(kit: Kit, place: str, extra: int) -> None:
    index = SEGMENTS[place]
    header = json.dumps(good_header()).encode() + b" " * extra
    payload = json.dumps(good_claims()).encode() + b" " * extra
    token = forged(header, payload)
    text = token.split(".")[index]
    spare = {0: 0, 2: 4, 3: 2}[len(text) % 4]
    last = ALPHABET.index(text[-1])

    assert_accepted(kit, token)
    for bits in range(1, 2**spare):
        assert_refused(kit, changed(token, index, text[:-1] + ALPHABET[last | bits]))


@pytest.mark.parametrize("place", SEGMENTS)
def test_a_segment_of_a_length_that_base64_does_not_have(kit: Kit, place: str) -> None:
    index = SEGMENTS[place]
    token = forged()
    text = token.split(".")[index]

    for length in (1, 5, 9):
        assert_refused(kit, changed(token, index, text[:length]))


@pytest.mark.parametrize("place", SEGMENTS)
def test_an_empty_segment(kit: Kit, place: str) -> None:
    assert_refused(kit, changed(forged(), SEGMENTS[place], ""))


def test_detached_payload(kit: Kit) -> None:
    header, _, mac = forged().split(".")

    assert_refused(kit, f"{header}..{mac}")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: ".",
        lambda t: "..",
        lambda t: "...",
        lambda t: t + ".",
        lambda t: "." + t,
        lambda t: t + "." + t,
        lambda t: t + t,
        lambda t: ".".join(t.split(".")[:2]),
        lambda t: t.rpartition(".")[0] + ".",
        lambda t: t + ".AAAA.AAAA",
        lambda t: t.replace(".", "..", 1),
        lambda t: t.replace(".", "%2E"),
        lambda t: t.upper(),
        lambda t: t.lower(),
        lambda t: t.swapcase(),
        lambda t: t[::-1],
        lambda t: "Bearer " + t,
        lambda t: '"' + t + '"',
        lambda t: t + "\0",
        lambda t: t.encode().hex(),
        lambda t: base64.urlsafe_b64encode(t.encode()).decode(),
        lambda t: "ey\ud800" + t,
    ],
    ids=[str(n) for n in range(22)],
)
def test_wrong_serialisations(kit: Kit, spoil: object) -> None:
    assert callable(spoil)
    assert_refused(kit, spoil(forged()))


def test_two_parsers_one_token_by_json_serialisation(kit: Kit) -> None:
    header, payload, mac = forged().split(".")
    flat = {"protected": header, "payload": payload, "signature": mac}
    general = {"payload": payload, "signatures": [{"protected": header, "signature": mac}]}
    mixed = f'{{"  {header}.{payload}.{mac}  ": 0, "protected": "{header}"}}'

    for text in (json.dumps(flat), json.dumps(general), mixed, json.dumps([forged()])):
        assert_refused(kit, text)


def test_a_jwe_is_not_taken_for_a_signed_token(kit: Kit) -> None:
    header = segment(json.dumps({"alg": "dir", "enc": "A256GCM", "typ": "at+jwt"}).encode())

    assert_refused(kit, f"{header}..{segment(bytes(12))}.{segment(bytes(40))}.{segment(bytes(16))}")


def test_a_nested_jwt(kit: Kit) -> None:
    inner = forged()

    assert_refused(kit, forged(payload=inner.encode()))
    assert_refused(kit, forged(payload=json.dumps(inner).encode()))
    assert_refused(kit, forged(good_header(cty="JWT"), inner.encode()))


@pytest.mark.parametrize("length", [8193, 16_384, 1_000_000])
def test_oversized_tokens_are_refused_quickly(kit: Kit, length: int) -> None:
    padded = forged(payload=json.dumps(good_claims()).encode() + b" " * length)
    started = time.process_time()

    assert_refused(kit, padded)
    assert_refused(kit, "A" * length)
    assert_refused(kit, "." * length)
    assert_refused(kit, "a." * (length // 2))

    assert time.process_time() - started < 1


def test_a_token_of_the_greatest_length_is_still_read(kit: Kit) -> None:
    claims = json.dumps(good_claims()).encode()
    room = (8192 - len(forged(payload=claims))) * 3 // 4

    token = forged(payload=claims + b" " * room)

    assert 8188 <= len(token) <= 8192
    assert_accepted(kit, token)


BOMBS = {
    "nested lists": b"[" * 6000,
    "closed nested lists": b"[" * 3000 + b"]" * 3000,
    "nested objects": b'{"a":' * 1200,
    "nested in a claim": claims_text("acr", "[" * 2500 + "]" * 2500),
    "an unknown claim, nested": claims_text("x", "[" * 2500 + "]" * 2500),
    "an unknown claim, nested a level too deep": claims_text("x", "[" * MAX_NESTING + "]" * MAX_NESTING),
    "5000 digits": claims_text("exp", "9" * 5000),
    "minus 5000 digits": claims_text("exp", "-" + "9" * 5000),
    "5000 digits in an unknown claim": claims_text("x", "9" * 5000),
    "4000 digits": claims_text("exp", "9" * 4000),
    "a long exponent": claims_text("exp", "1e" + "9" * 4000),
    "a long fraction": claims_text("exp", "1." + "9" * 4000),
    "1e400": claims_text("exp", "1e400"),
    "NaN": claims_text("exp", "NaN"),
    "Infinity": claims_text("exp", "Infinity"),
    "-Infinity": claims_text("iat", "-Infinity"),
    "NaN in an unknown claim": claims_text("x", "NaN"),
    "bad UTF-8": claims_text("acr", '"?"').replace(b"?", b"\xff"),
    "overlong UTF-8": claims_text("acr", '"?"').replace(b"?", b"\xc0\x80"),
    "a surrogate in UTF-8": claims_text("acr", '"?"').replace(b"?", b"\xed\xa0\x80"),
    "UTF-16": json.dumps(good_claims()).encode("utf-16"),
    "UTF-32": json.dumps(good_claims()).encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(good_claims()).encode(),
    "a raw NUL": claims_text("acr", '"\0"'),
    "a raw line break": claims_text("acr", '"\n"'),
    "single quotes": str(good_claims()).encode(),
    "a comment": b"/**/" + json.dumps(good_claims()).encode(),
    "something after": json.dumps(good_claims()).encode() + b"{}",
    "a trailing comma": json.dumps(good_claims()).encode()[:-1] + b",}",
    "a list": json.dumps([good_claims()]).encode(),
    "a text": b'"x"',
    "null": b"null",
    "a number": b"0",
    "an empty object": b"{}",
    "half an object": json.dumps(good_claims()).encode()[:-1],
}


def test_an_unknown_claim_may_nest_as_deep_as_we_say(kit: Kit) -> None:
    within = MAX_NESTING - 1  # the claims themselves are one

    assert_accepted(kit, forged(payload=claims_text("x", "[" * within + "]" * within)))


@pytest.mark.parametrize("payload", BOMBS.values(), ids=BOMBS)
def test_parser_bombs_and_broken_json_under_a_good_signature(kit: Kit, payload: bytes) -> None:
    started = time.process_time()

    assert_refused(kit, forged(payload=payload))

    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 5000,
        b'{"alg":' * 700,
        b'{"alg":' + b"9" * 5000 + b"}",
        b'{"alg":NaN}',
        b"\xff\xfe{}",
        b'{"a":1e400}',
    ],
    ids=["nested lists", "nested objects", "5000 digits", "NaN", "bad UTF-8", "1e400"],
)
def test_parser_bombs_in_the_header(kit: Kit, header: bytes) -> None:
    assert_refused(kit, forged(header))


@pytest.mark.parametrize(
    "twice",
    [
        '"exp": 99999999999',
        '"sub": "22222222-2222-7222-8222-222222222222"',
        '"iss": "https://tokens.test"',
        '"aud": "portal"',
        '"scope": "admin"',
        '"\\u0073ub": "x"',
    ],
)
def test_duplicate_members_in_the_payload(kit: Kit, twice: str) -> None:
    once = json.dumps(good_claims())[1:-1]

    assert_refused(kit, forged(payload=f"{{{twice}, {once}}}".encode()))
    assert_refused(kit, forged(payload=f"{{{once}, {twice}}}".encode()))


def test_duplicate_members_deeper_down(kit: Kit) -> None:
    assert_refused(kit, forged(payload=claims_text("x", '{"a": 1, "a": 2}')))
