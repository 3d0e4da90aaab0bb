import pytest

from auth_tokens.domain.dpop.places import place_of

GOOD = {
    "https://api.example.com/jobs": ("https://api.example.com", "/jobs"),
    "HTTPS://API.Example.COM/Jobs": ("https://api.example.com", "/Jobs"),
    "https://api.example.com:443/jobs": ("https://api.example.com", "/jobs"),
    "https://api.example.com:8443/jobs": ("https://api.example.com:8443", "/jobs"),
    "https://api.example.com": ("https://api.example.com", "/"),
    "https://api.example.com?a=1": ("https://api.example.com", "/"),
    "https://api.example.com/jobs?a=1#b": ("https://api.example.com", "/jobs"),
    "https://api.example.com/jobs#b": ("https://api.example.com", "/jobs"),
    "https://api.example.com/jobs/": ("https://api.example.com", "/jobs/"),
    "https://api.example.com/a/../b": ("https://api.example.com", "/a/../b"),
    "https://api.example.com//jobs": ("https://api.example.com", "//jobs"),
    "https://api.example.com/a%2Fb": ("https://api.example.com", "/a/b"),
    "https://api.example.com/a%252Fb": ("https://api.example.com", "/a%2Fb"),
    "https://api.example.com/%C3%A4": ("https://api.example.com", "/ä"),
    "https://api.example.com/a+b": ("https://api.example.com", "/a+b"),
    "wss://socket.example.com/prod": ("https://socket.example.com", "/prod"),
    "ws://127.0.0.1:3000/x": ("http://127.0.0.1:3000", "/x"),
    "http://127.0.0.1:80/x": ("http://127.0.0.1", "/x"),
    "https://[::1]:3000/x": ("https://[::1]:3000", "/x"),
}
BAD = {
    "empty": "",
    "relative": "/jobs",
    "without scheme": "//api.example.com/jobs",
    "another scheme": "ftp://api.example.com/jobs",
    "no host": "https:///jobs",
    "a user": "https://user@api.example.com/jobs",
    "a user and a password": "https://user:secret@api.example.com/jobs",
    "a user like the host": "https://api.example.com@evil.example/jobs",
    "a backslash": "https://api.example.com\\@evil.example/jobs",
    "a blank": "https://api.example.com/a b",
    "a line break": "https://api.example.com/jobs\n",
    "a tab in the scheme": "ht\ttps://api.example.com/jobs",
    "a NUL": "https://api.example.com/jobs\0",
    "letters beyond ASCII": "https://api.example.com/ä",
    "a host beyond ASCII": "https://äpi.example.com/jobs",
    "half an escape": "https://api.example.com/%2",
    "an escape of nothing": "https://api.example.com/%zz",
    "an escape that is no UTF-8": "https://api.example.com/%ff",
    "an escaped surrogate": "https://api.example.com/%ed%a0%80",
    "an empty port": "https://api.example.com:/jobs",
    "a port of letters": "https://api.example.com:https/jobs",
    "very long": "https://api.example.com/" + "a" * 2048,
}


@pytest.mark.parametrize(("url", "place"), GOOD.items(), ids=GOOD)
def test_a_url_names_one_place(url: str, place: tuple[str, str]) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize("url", BAD.values(), ids=BAD)
def test_what_is_no_absolute_url_of_http_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        place_of(url)
