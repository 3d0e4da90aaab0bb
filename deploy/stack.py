"""A deployed stack of this service, as CloudFormation describes it.

The product's is called STACK, the others STACK-foundation and STACK-operations (samconfig.toml).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.aws import Aws, Failed

_AGAIN = "delete it (`sam delete`) and deploy again"
# In these a stack has no outputs to go by, or none that hold for long.
_UNUSABLE = {
    "CREATE_FAILED": f"its creation failed: {_AGAIN}",
    "CREATE_IN_PROGRESS": "it is being created: wait until it is",
    "DELETE_COMPLETE": "it is deleted: deploy it again",
    "DELETE_FAILED": "its deletion failed: `aws cloudformation describe-stack-events` says at what",
    "DELETE_IN_PROGRESS": "it is being deleted",
    "IMPORT_IN_PROGRESS": "resources are being imported into it: wait until they are",
    "REVIEW_IN_PROGRESS": "its first change set was not executed: deploy it",
    "ROLLBACK_COMPLETE": f"its creation failed and was rolled back: {_AGAIN}",
    "ROLLBACK_FAILED": f"its creation failed, and so did the rollback: {_AGAIN}",
    "ROLLBACK_IN_PROGRESS": f"its creation failed and is being rolled back: when that is done, {_AGAIN}",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """outputs, parameters: by name. status: CloudFormation's."""

    name: str
    status: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]

    def output(self, key: str) -> str:
        """Raises Failed."""
        if key not in self.outputs:
            raise Failed(
                f"The stack {self.name} has no output {key}: it is none of this service's, or of an earlier release"
                " that had none. Name another stack, or deploy this release to it."
            )
        return self.outputs[key]

    @property
    def issuer(self) -> str:
        """Raises Failed."""
        if "Issuer" not in self.parameters:
            raise Failed(
                f"The stack {self.name} has no parameter Issuer: it is none of this service's. Name another stack."
            )
        return self.parameters["Issuer"]


def foundation_of(product: str) -> str:
    """The name of the stack that a product stands on."""
    return f"{product}-foundation"


def operations_of(product: str) -> str:
    """The name of the stack that looks at a product."""
    return f"{product}-operations"


def stack_named(name: str, aws: Aws) -> Stack:
    """Raises Failed: no such stack, no right to see it, or a state in which there is nothing to work with."""
    try:
        [found] = aws.call("cloudformation", "describe_stacks", StackName=name)["Stacks"]
    except Failed as exc:
        if exc.code == "ValidationError" and "does not exist" in str(exc):
            where = f"in {aws.region} of this account"
            raise Failed(
                f"There is no stack {name} {where}: look at the name, --region and --profile"
                " (`aws cloudformation list-stacks` lists them)."
            ) from exc
        raise
    if reason := _UNUSABLE.get(found["StackStatus"]):
        raise Failed(f"The stack {name} cannot be used: {reason} ({found['StackStatus']}).")
    return Stack(
        name,
        found["StackStatus"],
        {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())},
        {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", ())},
    )
