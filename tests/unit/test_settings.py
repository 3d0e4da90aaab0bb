"""Settings are refused at start where they would match nothing or mean something else: origins, issuer, the edge."""

import pytest

from auth_tokens.settings import Settings, SettingsError
from tests.unit.domain.test_origins import BAD_PATHS, ORIGINS, OTHERS

REQUIRED = {
    "ISSUER": "https://tokens.example", "AUDIENCE": "a", "CLIENTS": '{"c": []}', "DB_HOST": "h", "DB_NAME": "n",
    "DB_USER": "u", "KMS_KEY_ID": "k",
}  # fmt: skip
LOCAL = {**REQUIRED, "ISSUER": "http://127.0.0.1:3000"}
ISSUERS = {
    **OTHERS,
    **{name: (f"https://tokens.example{path}", told) for name, (path, told) in BAD_PATHS.items()},
}


def settings(env: dict[str, str] = REQUIRED, **changes: str) -> Settings:
    return Settings.from_env({**env, **changes})


@pytest.mark.parametrize("issuer", ["https://tokens.example", "https://tokens.example:8443/auth/v1"])
def test_the_issuer_s_own_origin_is_allowed_first(issuer: str) -> None:
    own = "/".join(issuer.split("/")[:3])

    read = settings(ISSUER=issuer, ALLOWED_ORIGINS=f" https://portal.example ,,\t{own}, ")

    assert read.issuer == issuer
    assert read.allowed_origins == (own, "https://portal.example")


@pytest.mark.parametrize("origin", [origin for origin in ORIGINS if origin.startswith("https:")])
def test_an_origin_as_browsers_send_it_is_taken_as_it_is(origin: str) -> None:
    assert origin in settings(ALLOWED_ORIGINS=origin).allowed_origins


# Blanks around an origin part it from the next, no more.
@pytest.mark.parametrize("name", sorted(set(OTHERS) - {"a blank before", "nothing"}))
@pytest.mark.parametrize("around", ["{}", "https://portal.example,{}", "{}, https://portal.example"])
def test_an_origin_in_another_spelling_is_refused_with_the_right_one(name: str, around: str) -> None:
    text, spelling = OTHERS[name]

    with pytest.raises(SettingsError) as refusal:
        settings(ALLOWED_ORIGINS=around.format(text))

    assert str(refusal.value).startswith("ALLOWED_ORIGINS must be ")
    assert (spelling or "https://portal.example") in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("name", sorted(set(ISSUERS) - {"a path", "nothing"}))
def test_an_issuer_in_another_spelling_is_refused_with_the_right_one(name: str) -> None:
    text, spelling = ISSUERS[name]

    with pytest.raises(SettingsError) as refusal:
        settings(ISSUER=text)

    assert str(refusal.value).startswith("ISSUER must be ")
    assert (spelling or "https://tokens.example") in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "issuer", ["http://tokens.example", "http://192.168.0.1", "http://localhost.example/a"]
)
def test_an_issuer_that_is_not_https_is_refused_outside_local_mode(issuer: str) -> None:
    with pytest.raises(SettingsError, match="ISSUER must be https"):
        settings(ISSUER=issuer)


@pytest.mark.parametrize("origin", ["http://portal.example", "http://localhost:5173", "http://127.0.0.1"])
def test_an_origin_that_is_not_https_is_refused_outside_local_mode(origin: str) -> None:
    with pytest.raises(SettingsError, match="ALLOWED_ORIGINS must be https"):
        settings(ALLOWED_ORIGINS=f"https://portal.example, {origin}")


@pytest.mark.parametrize(
    "issuer",
    ["http://127.0.0.1:3000", "http://localhost:3000/base", "http://[::1]:3000", "https://localhost"],
)
def test_local_mode_is_where_the_issuer_is_on_a_loopback_address(issuer: str) -> None:
    assert settings(ISSUER=issuer).issuer == issuer


def test_in_local_mode_other_pages_may_be_http() -> None:
    assert "http://localhost:5173" in settings(LOCAL, ALLOWED_ORIGINS="http://localhost:5173").allowed_origins


HASH = "a" * 64
EDGE_SETTINGS = {
    "one hash": ({"EDGE_KEY_HASHES": HASH}, True),
    "four, with spaces": ({"EDGE_KEY_HASHES": f"{HASH}, {HASH},{HASH} ,{HASH}"}, True),
    "five": ({"EDGE_KEY_HASHES": ",".join([HASH] * 5)}, False),
    "a key instead of its hash": ({"EDGE_KEY_HASHES": "my-edge-key"}, False),
    "a hash that is cut": ({"EDGE_KEY_HASHES": HASH[:-1]}, False),
    "upper case": ({"EDGE_KEY_HASHES": HASH.upper()}, False),
    "an empty one among them": ({"EDGE_KEY_HASHES": f"{HASH},"}, False),
    "a header in capitals": ({"EDGE_KEY_HEADER": "X-Edge-Key"}, True),
    "a header of the standards": ({"EDGE_KEY_HEADER": "Authorization"}, False),
    "a header that is none": ({"EDGE_KEY_HEADER": "x-edge key"}, False),
    "required, with keys": ({"EDGE_REQUIRED": "yes", "EDGE_KEY_HASHES": HASH}, True),
    "required, without keys": ({"EDGE_REQUIRED": "yes"}, False),
    "another source": ({"EDGE_ADDRESS": "x-real-ip"}, False),
}


@pytest.mark.parametrize(("variables", "is_taken"), EDGE_SETTINGS.values(), ids=EDGE_SETTINGS)
def test_the_settings_of_the_edge_are_checked_at_start(variables: dict[str, str], is_taken: bool) -> None:
    if is_taken:
        settings(**variables)
    else:
        with pytest.raises(SettingsError, match=r"^EDGE_"):
            settings(**variables)


def test_an_edge_has_the_hashes_of_its_keys_and_no_key() -> None:
    edge = settings(EDGE_KEY_HASHES=f"{HASH},{'b' * 64}").edge()

    assert edge.key_hashes == (b"\xaa" * 32, b"\xbb" * 32)
    assert edge.header == "x-edge-key"
