"""How each function runs: read from the SAM translator's output, as it would be deployed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from local.host.paths import LAYER
from local.templates.intrinsics import Resolver
from local.templates.stacks import resolved
from local.templates.translate import as_written

_SETTINGS = ("ReservedConcurrentExecutions", "LoggingConfig")


@dataclass(frozen=True)
class FunctionSpec:
    """How one function runs.

    name: its logical id. code: its folder. environment: all of its variables. layers: folders for the module path.
    python: the interpreter. reserved: its reserved concurrency; None if it shares the account's.
    log_format: "Text" or "JSON", for what the runtime client writes.
    """

    name: str
    code: Path
    handler: str
    timeout_s: int
    memory_mb: int
    environment: dict[str, str]
    layers: tuple[Path, ...]
    python: str = sys.executable
    reserved: int | None = None
    log_format: str = "Text"


def function_specs(
    template: Path, parameters: Mapping[str, str], overrides: Mapping[str, str]
) -> dict[str, FunctionSpec]:
    """The functions of a template by logical id.

    parameters: as `stacks.resolved` takes them. overrides: variables that local mode sets in place of the deployment,
    such as the database's password and the key's id. Raises TemplateError.
    """
    translated, resolver = resolved(template, parameters)
    code = _code_folders(template)
    functions = {
        name: resource["Properties"]
        for name, resource in translated["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function" and name in code and resolver.is_made(resource)
    }
    return {name: _spec(name, code[name], body, resolver, overrides) for name, body in functions.items()}


def _spec(
    name: str, code: Path, properties: Mapping[str, Any], resolver: Resolver, overrides: Mapping[str, str]
) -> FunctionSpec:
    variables = resolver.resolve(properties.get("Environment", {}).get("Variables", {}))
    # They are resolved as members of one mapping, so that AWS::NoValue leaves a setting out.
    settings = resolver.resolve({name: properties[name] for name in _SETTINGS if name in properties})
    reserved = settings.get("ReservedConcurrentExecutions")
    return FunctionSpec(
        name=name,
        code=code,
        handler=properties["Handler"],
        timeout_s=int(resolver.resolve(properties.get("Timeout", 3))),
        memory_mb=int(resolver.resolve(properties.get("MemorySize", 128))),
        environment={**{key: str(value) for key, value in variables.items()}, **overrides},
        layers=(LAYER,) if properties.get("Layers") else (),
        reserved=None if reserved is None else int(reserved),
        log_format=settings.get("LoggingConfig", {}).get("LogFormat", "Text"),
    )


@cache
def _code_folders(template: Path) -> Mapping[str, Path]:
    """The code folder of each function. The translator gets dummy addresses, so the template itself is read."""
    document = as_written(template)
    default = document.get("Globals", {}).get("Function", {}).get("CodeUri")
    return {
        name: template.parent / resource["Properties"].get("CodeUri", default)
        for name, resource in document["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
