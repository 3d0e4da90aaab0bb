"""Signed by the right key, and still refused: wrong content (RFC 9068 §4, RFC 8725 §3.8-3.12)."""

import json
from typing import Any

import pytest

from auth_tokens.domain.bounds import MAX_ACCESS_TTL_S
from auth_tokens.domain.claims import IAT_LEEWAY_S
from auth_tokens.usecases.introspect import introspect
from tests.security.kit import (
    ABSENT,
    ISSUER,
    Kit,
    assert_accepted,
    assert_refused,
    assert_refused_as_bearer,
    claims_text,
    forged,
    good_claims,
)
from tests.support.world import START


@pytest.mark.parametrize("name", sorted(good_claims()))
def test_a_claim_that_is_absent(kit: Kit, name: str) -> None:
    assert_refused(kit, forged(payload=good_claims(**{name: ABSENT})))


@pytest.mark.parametrize("name", sorted(good_claims()))
@pytest.mark.parametrize("value", [None, True, False, 1.5, {}, {"a": 1}, [[]], [None]], ids=repr)
def test_a_claim_of_a_wrong_type(kit: Kit, name: str, value: object) -> None:
    assert_refused(kit, forged(payload=good_claims(**{name: value})))


@pytest.mark.parametrize(
    "name", ["iss", "sub", "aud", "jti", "client_id", "scope", "acr", "sid", "device_id"]
)
@pytest.mark.parametrize("value", [0, 1, -1, START])
def test_a_number_for_a_text(kit: Kit, name: str, value: int) -> None:
    assert_refused(kit, forged(payload=good_claims(**{name: value})))


@pytest.mark.parametrize("name", ["sub", "jti", "client_id", "scope", "acr", "sid", "device_id"])
def test_a_list_for_a_text(kit: Kit, name: str) -> None:
    assert_refused(kit, forged(payload=good_claims(**{name: [good_claims()[name]]})))


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "jti", "client_id", "sid"])
def test_an_empty_text_where_there_must_be_one(kit: Kit, name: str) -> None:
    assert_refused(kit, forged(payload=good_claims(**{name: ""})))


@pytest.mark.parametrize(
    "value",
    [
        f'"{START + 600}"',
        '"9999999999"',
        '""',
        "true",
        "false",
        "null",
        "[]",
        f"[{START + 600}]",
        "{}",
        f"{START + 600}.0",
        f"{START + 600}.5",
        "1.8000006e9",
        "NaN",
        "Infinity",
        "1e400",
        "-1",
        "0",
        "-0.0",
        "9" * 20,
        "9" * 5000,
        str(2**31 - 1),
        str(2**40),
        str(2**63),
        "0x7fffffff",
        "١٨٠٠٠٠٠٦٠٠",
    ],
    ids=lambda value: value[:24],
)
@pytest.mark.parametrize("name", ["exp", "iat", "nbf", "auth_time"])
def test_an_instant_of_a_wrong_type_or_range(kit: Kit, name: str, value: str) -> None:
    allowed = {("auth_time", "0"), ("nbf", "0")}
    token = forged(payload=claims_text(name, value))

    if (name, value) in allowed:
        assert_accepted(kit, token)
    else:
        assert_refused(kit, token)


def test_exp_is_over_at_its_very_second(kit: Kit) -> None:
    token = forged(payload=good_claims(exp=START + 100))

    kit.clock.now = START + 99
    assert_accepted(kit, token)
    kit.clock.now = START + 100
    assert_refused(kit, token)
    kit.clock.now = START + 101
    assert_refused(kit, token)


def test_a_token_not_seen_before_its_exp_gets_no_leeway_either(kit: Kit) -> None:
    kit.clock.now = START + 100

    assert_refused(kit, forged(payload=good_claims(exp=START + 100)))


def texts_of(kit: Kit, token: str) -> set[str]:
    """What the challenges of our own routes and of the verifiers elsewhere say of a token."""
    headers = {"authorization": f"Bearer {token}"}
    own = kit.http(**headers)["headers"]["WWW-Authenticate"]
    challenges = (own, kit.by_python(headers).says, kit.by_javascript(headers).says)
    return {challenge.partition("error_description=")[2] for challenge in challenges}


