"""The service's three templates in the order of their stacks, and what a stack imports from those before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from local.host.paths import ROOT
from local.templates.intrinsics import Resolver, TemplateError
from local.templates.translate import as_written, translate

FOUNDATION = ROOT / "foundation.yaml"
PRODUCT = ROOT / "template.yaml"
OPERATIONS = ROOT / "operations.yaml"
ORDER = (FOUNDATION, PRODUCT, OPERATIONS)
# Another team's API behind the authorizer: a stack of its own.
JOBS_TEMPLATE = ROOT / "examples" / "jobs-api" / "template.yaml"
# The parameters whose values SAM reads in ORDER; all others stay in its output as Ref.
READ_BY_SAM = ("DeploymentType", "Tracing")
# The value of AWS::StackName, and the name by which foundation and operations know the product's stack.
STACK = "local"


@cache
def declared(template: Path) -> Mapping[str, Any]:
    """The parameters of a template, as written."""
    parameters: Mapping[str, Any] = as_written(template).get("Parameters", {})
    return parameters


def given_to(template: Path, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The service's parameters that one template of ORDER declares.

    Raises TemplateError for a parameter that no template declares.
    """
    unknown = sorted(set(parameters) - {name for each in ORDER for name in declared(each)})
    if unknown:
        raise TemplateError(f"unknown parameters: {', '.join(unknown)}")
    return {n: v for n, v in {"ProductStack": STACK, **parameters}.items() if n in declared(template)}


def translation(template: Path, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `translate` makes of a template with its own parameters, of those in ORDER with what SAM reads of them.

    Raises TemplateError.
    """
    names = READ_BY_SAM if template in ORDER else parameters
    return translate(template, {name: parameters[name] for name in names if name in parameters})


def resolved(template: Path, parameters: Mapping[str, Any]) -> tuple[Mapping[str, Any], Resolver]:
    """The translated template, and the resolver of its intrinsics.

    parameters: for a template of ORDER, those of all three templates together; for another team's, its own.
    Raises TemplateError.
    """
    if template not in ORDER:
        return (made := translation(template, parameters)), Resolver(made, parameters)
    own = given_to(template, parameters)
    made = translation(template, own)
    return made, Resolver(made, own, _importer(template, parameters))


def exports(translated: Mapping[str, Any], resolver: Resolver) -> dict[str, Callable[[], Any]]:
    """A stack's exports: the name of each, and a function that resolves its value."""
    return {
        resolver.resolve(output["Export"]["Name"]): partial(resolver.resolve, output["Value"])
        for output in translated.get("Outputs", {}).values()
        if "Export" in output and ("Condition" not in output or resolver.holds(output["Condition"]))
    }


def _importer(template: Path, parameters: Mapping[str, Any]) -> Callable[[str], Any]:
    """Looks up exports of the stacks before a template. These are translated at the first look-up."""

    @cache
    def exported() -> dict[str, Callable[[], Any]]:
        earlier = [resolved(e, parameters) for e in ORDER[: ORDER.index(template)]]
        return {name: value for each in earlier for name, value in exports(*each).items()}

    def imported(name: str) -> Any:
        if name not in exported():
            raise TemplateError(f"no stack exports {name}")
        return exported()[name]()

    return imported
