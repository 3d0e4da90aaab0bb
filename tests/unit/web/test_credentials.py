"""Which requests come from a page that has no business with our cookie, by what its browser says."""

import pytest

from auth_tokens.domain.errors import AccessDenied
from auth_tokens.web.credentials import is_cross_site, refuse_cross_site
from auth_tokens.web.request_head import RequestHead

ALLOWED = ("https://tokens.example", "https://portal.example")

# Origin, Sec-Fetch-Site (None: not sent), and whether the request is from elsewhere.
REQUESTS = {
    "no browser, or an old one at home": (None, None, False),
    "an old browser's allowed page": ("https://portal.example", None, False),
    "our own page": ("https://tokens.example", "same-origin", False),
    "our own page, reading": (None, "same-origin", False),
    "the user's own act": (None, "none", False),
    "an allowed page of the same site": ("https://portal.example", "same-site", False),
    "an allowed page of another site": ("https://portal.example", "cross-site", True),
    "another page of the same site": ("https://evil.example", "same-site", True),
    "another page of the same site, reading": (None, "same-site", True),
    "a page of another site": ("https://evil.test", "cross-site", True),
    "a page of another site, reading": (None, "cross-site", True),
    "an old browser's foreign page": ("https://evil.test", None, True),
    "a page without an origin": ("null", None, True),
    "a page without an origin that claims to be ours": ("null", "same-origin", True),
    "an empty origin": ("", None, True),
    "our origin in upper case": ("https://PORTAL.example", None, True),
    "our origin with its default port": ("https://portal.example:443", None, True),
    "our origin with a slash": ("https://portal.example/", None, True),
    "our origin by http": ("http://portal.example", None, True),
    "our origin and another": ("https://portal.example, https://evil.test", None, True),
    "a host that begins like ours": ("https://portal.example.evil.test", None, True),
    "a site that no browser knows": ("https://portal.example", "our-site", True),
    "a site that no browser knows, without an origin": (None, "our-site", True),
    "a site in upper case": (None, "CROSS-SITE", True),
    "an empty site": (None, "", True),
    "two sites": (None, "same-origin, cross-site", True),
}


@pytest.mark.parametrize(("origin", "site", "expected"), REQUESTS.values(), ids=REQUESTS)
def test_a_page_of_elsewhere_is_told_by_origin_and_site(
    origin: str | None, site: str | None, expected: bool
) -> None:
    named = {"origin": origin, "sec-fetch-site": site}
    headers = {name: value for name, value in named.items() if value is not None}
    head = RequestHead(method="POST", headers=headers, cookies={}, query=())

    assert is_cross_site(head, ALLOWED) is expected
    if expected:
        with pytest.raises(AccessDenied):
            refuse_cross_site(head, ALLOWED)
    else:
        refuse_cross_site(head, ALLOWED)