def test_a_token_of_ours_past_its_exp_is_said_to_have_expired_and_no_other_is(kit: Kit) -> None:
    ours = forged(payload=good_claims(exp=START + 100))
    head, payload, _ = ours.split(".")
    elsewhere = forged(payload=good_claims(exp=START + 100, aud="elsewhere"))
    assert_accepted(kit, ours)

    kit.clock.now = START + 100

    assert texts_of(kit, ours) == {'"The access token has expired."'}
    assert texts_of(kit, forged(payload=good_claims(exp=START + 99))) == {'"The access token has expired."'}
    unsigned = f"{head}.{payload}.{'A' * 86}"
    assert texts_of(kit, unsigned) == texts_of(kit, elsewhere) == {'"The access token is not valid."'}


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_a_clock_somewhat_ahead_is_tolerated_and_no_more(kit: Kit, name: str) -> None:
    assert_accepted(kit, forged(payload=good_claims(**{name: START + IAT_LEEWAY_S})))
    assert_refused(kit, forged(payload=good_claims(**{name: START + IAT_LEEWAY_S + 1})))


def test_a_token_that_claims_to_live_longer_than_any_may(kit: Kit) -> None:
    assert_accepted(kit, forged(payload=good_claims(exp=START + MAX_ACCESS_TTL_S)))
    assert_refused(kit, forged(payload=good_claims(exp=START + MAX_ACCESS_TTL_S + 1)))


def test_exp_before_or_at_iat(kit: Kit) -> None:
    assert_refused(kit, forged(payload=good_claims(iat=START + 3, exp=START + 3)))
    assert_refused(kit, forged(payload=good_claims(iat=START + 3, exp=START + 2)))


def test_an_authentication_in_the_future(kit: Kit) -> None:
    assert_accepted(kit, forged(payload=good_claims(auth_time=START + IAT_LEEWAY_S)))
    assert_refused(kit, forged(payload=good_claims(auth_time=START + IAT_LEEWAY_S + 1)))


@pytest.mark.parametrize(
    "issuer",
    [
        "https://tokens.tes",
        "https://tokens.test/",
        "https://tokens.test.attacker.test",
        "https://tokens.test#",
        "https://tokens.test?",
        "https://TOKENS.test",
        "HTTPS://tokens.test",
        "http://tokens.test",
        "tokens.test",
        " https://tokens.test",
        "https://tokens.test\u0000",
        "https://tokens.test:443",
        "https://tоkens.test",
        "",
        "h",
        [ISSUER],
        [ISSUER, "https://attacker.test"],
        {ISSUER: True},
        {"0": ISSUER},
        "*",
        ".*",
    ],
    ids=ascii,
)
def test_an_issuer_that_is_not_the_whole_string(kit: Kit, issuer: object) -> None:
    assert_refused(kit, forged(payload=good_claims(iss=issuer)))


@pytest.mark.parametrize(
    "audience",
    [
        "porta",
        "portal ",
        "portal2",
        "Portal",
        "*",
        "",
        "portal other",
        "portal,other",
        [],
        ["other"],
        ["porta"],
        [["portal"]],
        ["portal", 1],
        ["portal", None],
        ["portal", {}],
        {"portal": 1},
        ["portal"] * 101,
    ],
    ids=lambda audience: json.dumps(audience)[:30],
)
def test_an_audience_that_is_not_ours(kit: Kit, audience: object) -> None:
    assert_refused(kit, forged(payload=good_claims(aud=audience)))


def test_one_of_several_audiences_may_be_ours(kit: Kit) -> None:
    assert_accepted(kit, forged(payload=good_claims(aud=["other", "portal"])))


UUID = "01900000-0000-7000-8000-00000000000a"


@pytest.mark.parametrize("name", ["sid", "jti", "device_id"])
@pytest.mark.parametrize(
    "value",
    [
        UUID.upper(),
        UUID.replace("-", ""),
        f"{{{UUID}}}",
        f"urn:uuid:{UUID}",
        f" {UUID}",
        f"{UUID} ",
        f"{UUID}\n",
        UUID[:-1],
        f"{UUID}0",
        UUID.replace("0", "٠"),
        UUID.replace("0", "０"),
        "1",
        "*",
        "' OR 1=1 -- ",
    ],
    ids=ascii,
)
def test_an_identifier_in_another_spelling(kit: Kit, name: str, value: str) -> None:
    assert_refused(kit, forged(payload=good_claims(**{name: value})))


SURROGATES = ['"\\ud800"', '"a\\udfff"', '"\\ud800\\ud800"']


