"""Who may use the paths of local mode: programs and its own pages. A page of elsewhere gets nothing."""

import pytest

from local.http.messages import GatewayRequest
from local.http.visitors import refuse_foreign_host, refuse_foreign_page

LINK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def asked(method: str = "GET", **headers: str) -> GatewayRequest:
    """A request to 127.0.0.1:3000, with more headers (`_` for `-`)."""
    fields = {"Host": "127.0.0.1:3000", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return GatewayRequest(method, "/", headers=tuple(fields.items()))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:3000",
        "127.0.0.1",
        "127.1.2.3:80",
        "localhost:3000",
        "LOCALHOST",
        "[::1]:3000",
        "app.localhost:5173",
        "host.docker.internal:3000",
    ],
)
def test_a_name_of_this_machine_is_served(host: str) -> None:
    assert refuse_foreign_host(asked(Host=host)) is None


def test_a_program_that_names_no_host_is_served() -> None:
    assert refuse_foreign_host(GatewayRequest("GET", "/")) is None


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example:3000",
        "127.0.0.1.attacker.example",
        "localhost.attacker.example",
        "attacker.example#.localhost",
        "xlocalhost",
        "docker.internal",
        "192.168.0.7:3000",
        "127.0.0.1:3000, attacker.example",
        "",
    ],
)
def test_a_name_that_was_led_here_is_refused(host: str) -> None:
    response = refuse_foreign_host(asked(Host=host))

    assert response is not None
    assert response.status == 421


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {}),
        ("GET", {"Sec_Fetch_Site": "none", **LINK}),
        ("GET", {"Sec_Fetch_Site": "same-origin"}),
        ("POST", {"Sec_Fetch_Site": "same-origin", "Origin": "http://127.0.0.1:3000"}),
        ("POST", {"Origin": "http://localhost:3000", "Host": "localhost:3000"}),
        ("GET", {"Sec_Fetch_Site": "cross-site", **LINK}),
    ],
    ids=["program", "typed address", "own page", "own page's POST", "by the other name", "link of elsewhere"],
)
def test_programs_own_pages_and_links_are_served(method: str, headers: dict[str, str]) -> None:
    assert refuse_foreign_page(asked(method, **headers)) is None


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "cors", "Sec_Fetch_Dest": "empty"}),
        ("GET", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "script"}),
        ("GET", {"Sec_Fetch_Site": "cross-site", **LINK, "Sec-Fetch-Dest": "iframe"}),
        ("GET", {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"}),
        ("POST", {"Sec_Fetch_Site": "cross-site", **LINK, "Origin": "https://attacker.example"}),
        ("POST", {"Origin": "https://attacker.example"}),
        ("POST", {"Origin": "http://127.0.0.1:5173"}),
        ("POST", {"Origin": "null"}),
        ("GET", {"Origin": "http://localhost:3000"}),
    ],
    ids=["fetch", "script", "frame", "image", "form", "no metadata", "other port", "sandbox", "other name"],
)
def test_a_page_of_elsewhere_is_refused(method: str, headers: dict[str, str]) -> None:
    response = refuse_foreign_page(asked(method, **headers))

    assert response is not None
    assert response.status == 403
