"""The template's parameters in local mode: its own, and those that `make run` is given by SET and ORIGINS.

What is given is checked before anything starts. A refusal repeats no value, which may be a password in a wrong place.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Mapping
from typing import Any

from auth_tokens.settings import Settings, SettingsError
from local.templates.stacks import FOUNDATION, OPERATIONS, PRODUCT, declared

# The template's clients. The scope `account` lets their access tokens manage the user's sessions and devices.
CLIENTS = (
    '{"portal-web": ["portal:read", "portal:write", "account"],'
    ' "portal-app": ["portal:read", "portal:write", "account"]}'
)
# Those that local mode alone can set, and why.
_FIXED = {
    "Issuer": "it is the address of the run, whose port is PORT",
    "DpopPublicUrls": "local mode names the addresses of its own APIs",
}
# The pattern in the template allows https alone. The settings allow http as well, where the issuer is this machine.
_PATTERN_OF_DEPLOYMENTS = ("AllowedOrigins",)
_SECRET = re.compile(r"password|secret|token|credential", re.IGNORECASE)
# Settings that a run has by other ways than parameters: any values that pass.
_ELSEWHERE = {
    **dict.fromkeys(("DB_HOST", "DB_NAME", "DB_USER", "KMS_KEY_ID", "SIGNING_KMS_KEY_IDS"), "local"),
    "DB_AUTH": "password",
    "DB_TLS": "off",
}


class WrongParameter(ValueError):
    """SET or ORIGINS is refused. The text says what would be right."""


def own_parameters(base_url: str) -> dict[str, str]:
    """What local mode sets unlike the template's defaults."""
    return {
        "Issuer": base_url,
        "CreateVpcEndpoints": "false",  # the SDK finds the local KMS and event bus by AWS_ENDPOINT_URL
        "AdminLabel": "admin",
        "RevocationsRoute": "public",
        "Clients": CLIENTS,
        "DpopBinding": "on",
    }


def given_parameters(environment: Mapping[str, str], base_url: str) -> dict[str, str]:
    """The parameters by SET="NAME=VALUE …" and ORIGINS, which is short for AllowedOrigins. Raises WrongParameter."""
    given = _split(environment["SET"]) if "SET" in environment else {}
    origins = environment.get("ORIGINS", "")
    if origins and "AllowedOrigins" in given:
        raise WrongParameter("AllowedOrigins is given twice, by SET and by ORIGINS: leave one out")
    given |= {"AllowedOrigins": origins} if origins else {}
    if not given:  # nor is the template read, which takes a second
        return {}
    for name, value in given.items():
        _check_name(name)
        _check_value(name, value)
    _check_together({**own_parameters(base_url), **given})
    return given


def unlike_template(parameters: Mapping[str, str]) -> list[str]:
    """Those of the product's parameters that have not their default there, with that default, for people."""
    product = declared(PRODUCT)
    defaults = {name: str(product[name].get("Default", "")) for name in parameters if name in product}
    return [
        f"{name}={parameters[name]} (default: {default or 'empty'})"
        for name, default in defaults.items()
        if parameters[name] != default
    ]


def _split(text: str) -> dict[str, str]:
    example = "write SET=\"AccessTtlS=60 AdminLabel='two words'\""
    try:
        words = shlex.split(text)
    except ValueError as exc:
        raise WrongParameter(f"SET has a quote without its counterpart: {example}") from exc
    if not words:
        raise WrongParameter(f"SET names no parameter: {example}")
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z0-9_]+", name):
            raise WrongParameter(f"SET must be NAME=VALUE, separated by spaces: {example}")
        if name in given:
            raise WrongParameter(f"SET names {name} twice: leave one out")
        given[name] = value
    return given


def _check_name(name: str) -> None:
    if name in _FIXED:
        raise WrongParameter(f"{name} cannot be set: {_FIXED[name]}")
    if name in declared(PRODUCT):
        return
    for template in (FOUNDATION, OPERATIONS):
        if name in declared(template):
            raise WrongParameter(
                f"{name} is a parameter of {template.name}, of which local mode deploys nothing"
            )
    if near := _nearest(name):
        raise WrongParameter(f"there is no parameter {name}; is it {' or '.join(near)}?")
    where = (
        "a database with its password is named by TOKENS_DB_URL"
        if _SECRET.search(name)
        else "template.yaml has them all"
    )
    raise WrongParameter(f"there is no parameter {name}; {where}")


def _nearest(name: str) -> list[str]:
    """The parameters whose names are most like one, also where that is spelt as its variable: ACCESS_TTL_S."""
    by_letters = {known.lower(): known for known in declared(PRODUCT) if known not in _FIXED}
    found = difflib.get_close_matches(name.replace("_", "").lower(), by_letters, n=3, cutoff=0.7)
    return [by_letters[each] for each in found]


def _check_value(name: str, value: str) -> None:
    """Raises WrongParameter for what CloudFormation would refuse."""
    parameter = declared(PRODUCT)[name]
    choices = [str(choice) for choice in parameter.get("AllowedValues", ())]
    if choices:
        if value not in choices:
            raise WrongParameter(f"{name} must be one of {', '.join(choices)}")
        return
    if parameter["Type"] == "Number":
        _check_number(name, value, parameter)
        return
    least, most = int(parameter.get("MinLength", 0)), int(parameter.get("MaxLength", 4096))
    if not least <= len(value) <= most:
        raise WrongParameter(f"{name} must have {least} to {most} characters")
    pattern = parameter.get("AllowedPattern")
    if pattern and name not in _PATTERN_OF_DEPLOYMENTS and not re.fullmatch(pattern, value):
        raise WrongParameter(f"{name} {parameter.get('ConstraintDescription', f'must match {pattern}')}")


def _check_number(name: str, value: str, parameter: Mapping[str, Any]) -> None:
    least, most = parameter["MinValue"], parameter["MaxValue"]
    if not re.fullmatch(r"[0-9]{1,12}", value) or not least <= int(value) <= most:
        raise WrongParameter(f"{name} must be a whole number from {least} to {most}")


def _check_together(parameters: Mapping[str, str]) -> None:
    """Raises WrongParameter for what the functions would refuse at their start, such as one setting without another."""
    names = {_variable(name): name for name in declared(PRODUCT)}
    variables = {_variable(name): value for name, value in {"Audience": "portal", **parameters}.items()}
    try:
        Settings.from_env({**variables, **_ELSEWHERE})
    except SettingsError as exc:
        raise WrongParameter(
            re.sub(r"[A-Z_0-9]{3,}", lambda word: names.get(word[0], word[0]), str(exc))
        ) from exc


def _variable(parameter: str) -> str:
    """The environment variable of a parameter's setting: ACCESS_TTL_S of AccessTtlS."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", parameter).upper()