@pytest.mark.parametrize("name", ["sub", "client_id", "scope", "acr", "device_id"])
@pytest.mark.parametrize("value", SURROGATES)
def test_a_text_that_utf_8_cannot_spell(kit: Kit, name: str, value: str) -> None:
    assert_refused(kit, forged(payload=claims_text(name, value)))


@pytest.mark.parametrize("name", ["amr", "labels", "aud"])
@pytest.mark.parametrize("value", SURROGATES)
def test_a_listed_text_that_utf_8_cannot_spell(kit: Kit, name: str, value: str) -> None:
    listed = f'["portal", {value}]'

    assert_refused(kit, forged(payload=claims_text(name, listed)))


@pytest.mark.parametrize(
    "subject",
    ["a b", "a\u0000", "a\nb", "á", "u" * 37, " ", "alice\u200b", "${aws:username}\u00a0"],
    ids=ascii,
)
def test_a_subject_that_can_be_nobodys_id(kit: Kit, subject: str) -> None:
    kit.store.records.clear()

    assert_refused(kit, forged(payload=good_claims(sub=subject)))


@pytest.mark.parametrize(
    "scope", [" ", "a  b", " a", "a ", 'a"b', "a\\b", "a\tb", "a\nb", "a\u0000", "á"], ids=ascii
)
def test_a_scope_that_is_no_scope(kit: Kit, scope: str) -> None:
    assert_refused(kit, forged(payload=good_claims(scope=scope)))


@pytest.mark.parametrize("name", ["amr", "labels"])
@pytest.mark.parametrize(
    "value",
    ["pwd", {"0": "pwd"}, [1], [None], [["pwd"]], [True], ["a", {}], ["a"] * 101, ["a" * 2049]],
    ids=lambda value: json.dumps(value)[:20],
)
def test_a_list_of_anything_but_texts(kit: Kit, name: str, value: object) -> None:
    assert_refused(kit, forged(payload=good_claims(**{name: value})))


@pytest.mark.parametrize("name", ["sub", "client_id", "scope", "acr"])
def test_a_text_without_end(kit: Kit, name: str) -> None:
    assert_refused(kit, forged(payload=good_claims(**{name: "a" * 2049})))


JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_a_token_bound_to_a_key_is_no_bearer_token(kit: Kit) -> None:
    token = forged(payload=good_claims(cnf={"jkt": JKT}))

    assert_refused_as_bearer(kit, token)

    shown = introspect(token, kit.sessions)
    assert (shown["active"], shown["token_type"], shown["cnf"]) == (True, "DPoP", {"jkt": JKT})


@pytest.mark.parametrize(
    "cnf",
    [
        {},
        None,
        JKT,
        [JKT],
        {"x5t#S256": "AAAA"},
        {"jkt": JKT, "x5t#S256": "AAAA"},
        {"jkt": JKT[:-1]},
        {"jkt": JKT + "A"},
        {"jkt": JKT[:-1] + "J"},
        {"jkt": JKT + "\n"},
        {"jkt": None},
        {"jkt": [JKT]},
        {"jkt": ""},
    ],
    ids=repr,
)
def test_a_token_bound_in_a_way_that_is_none_is_good_for_nothing(kit: Kit, cnf: object) -> None:
    assert_refused(kit, forged(payload=good_claims(cnf=cnf)))


def test_claims_that_are_not_ours_are_ignored(kit: Kit) -> None:
    assert_accepted(kit, forged(payload=good_claims(roles=["admin"], admin=True, nonce="n")))


def test_the_own_routes_refuse_a_session_of_somebody_else(kit: Kit) -> None:
    token = forged(payload=good_claims(sub="22222222-2222-7222-8222-222222222222"))

    response = kit.http(authorization=f"Bearer {token}")

    assert response["statusCode"] == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"typ": "Logout", "events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
        {"htm": "POST", "htu": "https://tokens.test/auth/token", "ath": "x"},
        {"nonce": "n", "at_hash": "x", "email": "a@example.com"},
    ],
    ids=["logout token", "DPoP proof", "ID token"],
)
def test_another_kind_of_token_by_the_same_key_lacks_what_an_access_token_has(
    kit: Kit, claims: dict[str, Any]
) -> None:
    shared = {name: good_claims()[name] for name in ("iss", "sub", "aud", "exp", "iat", "jti")}

    assert_refused(kit, forged(payload={**shared, **claims}))
