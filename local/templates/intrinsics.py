"""Resolves the CloudFormation intrinsics that this project's templates use to local values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from local.templates.arns import ACCOUNT_ID, PARTITION, REGION, function_arn

_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")
_FUNCTIONS = ("AWS::Serverless::Function", "AWS::Lambda::Function")
_PSEUDO_PARAMETERS: Mapping[str, str] = {
    "AWS::AccountId": ACCOUNT_ID,
    "AWS::Partition": PARTITION,
    "AWS::Region": REGION,
    "AWS::StackName": "local",
    "AWS::StackId": f"arn:{PARTITION}:cloudformation:{REGION}:{ACCOUNT_ID}:stack/local/local",
    "AWS::URLSuffix": "amazonaws.com",
}
_NO_VALUE = object()


class TemplateError(Exception):
    """The template is wrong, or asks for what local mode lacks. The text says which."""


def _no_import(name: str) -> Any:
    raise TemplateError(f"no stack exports {name}")


class Resolver:
    """Replaces Ref, GetAtt, Sub, Join, Split, Select, If, FindInMap and ImportValue by their values.

    imported: returns the value that another stack exports under a name.
    Raises TemplateError for a parameter without a value and for any other intrinsic, because
    a start that fails does less harm than a route or cache time that is silently wrong.
    """

    def __init__(
        self,
        template: Mapping[str, Any],
        parameters: Mapping[str, Any],
        imported: Callable[[str], Any] = _no_import,
    ) -> None:
        self._imported = imported
        self._resources: Mapping[str, Any] = template.get("Resources", {})
        self._conditions: Mapping[str, Any] = template.get("Conditions", {})
        self._mappings: Mapping[str, Any] = template.get("Mappings", {})
        declared: Mapping[str, Any] = template.get("Parameters", {})
        unknown = sorted(set(parameters) - set(declared))
        if unknown:
            raise TemplateError(f"unknown parameters: {', '.join(unknown)}")
        defaults = {name: spec["Default"] for name, spec in declared.items() if "Default" in spec}
        values = {**defaults, **parameters}
        self._parameters: Mapping[str, Any] = {
            name: _listed(value) if _is_list(declared[name]) else value for name, value in values.items()
        }

    def resolve(self, value: Any) -> Any:
        """The value with every intrinsic in it replaced. A member whose value is AWS::NoValue is left out."""
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not _NO_VALUE]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return self._intrinsic(name, argument)
        resolved = ((key, self.resolve(item)) for key, item in value.items())
        return {key: item for key, item in resolved if item is not _NO_VALUE}

    def is_made(self, resource: Mapping[str, Any]) -> bool:
        """Whether a deployment would create a resource: its condition, if it has one, is true."""
        return "Condition" not in resource or self.holds(resource["Condition"])

    def holds(self, condition: str) -> bool:
        """Whether a named condition of the template is true."""
        if condition not in self._conditions:
            raise TemplateError(f"unknown condition {condition}")
        return self._truth(self._conditions[condition])

    def _intrinsic(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref":
                return self._ref(argument)
            case "Fn::GetAtt":
                return self._attribute(argument if isinstance(argument, list) else argument.split(".", 1))
            case "Fn::Sub":
                return self._substitute(argument)
            case "Fn::Join":
                separator, parts = argument
                return separator.join(str(part) for part in self.resolve(parts))
            case "Fn::Split":
                separator, text = argument
                return str(self.resolve(text)).split(separator)
            case "Fn::Select":
                return _selected(*self.resolve(argument))
            case "Fn::If":
                condition, then, otherwise = argument
                return self.resolve(then if self.holds(condition) else otherwise)
            case "Fn::FindInMap":
                table, first, second = self.resolve(argument)
                return self._mappings[table][first][second]
            case "Fn::ImportValue":
                return self._imported(self.resolve(argument))
            case _:
                raise TemplateError(f"{name} is not resolved in local mode")

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in _PSEUDO_PARAMETERS:
            return _PSEUDO_PARAMETERS[name]
        if name in self._parameters:
            return self._parameters[name]
        resource = self._resources.get(name)
        if resource is None:
            raise TemplateError(f"parameter {name} has no value")
        if resource.get("Type") in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
            return function_arn(self.resolve(resource["Properties"]["FunctionName"]))
        return name

    def _attribute(self, path: list[str]) -> Any:
        name, attribute = path[0], path[1]
        resource = self._resources.get(name)
        if resource is None:
            raise TemplateError(f"no resource {name}")
        if attribute == "Arn" and resource.get("Type") in _FUNCTIONS:
            return function_arn(name)
        if attribute == "DBProxyArn":  # templates extract the proxy's id from it
            return f"arn:{PARTITION}:rds:{REGION}:{ACCOUNT_ID}:db-proxy:{name}"
        if attribute == "DnsEntries":  # templates extract the name from it
            return [f"Z0:{name}.test"]
        return f"{name}.{attribute}"

    def _substitute(self, argument: str | list[Any]) -> str:
        text, variables = argument if isinstance(argument, list) else (argument, {})

        def value(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return str(self.resolve(variables[name]))
            return str(self._attribute(name.split(".", 1)) if "." in name else self._ref(name))

        return _VARIABLE.sub(value, text)

    def _truth(self, expression: Mapping[str, Any]) -> bool:
        name, argument = next(iter(expression.items()))
        match name:
            case "Fn::Equals":
                left, right = self.resolve(argument)
                return str(left) == str(right)
            case "Fn::Not":
                return not self._truth(argument[0])
            case "Fn::And":
                return all(map(self._truth, argument))
            case "Fn::Or":
                return any(map(self._truth, argument))
            case "Condition":
                return self.holds(argument)
            case _:
                raise TemplateError(f"{name} is not a condition")


def _selected(index: Any, items: list[Any]) -> Any:
    if not 0 <= int(index) < len(items):
        raise TemplateError(f"Fn::Select: {items} has no index {index}")
    return items[int(index)]


def _is_list(parameter: Mapping[str, Any]) -> bool:
    kind: str = parameter.get("Type", "String")
    return kind == "CommaDelimitedList" or kind.startswith("List<")


def _listed(value: Any) -> list[str]:
    """The items of a list parameter, given as text with commas. Empty text is a list of one empty text."""
    return value if isinstance(value, list) else [item.strip() for item in str(value).split(",")]
