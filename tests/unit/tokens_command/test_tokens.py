"""Tokens decoded offline: the published vectors, JWTs, and what is neither."""

import base64
import json

import pytest

from auth_tokens.domain.ids import uuid_time
from tests.docs.markdown import DOCS
from tokens_command.tokens import NoToken, decode, is_token

VECTORS = json.loads((DOCS / "token-vectors.json").read_text("utf-8"))["tokens"]
SID = "01900000-0000-7000-8000-000000000001"


def jwt(header: object, claims: object, signature: str = "c2ln") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in (header, claims)]
    return ".".join([*parts, signature])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_a_token_shows_what_it_is_of_and_never_its_secret(vector: dict[str, object]) -> None:
    decoded = decode(str(vector["token"]))

    wanted = {name: vector[name] for name in ("kind", "id", "generation", "epoch")}
    assert {**decoded.view, **wanted} == decoded.view
    assert decoded.row_id == vector["id"]
    made_at = uuid_time(bytes.fromhex(decoded.row_id.replace("-", "")))
    assert decoded.view["session_or_device_made_at"] == made_at
    assert str(vector["secret"]) not in json.dumps(decoded.view)


def test_a_jwt_shows_its_header_and_claims_and_leads_to_its_session() -> None:
    token = jwt({"alg": "ES256", "kid": "k"}, {"sub": "u", "sid": SID})

    decoded = decode(token)

    assert (decoded.row_id, decoded.view["verified"]) == (SID, False)
    assert decoded.view["header"]["kid"] == "k"
    assert is_token(token)


TOKEN = str(VECTORS[0]["token"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (TOKEN[:-1], "shape is wrong"),
        (TOKEN + "A", "shape is wrong"),
        (TOKEN[:50] + ("A" if TOKEN[50] != "A" else "B") + TOKEN[51:], "checksum is wrong"),
        (TOKEN[:50] + "!" + TOKEN[51:], "alphabet is wrong"),
        ("", "neither a token"),
        ("aut_xx_" + TOKEN[7:], "neither a token"),
        ("a.b", "neither a token"),
        ("a.b.c", "no base64url"),
        ("é.b.c", "no base64url"),
        (jwt([], {}), "no JSON objects"),
        (jwt({}, 7), "no JSON objects"),
    ],
)
def test_what_is_no_token_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(NoToken, match=why):
        decode(text)


@pytest.mark.parametrize("text", ["alice@example.com", SID, "", "a.b.c", "eyJ"])
def test_names_and_ids_are_not_taken_for_tokens(text: str) -> None:
    assert not is_token(text)
