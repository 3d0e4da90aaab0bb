"""One spelling for an origin, the browsers'; any other is told from it and shown the right one."""

import pytest

from auth_tokens.domain.origins import (
    is_issuer,
    is_loopback,
    is_origin,
    issuer_spelling,
    origin_of,
    origin_spelling,
)

ORIGINS = [
    "https://portal.example",
    "https://portal.example:8443",
    "https://portal.example:1",
    "https://portal.example:65535",
    "https://portal.example:80",
    "http://portal.example:443",
    "https://xn--mnchen-3ya.example",
    "https://my_host.example",
    "https://a-b.c--d.example",
    "https://3com.example",
    "https://t",
    "https://" + "a" * 63 + ".example",
    "https://192.0.2.7",
    "https://192.0.2.7:8443",
    "https://[2001:db8::1]",
    "https://[::1]:8443",
    "http://localhost:3000",
    "http://127.0.0.1:3000",
]
# What is written, and as what it would have to be; None where that cannot be told.
OTHERS = {
    "default port": ("https://portal.example:443", "https://portal.example"),
    "default port of http": ("http://portal.example:80", "http://portal.example"),
    "upper-case host": ("https://Portal.Example", "https://portal.example"),
    "upper-case scheme": ("HTTPS://portal.example", "https://portal.example"),
    "a slash": ("https://portal.example/", "https://portal.example"),
    "a path": ("https://portal.example/app", "https://portal.example"),
    "a query": ("https://portal.example?a=b", "https://portal.example"),
    "a fragment": ("https://portal.example#a", "https://portal.example"),
    "a user": ("https://user@portal.example", "https://portal.example"),
    "a user and a password": ("https://user:secret@portal.example:443/", "https://portal.example"),
    "an empty user": ("https://@portal.example", "https://portal.example"),
    "an empty port": ("https://portal.example:", "https://portal.example"),
    "zeros before the port": ("https://portal.example:08443", "https://portal.example:8443"),
    "a dot at the end": ("https://portal.example.", "https://portal.example"),
    "a blank before": (" https://portal.example", "https://portal.example"),
    "a line's end": ("https://portal.example\n", "https://portal.example"),
    "a blank of Unicode": ("https://portal.example\u00a0", "https://portal.example"),
    "upper-case IPv6": ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
    "port zero": ("https://portal.example:0", None),
    "port too great": ("https://portal.example:65536", None),
    "port in words": ("https://portal.example:https", None),
    "port in other digits": ("https://portal.example:\u0668", None),
    "IPv6 at length": ("https://[2001:db8:0:0:0:0:0:1]", None),
    "IPv6 with IPv4": ("https://[::ffff:192.0.2.7]", None),
    "IPv6 with a zone": ("https://[fe80::1%25eth0]", None),
    "IPv6 without brackets": ("https://2001:db8::1", None),
    "half a bracket": ("https://[::1", None),
    "IPv4 with zeros": ("https://192.0.02.7", None),
    "IPv4 cut short": ("https://127.1", None),
    "IPv4 as a number": ("https://2130706433", None),
    "IPv4 in hex": ("https://0x7f.1", None),
    "IPv4 too great": ("https://192.0.2.256", None),
    "beyond ASCII": ("https://m\u00fcnchen.example", None),
    "full width": ("https://\uff50ortal.example", None),
    "a wildcard": ("https://*.example", None),
    "an escape": ("https://portal%2eexample", None),
    "two dots": ("https://portal..example", None),
    "a dot before": ("https://.example", None),
    "a hyphen at a label's end": ("https://portal-.example", None),
    "a label too long": ("https://" + "a" * 64 + ".example", None),
    "a name too long": ("https://" + ".".join(["a" * 63] * 4), None),
    "a backslash": ("https://portal.example\\app", None),
    "a blank within": ("https://portal example", None),
    "another scheme": ("ftp://portal.example", None),
    "a scheme of apps": ("capacitor://localhost", None),
    "no scheme": ("portal.example", None),
    "no host": ("https://", None),
    "null": ("null", None),
    "everything": ("*", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize("text", ORIGINS)
def test_an_origin_as_browsers_send_it_is_one(text: str) -> None:
    assert is_origin(text)
    assert origin_spelling(text) == text


@pytest.mark.parametrize(("text", "spelling"), OTHERS.values(), ids=OTHERS)
def test_an_origin_in_another_spelling_is_none_and_the_right_one_is_told(
    text: str, spelling: str | None
) -> None:
    assert not is_origin(text)
    assert origin_spelling(text) == spelling


@pytest.mark.parametrize("path", ["", "/auth", "/auth/v1", "/a.b", "/a~b_c-d", "/...", "/$x+!*'()"])
def test_an_issuer_is_an_origin_with_or_without_a_path(path: str) -> None:
    issuer = f"https://tokens.example{path}"

    assert is_issuer(issuer)
    assert issuer_spelling(issuer) == issuer
    assert origin_of(issuer) == "https://tokens.example"


BAD_PATHS = {
    "a slash at the end": ("/auth/", "https://tokens.example/auth"),
    "a slash alone": ("/", "https://tokens.example"),
    "several slashes at the end": ("//", "https://tokens.example"),
    "a query": ("/auth?a", "https://tokens.example/auth"),
    "an empty query": ("/auth?", "https://tokens.example/auth"),
    "a fragment": ("/auth#a", "https://tokens.example/auth"),
    "an empty segment": ("/auth//v1", None),
    "a dot": ("/./auth", None),
    "two dots": ("/auth/..", None),
    "an escape": ("/a%20b", None),
    "a blank within": ("/a b", None),
    "a semicolon": ("/a;b", None),
    "beyond ASCII": ("/\u00e9", None),
    "a line's end": ("/auth\n", "https://tokens.example/auth"),
}


@pytest.mark.parametrize(("path", "spelling"), BAD_PATHS.values(), ids=BAD_PATHS)
def test_an_issuer_with_another_path_is_none(path: str, spelling: str | None) -> None:
    issuer = f"https://tokens.example{path}"

    assert not is_issuer(issuer)
    assert issuer_spelling(issuer) == spelling


@pytest.mark.parametrize(("text", "spelling"), OTHERS.values(), ids=OTHERS)
def test_an_issuer_whose_origin_is_spelled_otherwise_is_none(text: str, spelling: str | None) -> None:
    if text != "https://portal.example/app":
        assert not is_issuer(text)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://127.0.0.1:3000", True),
        ("http://127.255.0.1", True),
        ("http://localhost", True),
        ("http://portal.localhost:5173", True),
        ("http://[::1]:3000", True),
        ("http://128.0.0.1", False),
        ("http://[::2]", False),
        ("http://0.0.0.0", False),
        ("http://192.168.0.1", False),
        ("http://notlocalhost", False),
        ("http://localhost.example", False),
        ("http://127.0.0.1.example", False),
        ("null", False),
    ],
)
def test_a_loopback_origin_is_on_this_very_machine(origin: str, expected: bool) -> None:
    assert is_loopback(origin) is expected
