"""Whoever writes the header may not choose algorithm, key or rules (RFC 8725 §3.1-3.2, 3.10-3.12)."""

import hashlib
import hmac
import itertools
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from auth_tokens.adapters.access_jwt.algorithms import public_jwk
from tests.security.kit import (
    ABSENT,
    Kit,
    assert_accepted,
    assert_refused,
    forged,
    good_claims,
    good_header,
    kid_of,
    private_key,
    segment,
    signature,
    stored_key,
)

PAYLOAD = segment(json.dumps(good_claims()).encode())


def unsigned(header: dict[str, Any], last: str = "") -> str:
    return f"{segment(json.dumps(header).encode())}.{PAYLOAD}.{last}"


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_a_token_put_together_by_hand_is_accepted_so_what_follows_is_refused_for_its_fault(
    kit: Kit, algorithm: str
) -> None:
    assert_accepted(kit, forged(algorithm=algorithm))


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
def test_the_type_is_matched_without_regard_to_case_or_its_prefix(kit: Kit, typ: str) -> None:
    assert_accepted(kit, forged(good_header(typ=typ)))


SPELLINGS = ["".join(pick) for pick in itertools.product("nN", "oO", "nN", "eE")]


@pytest.mark.parametrize("spelling", [*SPELLINGS, "none ", " none", "n\u006fne\u0000", "ｎｏｎｅ", ""])
def test_alg_none_in_every_spelling(kit: Kit, spelling: str) -> None:
    header = good_header(alg=spelling)
    good_signature = forged().split(".")[2]

    assert_refused(kit, unsigned(header))
    assert_refused(kit, unsigned(header, good_signature))
    assert_refused(kit, unsigned(header, segment(bytes(64))))


@pytest.mark.parametrize(
    "kid", [kid_of("ES256"), kid_of("RS256"), ABSENT, ""], ids=["ES256", "RS256", "absent", "empty"]
)
def test_alg_none_with_and_without_kid(kit: Kit, kid: object) -> None:
    assert_refused(kit, unsigned({"alg": "none", "typ": "at+jwt"} | ({} if kid is ABSENT else {"kid": kid})))


def public_key_texts(algorithm: str) -> list[bytes]:
    """What a verifier that takes the public key for an HMAC secret might feed to HMAC."""
    public_key = private_key(algorithm).public_key()
    pem = public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    jwk = public_jwk(public_key, algorithm)
    member = jwk.get("x") or jwk["n"]
    compact = json.dumps(jwk, separators=(",", ":")).encode()
    return [pem, pem.strip(), der, json.dumps(jwk).encode(), compact, member.encode(), b""]


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
@pytest.mark.parametrize("hmac_name", ["HS256", "HS384", "HS512", "hs256"])
def test_hmac_with_the_public_key(kit: Kit, algorithm: str, hmac_name: str) -> None:
    digest = getattr(hashlib, f"sha{hmac_name[2:]}")

    for secret in public_key_texts(algorithm):
        signing_input = unsigned(good_header(algorithm, alg=hmac_name))[:-1]
        mac = hmac.digest(secret, signing_input.encode(), digest)
        assert_refused(kit, f"{signing_input}.{segment(mac)}")


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_hmac_with_the_public_key_under_the_keys_own_alg(kit: Kit, algorithm: str) -> None:
    for secret in public_key_texts(algorithm):
        signing_input = unsigned(good_header(algorithm))[:-1]
        mac = hmac.digest(secret, signing_input.encode(), hashlib.sha256)
        assert_refused(kit, f"{signing_input}.{segment(mac)}")


NAMES = ["ES256", "RS256", "EdDSA", "ES384", "ES512", "ES256K", "RS384", "RS512", "PS256", "Ed25519"]


@pytest.mark.parametrize(
    ("key", "alg"), [(key, alg) for key in ("ES256", "RS256", "EdDSA") for alg in NAMES if alg != key]
)
def test_the_keys_own_algorithm_decides_not_the_headers(kit: Kit, key: str, alg: str) -> None:
    assert_refused(kit, forged(good_header(key, alg=alg), algorithm=key))


@pytest.mark.parametrize("alg", ["es256", "ES256 ", "ES-256", 256, None, True, ["ES256"], {"ES256": 1}])
def test_an_algorithm_in_another_spelling_or_type(kit: Kit, alg: object) -> None:
    assert_refused(kit, forged(good_header(alg=alg)))


def attackers_token(**members: object) -> str:
    """Signed by a key that is not the service's, with a header that offers it."""
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = public_jwk(key.public_key(), "ES256")
    offered = {name: jwk if value == "jwk" else value for name, value in members.items()}
    header = good_header(**{"kid": jwk["kid"], **offered})
    signing_input = unsigned(header)[:-1]
    return f"{signing_input}.{segment(_raw(key, signing_input))}"


