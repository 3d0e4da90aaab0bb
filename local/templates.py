"""The service's three templates, in the order of their stacks, and what one imports of those before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from local.gateway.intrinsics import Resolver, TemplateError
from local.gateway.translate import translate

_ROOT = Path(__file__).parents[1]
FOUNDATION = _ROOT / "foundation.yaml"
PRODUCT = _ROOT / "template.yaml"
OPERATIONS = _ROOT / "operations.yaml"
ORDER = (FOUNDATION, PRODUCT, OPERATIONS)
Translator = Callable[[Path, Mapping[str, Any]], Mapping[str, Any]]
STACK = "local"  # the resolver's AWS::StackName: whose stack foundation and operations are for


@cache
def declared(template: Path) -> Mapping[str, Any]:
    """The parameters of a template, as written."""
    from samtranslator.yaml_helper import yaml_parse

    parameters: Mapping[str, Any] = yaml_parse(template.read_text(encoding="utf-8")).get("Parameters", {})
    return parameters


def given_to(template: Path, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the service's parameters that one template of ORDER has. Raises TemplateError for one that none has."""
    unknown = sorted(set(parameters) - {name for each in ORDER for name in declared(each)})
    if unknown:
        raise TemplateError(f"unknown parameters: {', '.join(unknown)}")
    return {n: v for n, v in {"ProductStack": STACK, **parameters}.items() if n in declared(template)}


def resolved(
    template: Path, parameters: Mapping[str, Any], translated_by: Translator = translate
) -> tuple[Mapping[str, Any], Resolver]:
    """What SAM makes of a template, and what replaces its intrinsics.

    parameters: of all templates of the service together, for one of ORDER; of the template alone for another team's.
    Raises TemplateError.
    """
    if template not in ORDER:
        return (translated := translated_by(template, parameters)), Resolver(translated, parameters)
    own = given_to(template, parameters)
    translated = translated_by(template, own)
    return translated, Resolver(translated, own, _importer(template, parameters, translated_by))


def exports(translated: Mapping[str, Any], resolver: Resolver) -> dict[str, Callable[[], Any]]:
    """What a stack exports: name → its value, when it is asked for."""
    return {
        resolver.resolve(output["Export"]["Name"]): partial(resolver.resolve, output["Value"])
        for output in translated.get("Outputs", {}).values()
        if "Export" in output and ("Condition" not in output or resolver.holds(output["Condition"]))
    }


def _importer(
    template: Path, parameters: Mapping[str, Any], translated_by: Translator
) -> Callable[[str], Any]:
    """Looks up what the stacks before a template's export; they are read when something is asked for."""

    @cache
    def exported() -> dict[str, Callable[[], Any]]:
        earlier = [resolved(e, parameters, translated_by) for e in ORDER[: ORDER.index(template)]]
        return {name: value for each in earlier for name, value in exports(*each).items()}

    def imported(name: str) -> Any:
        if name not in exported():
            raise TemplateError(f"no stack exports {name}")
        return exported()[name]()

    return imported
