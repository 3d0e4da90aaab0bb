"""docs/reference/tokens.md and docs/token-vectors.json: recomputed by the code, for other languages to rely on."""

import base64
import json
import uuid
from dataclasses import replace
from typing import Any

import pytest

from auth_tokens.domain.bounds import MAX_ACCESS_TTL_S
from auth_tokens.domain.claims import IAT_LEEWAY_S, AccessTerms, build_claims
from auth_tokens.domain.keys import KeyState, Purpose, StoredKey
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import PREFIXES, MalformedToken, OpaqueToken, TokenCodec, TokenKind
from tests.docs.markdown import DOCS, code_blocks, plain, table
from tests.support.fakes import key_ring

PAGE = DOCS / "reference" / "tokens.md"
VECTORS = json.loads((DOCS / "token-vectors.json").read_text("utf-8"))
TOKENS: list[dict[str, Any]] = VECTORS["tokens"]
BY_NAME = {vector["name"]: vector for vector in TOKENS}


class OneKey:
    """Key table and wrapper at once: one data key, which is the vectors' own."""

    def all(self) -> list[StoredKey]:
        purpose, epoch, state = Purpose.TOKEN_CHAIN, VECTORS["epoch"], KeyState.ACTIVE
        return [StoredKey("token-chain.1", purpose, epoch, state, "HKDF-SHA-256", b"wrapped", None, 0)]

    def unwrap(self, ciphertext: bytes, context: dict[str, str]) -> bytes:
        return bytes.fromhex(VECTORS["data_key"])


KEYS = key_ring(OneKey(), OneKey())
CODEC = TokenCodec(KEYS.chain_keys)


def _token(vector: dict[str, Any]) -> OpaqueToken:
    return OpaqueToken(
        kind=TokenKind(vector["kind"]),
        epoch=vector["epoch"],
        id=uuid.UUID(vector["id"]).bytes,
        generation=vector["generation"],
        secret=bytes.fromhex(vector["secret"]),
    )


each_vector = pytest.mark.parametrize("vector", TOKENS, ids=[vector["name"] for vector in TOKENS])


def test_the_working_keys_are_derived_as_the_vectors_say() -> None:
    keys = KEYS.chain_keys(VECTORS["epoch"])

    assert keys is not None
    assert {name: getattr(keys, name).hex() for name in ("chain", "store", "tag")} == VECTORS["keys"]


@each_vector
def test_a_token_is_written_and_hashed_as_its_vector_says(vector: dict[str, Any]) -> None:
    token = _token(vector)

    assert CODEC.encode(token) == vector["token"]
    assert CODEC.store_hash(token).hex() == vector["token_hash"]


@each_vector
def test_a_vector_is_read_back_as_the_same_token(vector: dict[str, Any]) -> None:
    assert CODEC.parse(vector["token"], TokenKind(vector["kind"])) == _token(vector)


@each_vector
def test_tag_and_checksum_stand_where_the_page_says(vector: dict[str, Any]) -> None:
    raw = base64.urlsafe_b64decode(vector["token"][7:])

    assert (raw[55:71].hex(), raw[71:75].hex()) == (vector["tag"], vector["crc32"])


def test_the_chain_of_the_vectors_is_the_codes() -> None:
    first, second, third = (_token(vector) for vector in TOKENS[:3])

    assert CODEC.successor(first, first.epoch) == second
    assert CODEC.successor(second, second.epoch) == third


def test_the_csrf_token_is_the_codes() -> None:
    session = _token(BY_NAME[VECTORS["csrf_token"]["of"]])

    assert CODEC.csrf_token(session) == VECTORS["csrf_token"]["value"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["why"])
def test_a_refused_text_fails_at_the_check_named(vector: dict[str, str]) -> None:
    with pytest.raises(MalformedToken, match=f"^{vector['why']}$"):
        CODEC.parse(vector["token"], TokenKind.REFRESH)


def test_the_offline_check_of_the_page_knows_every_vector_and_no_broken_checksum() -> None:
    scope: dict[str, Any] = {}
    [snippet] = code_blocks(PAGE, "python")
    exec(snippet, scope)

    assert all(scope["is_token"](vector["token"]) for vector in TOKENS)
    known_by_checksum = {v["why"] for v in VECTORS["refused"] if scope["is_token"](v["token"])}
    assert known_by_checksum == {"version", "epoch", "tag"}
    assert not scope["is_token"]("aut_rt_" + "A" * 100)


def test_the_offline_check_is_short() -> None:
    [snippet] = code_blocks(PAGE, "python")

    assert len([line for line in snippet.splitlines() if line.strip()]) <= 10


def test_the_page_shows_the_first_vector() -> None:
    text = PAGE.read_text("utf-8")
    first, second = TOKENS[:2]
    shown = {row["What"]: plain(row["Value"]) for row in table(PAGE, "Test vectors", "What").rows}

    assert shown == {
        "data key": VECTORS["data_key"],
        "K_chain": VECTORS["keys"]["chain"],
        "K_store": VECTORS["keys"]["store"],
        "K_tag": VECTORS["keys"]["tag"],
        "kind, epoch, generation": f"{first['kind']}, {first['epoch']}, {first['generation']}",
        "id": first["id"],
        "secret": first["secret"],
        "tag": first["tag"],
        "CRC-32": first["crc32"],
        "token_hash": first["token_hash"],
        "secret of the successor": second["secret"],
    }
    assert first["token"] in text


def test_the_prefixes_are_the_codes() -> None:
    rows = table(PAGE, "Opaque tokens: refresh, device, session", "Kind").rows

    assert {plain(row["`kind` in the tag"]): plain(row["Prefix"]) for row in rows} == {
        kind.value: prefix for kind, prefix in PREFIXES.items()
    }


def test_the_claims_table_is_what_goes_into_an_access_token() -> None:
    row_id = uuid.UUID(TOKENS[0]["id"]).bytes
    record = replace(_record(row_id), device_id=row_id)
    claims = build_claims(record, AccessTerms(row_id, "s", 600), issuer="i", audience="a", now=0)
    kinds = {"text": str, "number": int, "list of texts": list}
    rows = table(PAGE, "Access tokens", "Claim").rows

    assert {plain(row["Claim"]): kinds[row["Type"]] for row in rows} == _types_of(claims)


def _types_of(members: dict[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in members.items()}


def test_the_leeway_and_longest_lifetime_are_the_codes() -> None:
    text = PAGE.read_text("utf-8")

    assert f"may be {IAT_LEEWAY_S} s ahead" in text
    assert f"at most {MAX_ACCESS_TTL_S} s" in text


def _record(row_id: bytes) -> TokenRecord:
    return TokenRecord(
        id=row_id,
        kind=TokenKind.REFRESH,
        user_id="u",
        device_id=None,
        client_id="c",
        scope="s",
        generation=0,
        token_hash=None,
        key_epoch=1,
        retry_key_hash=None,
        rotated_at=None,
        created_at=0,
        last_used_at=0,
        auth_time=0,
        acr="",
        amr=(),
        expires_at=1000,
        absolute_expires_at=1000,
    )
