"""Fields and cookies as RFC 9110 and RFC 6265bis read them: only space and tab are blank, only ASCII has a case."""

import pytest

from auth_tokens.domain.errors import InvalidAccessToken
from auth_tokens.web.credentials import bearer_token
from auth_tokens.web.request_head import SESSION_COOKIE, cookies_from, fields_from

# All that str.strip() or str.split() hold for blank, beyond space and tab.
OTHER_BLANKS = [chr(code) for code in range(0x110000) if chr(code).isspace() and chr(code) not in " \t"]
CONTROLS = [chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)) if chr(code) != "\t"]
INVISIBLE = ["\u200b", "\ufeff", "\u2060", "\u00ad", "\u180e"]
AROUND = sorted({*OTHER_BLANKS, *CONTROLS, *INVISIBLE})


@pytest.mark.parametrize("other", AROUND, ids=lambda text: f"{ord(text):x}")
def test_a_cookie_s_name_with_anything_but_a_blank_around_it_is_another_cookie(other: str) -> None:
    for pair in (f"{other}{SESSION_COOKIE}=x", f"{SESSION_COOKIE}{other}=x", f"{other} {SESSION_COOKIE}=x"):
        assert SESSION_COOKIE not in cookies_from([f"a=b; {pair}"])


@pytest.mark.parametrize("other", AROUND, ids=lambda text: f"{ord(text):x}")
def test_what_stands_around_a_cookie_s_value_belongs_to_it(other: str) -> None:
    assert cookies_from([f"{SESSION_COOKIE}={other}x{other}"]) == {SESSION_COOKIE: f"{other}x{other}"}


COOKIES = {
    "one": ("a=b", {"a": "b"}),
    "several": ("a=b; c=d", {"a": "b", "c": "d"}),
    "no blank between": ("a=b;c=d", {"a": "b", "c": "d"}),
    "blanks and tabs around": (" \ta=b\t ;\tc=d ", {"a": "b", "c": "d"}),
    "an equals sign in the value": ("a=b=c==", {"a": "b=c=="}),
    "an empty value": ("a=", {"a": ""}),
    "quotes belong to the value": ('a="b"', {"a": '"b"'}),
    "a comma parts nothing": ("a=b, c=d", {"a": "b, c=d"}),
    "a blank before the equals sign belongs to the name": ("a =b", {"a ": "b"}),
    "a blank after it belongs to the value": ("a= b", {"a": " b"}),
    "another case is another cookie": ("A=b; a=c", {"A": "b", "a": "c"}),
    "no name": ("=a=b", {}),
    "no equals sign": ("a; c=d", {"c": "d"}),
    "nothing": ("", {}),
    "separators alone": (";; ;", {}),
    "twice, other values": ("a=b; a=c; d=e", {"d": "e"}),
    "twice, the same value": ("a=b; a=b", {}),
    "three times": ("a=b; a=c; a=d", {}),
    "once empty": ("a=; a=b", {}),
    "once without an equals sign, so without a name": ("a; a=b", {"a": "b"}),
}


@pytest.mark.parametrize(("text", "cookies"), COOKIES.values(), ids=COOKIES)
def test_a_cookie_field_is_read_as_its_rfc_says(text: str, cookies: dict[str, str]) -> None:
    assert cookies_from([text]) == cookies


def test_a_cookie_twice_in_two_fields_counts_as_absent() -> None:
    assert cookies_from(["a=b", "a=c", "d=e"]) == {"d": "e"}


def test_what_is_no_text_among_the_cookies_is_left_out() -> None:
    assert cookies_from([None, 7, ["a=b"], "c=d"]) == {"c": "d"}


def test_very_many_cookies_are_read_in_their_time() -> None:
    many = "; ".join(f"c{number}={number}" for number in range(100_000))

    assert cookies_from([f"{many}; a=b; {many}"]) == {"a": "b"}


@pytest.mark.parametrize("name", ["coo\u212aie", "\u0130dempotency-key", "x-c\u017frf-token", "cookie\u00a0"])
def test_a_field_whose_name_is_not_ascii_is_left_out(name: str) -> None:
    assert fields_from([(name, "a=b")]) == {}


def test_blanks_around_a_field_s_value_are_no_part_of_it_and_others_are() -> None:
    fields = fields_from([("Origin", " \thttps://a "), ("X-CSRF-Token", "\u2000t\u00a0")])

    assert fields == {"origin": "https://a", "x-csrf-token": "\u2000t\u00a0"}


def test_fields_of_one_name_are_one_value_whatever_their_case() -> None:
    fields = fields_from([("Cookie", "a=b"), ("cookie", "c=d"), ("Origin", "https://a"), ("ORIGIN", "null")])

    assert fields == {"cookie": "a=b; c=d", "origin": "https://a, null"}


@pytest.mark.parametrize("value", [None, 7, ["Bearer x"], {"a": "b"}])
def test_a_field_whose_value_is_no_text_is_left_out(value: object) -> None:
    assert fields_from([("Authorization", value)]) == {}


@pytest.mark.parametrize("header", ["Bearer a.b-c_~+/==", "bearer a.b-c_~+/==", "BEARER   a.b-c_~+/== "])
def test_a_bearer_token_follows_its_scheme_and_spaces(header: str) -> None:
    assert bearer_token(header) == "a.b-c_~+/=="


BAD_BEARERS = {
    "empty": "",
    "a scheme alone": "Bearer",
    "no token": "Bearer  ",
    "a tab for a space": "Bearer\tx",
    "two tokens": "Bearer x y",
    "two fields": "Bearer x, Bearer y",
    "another scheme": "Basic x",
    "no space": "Bearerx",
    "a blank before": " Bearer x",
    "equals signs within": "Bearer a=b",
    "quotes": 'Bearer "x"',
    "not ascii": "Bearer \u00e9",
    "other digits": "Bearer \u0661",
    "a line's end": "Bearer x\n",
}


@pytest.mark.parametrize("header", BAD_BEARERS.values(), ids=BAD_BEARERS)
def test_what_is_no_bearer_token_is_refused(header: str) -> None:
    with pytest.raises(InvalidAccessToken):
        bearer_token(header)


@pytest.mark.parametrize("other", AROUND, ids=lambda text: f"{ord(text):x}")
def test_a_bearer_token_with_anything_but_spaces_around_it_is_refused(other: str) -> None:
    for header in (f"Bearer{other}x", f"Bearer {other}x", f"Bearer x{other}", f"{other}Bearer x"):
        with pytest.raises(InvalidAccessToken):
            bearer_token(header)
