"""Settings are refused at start where they are out of bounds, would match nothing or mean something else."""

import json

import pytest

from auth_tokens.domain.acr import DEVICE_ACR, LEGACY_ACR, PASSWORD_ACR
from auth_tokens.settings import Settings, SettingsError
from tests.support.declared_settings import SETTINGS, DeclaredSetting
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


NUMBERS = [setting for setting in SETTINGS if setting.bounds]
# Texts that are no whole number anywhere: signs, blanks, digits of other scripts, more than twelve digits.
NO_NUMBERS = ("-1", "+60", " 60", "60 ", "6_0", "1e3", "60.0", "٦٠", "²", "0" * 13, "x")


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.name)
def test_a_number_is_taken_up_to_both_its_bounds_and_refused_beyond_with_them(
    number: DeclaredSetting,
) -> None:
    assert number.bounds
    low, high = number.bounds

    for taken in (low, high):
        assert getattr(settings(**{number.variable: str(taken)}), number.name) == taken
    for text in (str(low - 1), str(high + 1), *NO_NUMBERS):
        with pytest.raises(SettingsError) as refusal:
            settings(**{number.variable: text})
        assert str(refusal.value) == f"{number.variable} must be a whole number from {low} to {high}"


@pytest.mark.parametrize("choice", [s for s in SETTINGS if s.choices], ids=lambda choice: choice.name)
def test_a_choice_is_one_of_its_values_to_the_letter(choice: DeclaredSetting) -> None:
    for text in (choice.choices[0].upper() + "x", f"{choice.choices[0]} ", "None"):
        with pytest.raises(SettingsError) as refusal:
            settings(**{choice.variable: text})
        assert str(refusal.value) == f"{choice.variable} must be one of {', '.join(choice.choices)}"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_an_empty_variable_is_one_that_is_absent_but_where_empty_switches_off(
    setting: DeclaredSetting,
) -> None:
    if setting.default is None:
        with pytest.raises(SettingsError) as refusal:
            settings(**{setting.variable: ""})
        assert str(refusal.value) == f"not set: {setting.variable}"
        return

    empty, absent = settings(**{setting.variable: ""}), settings()

    is_same = getattr(empty, setting.name) == getattr(absent, setting.name)
    assert is_same == (setting.variable not in {"ACCOUNT_SCOPE", "ADMIN_REQUIRED_ACR"})


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.from_env({"AUDIENCE": "a", "DB_NAME": "n"})

    assert str(refusal.value) == "not set: ISSUER, CLIENTS, DB_HOST, DB_USER, KMS_KEY_ID"


CLIENTS_FORM = 'CLIENTS must be JSON like {"portal-web": ["portal:read"]}: clients and their scopes'
LABEL_SCOPES_FORM = (
    'LABEL_SCOPES must be JSON like {"admin": ["portal:admin"]}: labels and the scopes that need them'
)
ROUTE_SCOPES_FORM = (
    'AUTHORIZER_ROUTE_SCOPES must be JSON like {"GET/jobs": "jobs:read", "*/jobs/*": "jobs:write"}: routes and'
    " the scope that opens them, `*` for any method or as the last segment, 8 KB of policy at the most"
)
ACR_ORDER_FORM = (
    f"ACR_ORDER must have each acr value once, {LEGACY_ACR}, {DEVICE_ACR}, {PASSWORD_ACR} among them"
)
REFUSALS = [
    ("CLIENTS", "{", CLIENTS_FORM),
    ("CLIENTS", "[]", CLIENTS_FORM),
    ("CLIENTS", "{}", CLIENTS_FORM),
    ("CLIENTS", '{"a b": []}', CLIENTS_FORM),
    ("CLIENTS", '{"a": "b"}', CLIENTS_FORM),
    ("CLIENTS", '{"a": ["b c"]}', CLIENTS_FORM),
    ("LABEL_SCOPES", "{", LABEL_SCOPES_FORM),
    ("LABEL_SCOPES", "[]", LABEL_SCOPES_FORM),
    ("LABEL_SCOPES", '{"a": "b"}', LABEL_SCOPES_FORM),
    ("LABEL_SCOPES", '{"a": [1]}', LABEL_SCOPES_FORM),
    ("AUTHORIZER_ROUTE_SCOPES", "{", ROUTE_SCOPES_FORM),
    ("AUTHORIZER_ROUTE_SCOPES", '{"GET/*/x": "s"}', ROUTE_SCOPES_FORM),
    ("ACCOUNT_SCOPE", "a b", "ACCOUNT_SCOPE must be one scope, or nothing to let any access token in"),
    (
        "AUTHORIZER_REQUIRED_SCOPE",
        "a  b",
        "AUTHORIZER_REQUIRED_SCOPE must be scopes, each parted from the next by a blank",
    ),
    (
        "AUTHORIZER_REQUIRED_ACR",
        'a"b',
        "AUTHORIZER_REQUIRED_ACR must be acr values, each separated from the next by a space",
    ),
    (
        "ADMIN_REQUIRED_ACR",
        "a  b",
        "ADMIN_REQUIRED_ACR must be acr values, each separated from the next by a space",
    ),
    ("ACR_ORDER", "a  b", "ACR_ORDER must be acr values, each separated from the next by a space"),
    ("ACR_ORDER", "urn:mfa", ACR_ORDER_FORM),
    ("ACR_ORDER", f"{LEGACY_ACR} {DEVICE_ACR} {PASSWORD_ACR} {DEVICE_ACR}", ACR_ORDER_FORM),
    ("CREDENTIALS_URL", "javascript:alert(1)", "CREDENTIALS_URL must be a URL that begins with https://"),
    ("RUNBOOK_URL", "docs/runbook", "RUNBOOK_URL must be a URL that begins with https://"),
    ("EDGE_KEY_HEADER", "via", "EDGE_KEY_HEADER must be the name of a header that begins with x-"),
    (
        "EDGE_KEY_HASHES",
        "my-key",
        (
            "EDGE_KEY_HASHES must be one to four SHA-256 hashes in lower-case hex, comma-separated: of the keys,"
            " never the keys themselves"
        ),
    ),
]


