"""The variables that the template sets are the settings that the code reads, with the same defaults and bounds."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from auth_tokens.settings import Settings, SettingsError
from local.templates.stacks import PRODUCT
from tests.architecture.deployment import functions, parameters, variables, written_in
from tests.support.declared_settings import SETTINGS, DeclaredSetting
from tests.unit.domain.test_origins import BAD_PATHS, ORIGINS, OTHERS

ALL = {setting.variable for setting in SETTINGS}
LOCAL_ONLY = {"DB_PASSWORD", "PORTAL_MAP"}
FROM_LAMBDA = {"AWS_REGION"}
# Read by Powertools and the AWS SDK themselves.
THEIRS = ("POWERTOOLS_", "AWS_ENDPOINT_URL_")
# Who deploys names keys for signing, and says nothing where the foundation's own signs.
OTHERWISE_NAMED = {"SIGNING_KMS_KEY_IDS": "SigningKeyArns"}
# As the stacks are made for them: exports of the foundation, or no choice at all.
WITHOUT_PARAMETER = {
    *LOCAL_ONLY,
    *FROM_LAMBDA,
    *("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "KMS_KEY_ID", "SECURITY_BUS", "DB_AUTH", "DB_TLS"),
}
# How a description says a unit.
IN_WORDS = {"s": "seconds", "KiB": "KiB"}
OFFERED = [setting for setting in SETTINGS if setting.variable not in WITHOUT_PARAMETER]

each_offered = pytest.mark.parametrize("setting", OFFERED, ids=lambda setting: setting.name)


def parameter_of(setting: DeclaredSetting) -> Mapping[str, Any]:
    """The template's parameter for a setting, as written."""
    name = OTHERWISE_NAMED.get(setting.variable, setting.parameter)
    found: Mapping[str, Any] = written_in(PRODUCT)["Parameters"][name]
    return found


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_function_has_every_setting_and_nothing_else(function: str) -> None:
    ours = {name for name in variables(function) if not name.startswith(THEIRS)}

    assert ours == ALL - LOCAL_ONLY - FROM_LAMBDA


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_deployed_function_logs_in_by_iam_over_verified_tls(function: str) -> None:
    assert {name: variables(function)[name] for name in ("DB_AUTH", "DB_TLS")} == {
        "DB_AUTH": "iam",
        "DB_TLS": "verify",
    }


def test_the_deployed_variables_are_accepted_as_settings() -> None:
    settings = Settings.from_env({**variables("issue"), "AWS_REGION": "eu-west-1"})

    assert settings.issuer == "https://tokens.test"
    assert settings.kms_key_id == "TokenKey.Arn"


@each_offered
def test_a_parameter_has_the_default_of_its_setting(setting: DeclaredSetting) -> None:
    # A setting that has none is asked for, or suggested.
    if setting.default is not None:
        assert str(parameter_of(setting)["Default"]) == setting.default


@each_offered
def test_a_parameter_has_the_bounds_and_choices_of_its_setting(setting: DeclaredSetting) -> None:
    parameter = parameter_of(setting)

    assert parameter["Type"] == ("Number" if setting.bounds else "String")
    assert (parameter.get("MinValue"), parameter.get("MaxValue")) == (setting.bounds or (None, None))
    assert tuple(parameter.get("AllowedValues", ())) == setting.choices


@each_offered
def test_a_parameter_s_description_says_the_unit_of_its_setting(setting: DeclaredSetting) -> None:
    words = set(re.findall(r"\w+", parameter_of(setting)["Description"])) & set(IN_WORDS.values())

    assert words == ({IN_WORDS[setting.unit]} if setting.unit else set())


@each_offered
def test_a_parameter_reaches_the_variable_of_its_setting_and_is_shown_in_a_group(
    setting: DeclaredSetting,
) -> None:
    name = OTHERWISE_NAMED.get(setting.variable, setting.parameter)
    template = written_in(PRODUCT)
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    assert name in _refs(template["Globals"]["Function"]["Environment"]["Variables"][setting.variable])
    assert [name in group["Parameters"] for group in groups].count(True) == 1


def _refs(value: object) -> set[str]:
    """The parameters that a value refers to."""
    if isinstance(value, Mapping):
        return {value["Ref"]} if "Ref" in value else _refs(list(value.values()))
    return set().union(*map(_refs, value)) if isinstance(value, list) else set()


def test_every_parameter_says_what_it_is() -> None:
    assert [name for name, parameter in parameters().items() if not parameter.get("Description")] == []


def test_no_secret_is_a_variable_or_a_parameter() -> None:
    names = {name for function in functions() for name in variables(function)} | set(parameters())

    secrets = [name for name in names if "password" in name.lower() or "secret" in name.lower()]
    assert [name for name in secrets if not name.endswith("Arn")] == []  # where one is, is none


def matches(parameter: str, text: str) -> bool:
    return re.fullmatch(parameters()[parameter]["AllowedPattern"], text) is not None


def is_address(origin: str) -> bool:
    """An IP address, which is nobody's deployment."""
    return re.search(r"[0-9\]](:[0-9]+)?$", origin) is not None and not re.search(r"[a-z]:[0-9]+$", origin)


@pytest.mark.parametrize("origin", [origin for origin in ORIGINS if origin.startswith("https:")])
def test_an_origin_that_the_code_takes_can_be_deployed_if_it_is_a_name(origin: str) -> None:
    is_name = not is_address(origin)

    assert matches("Issuer", origin) == is_name
    assert matches("Issuer", f"{origin}/auth/v1") == is_name
    assert matches("AllowedOrigins", origin) == is_name
    assert matches("AllowedOrigins", f"https://a.example, {origin},https://b.example:8443") == is_name


