"""The variables that the template sets are the settings that the code reads, with the same defaults and bounds."""

import re
from dataclasses import MISSING, fields

import pytest

from auth_tokens.settings import _BOUNDS, _CHOICES, Settings
from tests.architecture.deployment import functions, parameters, variables
from tests.unit.domain.test_origins import BAD_PATHS, ORIGINS, OTHERS

ALL = {field.name.upper() for field in fields(Settings)}
LOCAL_ONLY = {"DB_PASSWORD"}
FROM_LAMBDA = {"AWS_REGION"}
# Read by Powertools and the AWS SDK themselves.
THEIRS = ("POWERTOOLS_", "AWS_ENDPOINT_URL_")
DEFAULTS = {field.name: field.default for field in fields(Settings) if field.default is not MISSING}


def parameter_of(setting: str) -> str:
    return "".join(word.capitalize() for word in setting.split("_"))


NUMBERS = [name for name in _BOUNDS if parameter_of(name) in parameters()]
CHOICES = [name for name in _CHOICES if parameter_of(name) in parameters()]


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


def test_every_number_and_choice_can_be_set_but_for_how_the_database_is_trusted() -> None:
    fixed = (set(_BOUNDS) | set(_CHOICES)) - set(NUMBERS) - set(CHOICES)

    assert fixed == {"db_auth", "db_tls"}


@pytest.mark.parametrize("setting", NUMBERS)
def test_a_number_has_the_default_and_bounds_of_the_code(setting: str) -> None:
    parameter = parameters()[parameter_of(setting)]

    assert parameter["Type"] == "Number"
    assert parameter["Default"] == DEFAULTS[setting]
    assert (parameter["MinValue"], parameter["MaxValue"]) == _BOUNDS[setting]


@pytest.mark.parametrize("setting", CHOICES)
def test_a_choice_has_the_default_and_values_of_the_code(setting: str) -> None:
    parameter = parameters()[parameter_of(setting)]

    assert parameter["Default"] == DEFAULTS[setting]
    assert parameter["AllowedValues"] == list(_CHOICES[setting])


@pytest.mark.parametrize("setting", [*NUMBERS, *CHOICES])
def test_a_parameter_reaches_the_variable_of_its_name(setting: str) -> None:
    assert variables("issue")[setting.upper()] == str(parameters()[parameter_of(setting)]["Default"])


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