@pytest.mark.parametrize(("variable", "text", "refusal"), REFUSALS, ids=lambda part: part[:30])
def test_a_text_in_another_form_is_refused_with_the_form(variable: str, text: str, refusal: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(**{variable: text})

    assert str(refused.value) == refusal


@pytest.mark.parametrize(
    ("reading", "ending", "asked"),
    [("3600", "900", 900), ("600", "900", 600), ("0", "900", 900), ("600", "0", 600), ("0", "0", None)],
)
def test_to_end_something_the_shorter_age_of_the_operators_page_counts(
    reading: str, ending: str, asked: int | None
) -> None:
    ages = settings(ADMIN_MAX_AUTH_AGE_S=reading, ADMIN_ENDING_MAX_AUTH_AGE_S=ending)

    assert ages.admin_ending_requirements().max_auth_age_s == asked
    assert ages.admin_ending_requirements().acr_values == ages.admin_requirements().acr_values


def test_the_order_of_acr_values_is_the_policy_s() -> None:
    order = f"{LEGACY_ACR} {DEVICE_ACR} urn:sms {PASSWORD_ACR} urn:mfa"

    assert settings(ACR_ORDER=order).policy().acr_order == tuple(order.split())


def test_the_password_of_the_database_is_in_no_repr() -> None:
    assert "hunter2" not in repr(settings(DB_AUTH="password", DB_PASSWORD="hunter2"))


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


PUBLIC_URLS = {
    "one": ('{"a1b2c3d4e5/prod": ["https://api.example.com/jobs"]}', True),
    "several, of two stages": (
        '{"a1/prod": ["https://a.example", "https://b.example:8443"], "a1/$default": ["https://c.example"]}',
        True,
    ),
    "http on this machine": ('{"a1/prod": ["http://127.0.0.1:3000/jobs"]}', True),
    "none": ("{}", True),
    "http elsewhere": ('{"a1/prod": ["http://api.example.com"]}', False),
    "a slash at its end": ('{"a1/prod": ["https://api.example.com/"]}', False),
    "capitals": ('{"a1/prod": ["https://API.example.com"]}', False),
    "a query": ('{"a1/prod": ["https://api.example.com?a"]}', False),
    "a wildcard": ('{"a1/prod": ["https://*.example.com"]}', False),
    "a stage that is a pattern": ('{"a1/*": ["https://api.example.com"]}', False),
    "an ARN": ('{"arn:aws:execute-api:eu-west-1:123456789012:a1/prod": ["https://api.example.com"]}', False),
    "no stage": ('{"a1": ["https://api.example.com"]}', False),
    "no list": ('{"a1/prod": "https://api.example.com"}', False),
    "an empty list": ('{"a1/prod": []}', False),
    "a number": ('{"a1/prod": [1]}', False),
    "a list": ("[]", False),
    "no JSON": ("{", False),
}


@pytest.mark.parametrize(("text", "is_taken"), PUBLIC_URLS.values(), ids=PUBLIC_URLS)
def test_public_addresses_of_apis_are_checked_at_start(text: str, is_taken: bool) -> None:
    if is_taken:
        assert dict(settings(DPOP_PUBLIC_URLS=text).dpop_public_urls).keys() == json.loads(text).keys()
    else:
        with pytest.raises(SettingsError, match=r"^DPOP_PUBLIC_URLS must be JSON"):
            settings(DPOP_PUBLIC_URLS=text)
