"""What a deployment has switched off is said at each cold start."""

from dataclasses import replace

import pytest

from auth_tokens.settings import Settings, SettingsError
from tests.support import wiring
from tests.support.world import RecordedTelemetry

ENV = {
    "ISSUER": "https://tokens.test",
    "AUDIENCE": "portal",
    "CLIENTS": '{"portal-web": ["portal:read"]}',
    "DB_HOST": "db",
    "DB_NAME": "portal",
    "DB_USER": "u",
    "KMS_KEY_ID": "k",
    "SECURITY_BUS": "bus",
    "ADMIN_LABEL": "admin",
}
OFF = {
    "DB_TLS": "off",
    "SECURITY_BUS": "",
    "RETRY_WINDOW_S": "0",
    "REMEMBER_DEVICES": "no",
    "NOTIFY_NEW_DEVICE": "no",
    "ACCOUNT_SCOPE": "",
    "ADMIN_LABEL": "",
    "ADMIN_MAX_AUTH_AGE_S": "0",
    "ADMIN_ENDING_MAX_AUTH_AGE_S": "0",
    "ADMIN_REQUIRED_ACR": "",
    "DPOP_NONCE": "off",
}


def test_with_nothing_switched_off_the_list_is_empty() -> None:
    assert Settings.from_env(ENV).switched_off == []


@pytest.mark.parametrize("name", OFF)
def test_what_is_switched_off_is_named(name: str) -> None:
    settings = Settings.from_env({**ENV, "DB_AUTH": "password", name: OFF[name]})

    assert settings.switched_off == [name]


def test_left_out_is_not_switched_off_where_the_default_is_on() -> None:
    settings = Settings.from_env({name: text for name, text in ENV.items() if name != "ADMIN_REQUIRED_ACR"})

    assert settings.admin_requirements().acr_values == ("urn:auth-user-tokens:acr:password",)


def test_a_cold_start_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry = RecordedTelemetry()
    settings = replace(Settings.from_env(ENV), notify_new_device="no")
    monkeypatch.setattr("auth_tokens.bootstrap.container.load_settings", lambda: settings)

    parts = wiring.Container(telemetry)
    assert telemetry.lines == []
    parts.telemetry.outcome("request", status=200)
    parts.telemetry.outcome("request", status=200)

    assert telemetry.lines == [
        ("settings", {"switched_off": ["NOTIFY_NEW_DEVICE"]}),
        ("request", {"status": 200}),
        ("request", {"status": 200}),
    ]


@pytest.mark.parametrize("scope", ["two scopes", " ", 'a"b', "ümlaut", "a\\b"])
def test_an_account_scope_that_is_none_stops_the_cold_start(scope: str) -> None:
    with pytest.raises(SettingsError, match="ACCOUNT_SCOPE"):
        Settings.from_env({**ENV, "ACCOUNT_SCOPE": scope})