# A pattern counts badly: these two are refused at start alone. A blank may follow a comma.
@pytest.mark.parametrize("name", sorted(set(OTHERS) - {"nothing", "port too great", "a name too long"}))
def test_an_origin_that_the_code_refuses_is_refused_before_it_is_deployed(name: str) -> None:
    origin, _ = OTHERS[name]

    assert not matches("AllowedOrigins", origin)
    assert name == "a blank before" or not matches("AllowedOrigins", f"https://a.example,{origin}")
    assert not matches("AllowedOrigins", f"{origin},https://b.example")
    assert name == "a path" or not matches("Issuer", origin)


@pytest.mark.parametrize(("path", "_"), BAD_PATHS.values(), ids=BAD_PATHS)
def test_an_issuer_whose_path_the_code_refuses_is_refused_before_it_is_deployed(path: str, _: object) -> None:
    assert not matches("Issuer", f"https://tokens.example{path}")


@pytest.mark.parametrize("parameter", ["Issuer", "AllowedOrigins"])
@pytest.mark.parametrize("text", ["http://portal.example", "http://localhost:5173", "https://a.example,"])
def test_what_is_not_https_or_has_nothing_after_a_comma_is_refused(parameter: str, text: str) -> None:
    assert not matches(parameter, text)


def test_there_may_be_no_origins_and_many() -> None:
    assert matches("AllowedOrigins", "")
    assert matches("AllowedOrigins", ",".join(f"https://p{number}.example" for number in range(50)))


# A text that must be written in some way: the code's examples of what it takes, and what people write instead.
TEXTS = {
    "CLIENTS": (
        ['{"portal-web": ["portal:read", "a/b+c"], "app":[]}', '{ "app" : [ "a" ] }'],
        [
            "{}",
            "[]",
            "portal-web",
            "{'app': ['a']}",
            '{"app": "a"}',
            '{"app": ["a",]}',
            '{"a b": ["c"]}',
            '{"app": ["a b"]}',
        ],
    ),
    "LABEL_SCOPES": (
        ["", '{"Ämter": ["portal:admin"], "b c": []}'],
        ["[]", "admin", "{'admin': ['a']}", '{"admin": "a"}', '{"admin": ["a b"]}', '{"admin": ["a"]'],
    ),
    "AUTHORIZER_ROUTE_SCOPES": (
        ["", '{"GET/jobs": "jobs:read", "*/jobs/*": "jobs:write", "GET/health": ""}'],
        [
            "[]",
            "GET/jobs",
            "{'GET/jobs': 'a'}",
            '{"GET/jobs": ["a"]}',
            '{"GET/jobs": "a b"}',
            '{"GET/jobs": "a",}',
        ],
    ),
    "AUTHORIZER_REQUIRED_SCOPE": (["", "a", "a b:c"], [" ", "a  b", " a", 'a"b']),
    "AUTHORIZER_REQUIRED_ACR": (["", "urn:a", "urn:a urn:b"], ["a  b", "a ", 'a"b']),
    "ADMIN_REQUIRED_ACR": (["", "urn:a", "urn:a urn:b"], ["a  b", "a ", 'a"b']),
    "CREDENTIALS_URL": (
        ["", "https://portal.example/password?from=tokens"],
        ["portal.example", "http://portal.example", "javascript:alert(1)", "https://portal.example/a b"],
    ),
    "RUNBOOK_URL": (
        ["", "https://wiki.example/runbook", "https://wiki.example/runbook/"],
        ["docs/runbook", "http://wiki.example/runbook", "javascript:alert(1)"],
    ),
}

BY_VARIABLE = {setting.variable: setting for setting in SETTINGS}


def _is_taken(setting: str, text: str) -> bool:
    given = {"AUTHORIZER_RESPONSE": "iam", setting: text}
    try:
        Settings.from_env({**variables("issue"), **given})
    except SettingsError:
        return False
    return True


@pytest.mark.parametrize(
    ("setting", "text"), [(name, text) for name, (good, _) in TEXTS.items() for text in good]
)
def test_a_text_that_the_code_takes_can_be_deployed(setting: str, text: str) -> None:
    assert _is_taken(setting, text)
    assert re.fullmatch(parameter_of(BY_VARIABLE[setting])["AllowedPattern"], text)


@pytest.mark.parametrize(
    ("setting", "text"), [(name, text) for name, (_, bad) in TEXTS.items() for text in bad]
)
def test_a_text_that_the_code_refuses_is_refused_before_it_is_deployed(setting: str, text: str) -> None:
    """Every function would fail at its start, in a deployment that had gone well."""
    assert not _is_taken(setting, text)
    assert not re.fullmatch(parameter_of(BY_VARIABLE[setting])["AllowedPattern"], text)


KEY = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000001"
NAMES = {
    "SigningKeyArns": (
        ["", KEY, f"{KEY},{KEY}", KEY.replace("key/", "key/mrk-")],
        ["alias/a", f"{KEY},", f"{KEY} {KEY}"],
    ),
    "DbClusterId": (
        ["", "portal", "portal-1"],
        ["portal.cluster-1.eu-west-1.rds.amazonaws.com", "arn:aws:rds:a", "a--b"],
    ),
    "DbInstanceId": (["", "portal", "portal-1"], ["portal.cluster-1.eu-west-1.rds.amazonaws.com", "a--b"]),
    "DbHost": (
        ["", "p.proxy-1.eu-west-1.rds.amazonaws.com"],
        ["https://p.example", "p.example:3306", "p.example/", " p"],
    ),
}


@pytest.mark.parametrize("parameter", NAMES)
def test_a_name_in_another_form_is_refused_before_it_is_deployed(parameter: str) -> None:
    good, bad = NAMES[parameter]

    assert [text for text in good if not matches(parameter, text)] == []
    assert [text for text in bad if matches(parameter, text)] == []