def _raw(key: ec.EllipticCurvePrivateKey, signing_input: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    r, s = decode_dss_signature(key.sign(signing_input.encode(), ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.mark.parametrize("kid", ["jwk's own", kid_of("ES256")], ids=["jwk's own", "ES256"])
def test_embedded_jwk(kit: Kit, kid: str) -> None:
    own = {} if kid == "jwk's own" else {"kid": kid}

    assert_refused(kit, attackers_token(jwk="jwk", **own))
    assert_refused(kit, attackers_token(**own))


@pytest.mark.parametrize("kid", [{}, {"kid": kid_of("ES256")}], ids=["own kid", "the service's kid"])
@pytest.mark.parametrize(
    "member",
    [
        {"jku": "https://attacker.test/jwks.json"},
        {"jku": "https://tokens.test/.well-known/jwks.json"},
        {"x5u": "https://attacker.test/cert.pem"},
        {"x5u": "file:///etc/ssl/certs/ca-certificates.crt"},
        {"x5c": ["MIIB"]},
        {"x5t": "AAAA"},
        {"x5t#S256": "AAAA"},
        {"jwk": "jwk"},
    ],
    ids=lambda member: next(iter(member.items()))[0],
)
def test_a_header_that_locates_a_key_is_refused(
    kit: Kit, member: dict[str, object], kid: dict[str, str]
) -> None:
    assert_refused(kit, attackers_token(**member, **kid))


@pytest.mark.parametrize(
    "kid",
    [
        "https://attacker.test/jwks.json",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "data:application/json,{}",
        "../../../../dev/null",
        "/dev/null",
        "' OR '1'='1",
        "x' UNION SELECT 'key' -- ",
        "| sleep 5",
        "\u0000",
        "\n{}",
        "%s",
        "",
        "a" * 4000,
    ],
)
def test_a_kid_is_a_name_to_look_up_and_never_fetched(
    kit: Kit, kid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("something was fetched")

    monkeypatch.setattr("socket.socket.connect", no_network)
    monkeypatch.setattr("socket.getaddrinfo", no_network)
    monkeypatch.setattr("builtins.open", no_network)
    monkeypatch.setattr("os.open", no_network)

    assert_refused(kit, forged(good_header(kid=kid)))


@pytest.mark.parametrize("kid", [None, 0, 1.5, True, [], ["ES256"], {}, {"$ne": ""}])
def test_a_kid_that_is_no_text(kit: Kit, kid: object) -> None:
    assert_refused(kit, forged(good_header(kid=kid)))


@pytest.mark.parametrize(
    "members",
    [
        {"crit": []},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["alg"]},
        {"crit": ["kid"]},
        {"crit": ["absent"]},
        {"crit": ["b64"], "b64": False},
        {"crit": ["b64"], "b64": True},
        {"crit": ["http://example.com/UNDEFINED"], "http://example.com/UNDEFINED": True},
        {"crit": "exp"},
        {"crit": None},
        {"crit": {}},
        {"b64": False},
        {"b64": True},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
        {"cty": "JWT"},
        {"cty": "at+jwt"},
        {"iss": "https://tokens.test"},
        {"nonce": "n"},
        {"unknown": None},
    ],
    ids=lambda members: json.dumps(members)[:40],
)
def test_crit_b64_zip_and_any_member_but_ours(kit: Kit, members: dict[str, object]) -> None:
    assert_refused(kit, forged(good_header(**members)))


@pytest.mark.parametrize(
    "typ",
    [
        ABSENT,
        None,
        "",
        "JWT",
        "jwt",
        "application/jwt",
        "dpop+jwt",
        "logout+jwt",
        "client-authentication+jwt",
        "secevent+jwt",
        "token-introspection+jwt",
        "JOSE",
        "at+jwt ",
        " at+jwt",
        "at+jwt;charset=utf-8",
        "at jwt",
        "at_jwt",
        "x-at+jwt",
        "application/application/at+jwt",
        "text/at+jwt",
        "ａt+jwt",
        ["at+jwt"],
        True,
        0,
    ],
    ids=lambda typ: "absent" if typ is ABSENT else repr(typ),
)
def test_a_token_of_another_type_signed_by_the_same_key(kit: Kit, typ: object) -> None:
    assert_refused(kit, forged(good_header(typ=typ)))


@pytest.mark.parametrize("name", ["alg", "typ", "kid"])
def test_a_header_member_in_another_case_or_absent(kit: Kit, name: str) -> None:
    value = good_header()[name]

    assert_refused(kit, forged(good_header(**{name: ABSENT})))
    assert_refused(kit, forged(good_header(**{name: ABSENT, name.upper(): value})))


@pytest.mark.parametrize("header", [b"[]", b'"at+jwt"', b"null", b"1", b"true", b"{}", b"{", b" "])
def test_a_header_that_is_no_object_of_ours(kit: Kit, header: bytes) -> None:
    assert_refused(kit, forged(header))


@pytest.mark.parametrize(
    "twice",
    [
        '"alg":"none"',
        '"alg":"ES256"',
        '"alg":"HS256"',
        '"kid":"other"',
        '"typ":"JWT"',
        '"\\u0061lg":"none"',
    ],
)
def test_duplicate_members_in_the_header(kit: Kit, twice: str) -> None:
    once = json.dumps(good_header())[1:-1]

    assert_refused(kit, forged(f"{{{twice},{once}}}".encode()))
    assert_refused(kit, forged(f"{{{once},{twice}}}".encode()))


def test_a_key_stored_for_one_algorithm_signs_no_other() -> None:
    kit = Kit()
    kit.table.rows = [stored_key("RS256", 1)]

    assert_accepted(kit, forged(algorithm="RS256"))
    for alg in ("RS384", "RS512", "PS256", "PS384", "PS512"):
        header = good_header("RS256", alg=alg)
        assert_refused(kit, forged(header, algorithm="RS256"))


def test_a_signature_over_another_header_does_not_hold(kit: Kit) -> None:
    _, payload, mac = forged().split(".")
    other = segment(json.dumps(good_header(), indent=1).encode())

    assert_refused(kit, f"{other}.{payload}.{mac}")
    assert_accepted(kit, f"{other}.{payload}.{segment(signature(f'{other}.{payload}'.encode()))}")
