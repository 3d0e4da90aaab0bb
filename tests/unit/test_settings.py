"""Origins and issuer: refused at start in any spelling that would match nothing, and where they are not https."""

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
@pytest.mark.parametrize("name", set(OTHERS) - {"a blank before", "nothing"})
@pytest.mark.parametrize("around", ["{}", "https://portal.example,{}", "{}, https://portal.example"])
def test_an_origin_in_another_spelling_is_refused_with_the_right_one(name: str, around: str) -> None:
    text, spelling = OTHERS[name]

    with pytest.raises(SettingsError) as refusal:
        settings(ALLOWED_ORIGINS=around.format(text))

    assert str(refusal.value).startswith("ALLOWED_ORIGINS must be ")
    assert (spelling or "https://portal.example") in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("name", set(ISSUERS) - {"a path", "nothing"})
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
