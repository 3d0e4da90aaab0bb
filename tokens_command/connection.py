"""Where the service is and who calls it: a stack of this account, an address, or the local stack of `make run`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property, wraps
from typing import Any

import click
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError

from deploy.aws import Aws
from deploy.stack import Stack, foundation_of, stack_named
from tokens_command.output import Output
from tokens_command.problems import Exit, Problem
from tokens_command.service import SignedService

LOCAL_URL = "http://127.0.0.1:3000"
# What `make run` prints: no secret, and only the local stack accepts it.
_LOCAL_KEY = ReadOnlyCredentials("local", "local-secret", None)
_LOCAL_REGION = "eu-west-1"


@dataclass(frozen=True)
class Place:
    """The options that every subcommand takes. None, False: not given."""

    stack: str | None = None
    url: str | None = None
    region: str | None = None
    profile: str | None = None
    local: bool = False
    json: bool = False

    def over(self, before: Place) -> Place:
        """These, and those before where none are given."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name)}
        return replace(before, **given)


_OPTIONS = (
    click.option("--stack", envvar="TOKENS_STACK", help="The product's CloudFormation stack."),
    click.option(
        "--url", envvar="TOKENS_URL", help="The address of its API, instead of looking the stack up."
    ),
    click.option("--region", help="AWS Region; by default AWS_DEFAULT_REGION or the profile's."),
    click.option("--profile", help="Profile of the AWS configuration; by default AWS_PROFILE."),
    click.option(
        "--local",
        is_flag=True,
        envvar="TOKENS_LOCAL",
        help=f"The service of `make run`, {LOCAL_URL} or --url.",
    ),
    click.option("--json", is_flag=True, help="Print JSON, as the service's routes return it."),
)


def placed(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a subcommand the options, and a Session as its first argument. The options may stand before it as well."""

    @wraps(command)
    def with_session(**given: Any) -> Any:
        place = Place(**{f.name: given.pop(f.name) for f in fields(Place)})
        before = click.get_current_context().find_object(Place) or Place()
        return command(Session(place.over(before)), **given)

    return with_options(with_session)


def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Only the options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class Session:
    """What a subcommand works with; each part is made when it is first used."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.out = Output(is_json=place.json)

    @cached_property
    def service(self) -> SignedService:
        """The signed routes. Raises Problem, Failed."""
        if self.place.local:
            return SignedService(self.place.url or LOCAL_URL, _LOCAL_KEY, _LOCAL_REGION)
        url = self.place.url or self.stack.output("ApiUrl")
        region = self._region()
        return SignedService(url, self._credentials(), region)

    @cached_property
    def stack(self) -> Stack:
        """The product's stack. Raises Problem, Failed."""
        if self.place.local or not self.place.stack:
            raise Problem("Say which service: --stack NAME (or TOKENS_STACK), --url ADDRESS, or --local.")
        return stack_named(self.place.stack, self.aws)

    @cached_property
    def foundation(self) -> Stack:
        """What the product stands on. Raises Problem, Failed."""
        return stack_named(foundation_of(self.stack.name), self.aws)

    @cached_property
    def function_names(self) -> set[str]:
        """Of the product's stack. Raises Problem, Failed."""
        listed = self.aws.each(
            "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=self.stack.name
        )
        return {
            each["PhysicalResourceId"] for each in listed if each["ResourceType"] == "AWS::Lambda::Function"
        }

    @cached_property
    def aws(self) -> Aws:
        """The account. Raises Failed."""
        return Aws(self.place.region, self.place.profile)

    def _region(self) -> str:
        if not self.aws.region:
            raise Problem("No AWS Region is set: give --region, or set AWS_DEFAULT_REGION.")
        return self.aws.region

    def _credentials(self) -> ReadOnlyCredentials:
        try:
            found = self.aws.credentials()
        except BotoCoreError as exc:
            raise Problem(f"There are no usable AWS credentials ({exc}).", Exit.DENIED) from exc
        if found is None:
            sentence = (
                "There are no AWS credentials: sign in (`aws sso login`, `aws configure`), or give --profile."
            )
            raise Problem(sentence, Exit.DENIED)
        return found
