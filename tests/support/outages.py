"""How long each route takes to answer while a dependency is ill, and what it answers.

The tests measure with a short Timeout. `python -m tests.support.outages` measures with each function's own and writes
the table of docs/reference/outages.md; it takes some minutes.
"""

import contextlib
import importlib.util
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from auth_tokens.adapters.kms.client import kms_client
from auth_tokens.bootstrap.keys import keys, kms
from auth_tokens.domain.errors import Unavailable
from local.client import Client
from local.host.paths import ROOT
from local.options import RunnerOptions, ServerOptions
from local.seed import PASSWORD, USERS, SeedUser
from local.stack import JOBS_HTTP, LocalStack
from local.templates.functions import FunctionSpec
from tests.contract.cases import GOOD
from tests.contract.document import OPERATIONS
from tests.contract.visitor import Case, Visitor, Who
from tests.support.half_dead import HalfDead, Way

ALICE, BOB, CAROL = USERS[:3]  # an operator, a user, and one who is disabled
# Each of these ends what others rely on: it gets a visitor of its own.
_ENDING = ("DELETE ", "POST /auth/logout", "POST /auth/revoke", "POST /auth/token", "POST /auth/step-up")
_ENDING += ("POST /console/sessions/", "POST /console/devices/")
AUTHORIZER_ROUTES = {
    "authorizer, access token": {"Authorization": "Bearer $access_token"},
    "authorizer, session cookie": {"Cookie": "__Host-session=$session_token"},
}
SCHEDULES = {
    "cleanup": "CleanupFunction",
    "rotate keys": "RotateKeysFunction",
    "analytics": "AnalyticsFunction",
}
MAX_ROUNDS = 4
# Of one user, which the rule device_burst finds.
NEW_DEVICES = 5
# Their database user has no right to the keys of tokens.
READERS = {"DiscoveryFunction", "RevocationsFunction", "IntrospectFunction", "AuthorizerFunction"}
# One function's environment reads its variables while it is imported.
_IMPORTING = threading.Lock()


class Dependency(Enum):
    """What is ill, and whether the environment knew it well."""

    NEW_CONNECTION = "database, new connection"
    OPEN_CONNECTION = "database, open connection"
    KMS = "KMS"


@dataclass(frozen=True)
class Ask:
    """One event for one function. name: the route, the authorizer's case, or the schedule."""

    name: str
    function: str
    event: Any


@dataclass(frozen=True)
class Answer:
    """status: of HTTP; 200 for whatever else returned, 503 for an Unavailable that was raised. seconds: until then."""

    name: str
    function: str
    status: int
    retry_after: str | None
    seconds: float


@dataclass(frozen=True)
class _Context:
    ends_at: float
    aws_request_id: str = "outage"
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    function_name: str = "f"
    function_version: str = "1"
    memory_limit_in_mb: str = "512"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.ends_at - time.monotonic()) * 1000))


def asks(stack: LocalStack) -> list[Ask]:
    """A good request to each route, as the gateway hands it to the function, and the schedules' events."""
    _wait_for_kms(stack)
    finding = _finding(stack)
    bob, alice = _arrived(stack, BOB, **finding), _arrived(stack, ALICE, **finding)
    found: list[Ask] = []
    for route in OPERATIONS:
        user, visitor = (ALICE, alice) if "/console/" in route else (BOB, bob)
        if route.startswith(_ENDING):
            visitor = _arrived(stack, user, **finding)
        case = next(case for case in GOOD if case.route == route)
        if route.startswith(("POST /admin/", "POST /console/users/")):
            case = replace(case, path={"user_id": CAROL.id})
        found.append(replace(_caught(stack, visitor, case), name=route))
    for name, headers in AUTHORIZER_ROUTES.items():
        filled = {key: value.replace("$", "{", 1) + "}" for key, value in headers.items()}
        sent = {key: value.format_map(bob.values) for key, value in filled.items()}
        case = Case(f"GET {JOBS_HTTP}/jobs", name, 200, headers=sent)
        found.append(replace(_caught(stack, bob, case), name=name))
    found += [Ask(name, function, {"source": "aws.scheduler"}) for name, function in SCHEDULES.items()]
    return found


def _wait_for_kms(stack: LocalStack) -> None:
    """moto loads at its first call what may take a busy machine longer than the service waits for KMS."""
    signed_in = {"username": BOB.username, "password": PASSWORD}
    for _ in range(MAX_ROUNDS):
        if Client(stack.base_url).post("/auth/login", signed_in).status != 503:
            return


def _finding(stack: LocalStack) -> Mapping[str, str]:
    """A finding, whose details are encrypted: without one there is nothing to decrypt, and KMS is not needed."""
    anyone = Visitor(stack.base_url)
    signed_in = Case("POST /auth/issue", "", 200, who=Who.SIGNED, body={"user_id": BOB.id, "amr": ["pwd"]})
    assert [anyone.send(signed_in).status for _ in range(NEW_DEVICES)] == [200] * NEW_DEVICES
    stack.invoke("analytics", {"source": "aws.scheduler"})
    listed = Case("GET /admin/security/findings", "", 200, who=Who.SIGNED, query={"user_id": BOB.id})
    finding_id = anyone.send(listed).json["findings"][0]["id"]
    return {"finding_id": finding_id, "source_finding_id": finding_id}


def _arrived(stack: LocalStack, user: SeedUser, **known: str) -> Visitor:
    return Visitor.arrived(stack.base_url, user.username, user.id, **known)


def answers(
    stack: LocalStack, dependency: Dependency, way: Way, timeout_s: Callable[[FunctionSpec], float]
) -> list[Answer]:
    """What each route answers, all at once. Who is late is asked again, among fewer: a busy machine is late once, a
    fault each time."""
    asked = asks(stack)
    found: dict[str, Answer] = {}
    for _ in range(MAX_ROUNDS):
        found |= {answer.name: answer for answer in _round(stack, asked, dependency, way, timeout_s)}
        asked = [ask for ask in asked if found[ask.name].seconds > timeout_s(stack.specs[ask.function]) - 1]
        if not asked:
            break
    return list(found.values())


def _round(
    stack: LocalStack,
    asked: list[Ask],
    dependency: Dependency,
    way: Way,
    timeout_s: Callable[[FunctionSpec], float],
) -> list[Answer]:
    with ThreadPoolExecutor(len(asked)) as pool, _ill(stack, dependency, way) as illness:
        environments = [illness.environment(stack.specs[ask.function]) for ask in asked]
        illness.now()
        return list(pool.map(lambda pair: _answer(*pair, timeout_s), zip(asked, environments, strict=True)))


@dataclass
class _Environment:
    """A function in an execution environment of its own."""

    spec: FunctionSpec
    module: ModuleType

    def close(self) -> None:
        self.module.SHARED.database.close()


class _Illness:
    """Environments that reach their dependencies through proxies, one of which is to fall ill."""

    def __init__(
        self, database: HalfDead, kms: HalfDead, client: Any, dependency: Dependency, way: Way
    ) -> None:
        self._database, self._kms, self._client = database, kms, client
        self._dependency, self._way = dependency, way
        self._made: list[_Environment] = []

    def environment(self, spec: FunctionSpec) -> _Environment:
        variables = {"DB_HOST": "127.0.0.1", "DB_PORT": str(self._database.port)}
        placed = replace(spec, environment={**spec.environment, **variables})
        made = _Environment(placed, _imported(placed))
        kms(made.module.SHARED)._client = self._client
        if self._dependency is not Dependency.NEW_CONNECTION:
            made.module.SHARED.database.query("SELECT 1")
        if self._dependency is Dependency.OPEN_CONNECTION:
            with contextlib.suppress(
                Unavailable, Exception
            ):  # the reader has no right to keys, and needs none
                ring = keys(made.module.SHARED)
                ring.chain_keys(ring.chain_epoch())
        self._made.append(made)
        return made

    def now(self) -> None:
        (self._kms if self._dependency is Dependency.KMS else self._database).falls_ill(self._way)

    def close(self) -> None:
        for made in self._made:
            made.close()


@contextlib.contextmanager
def _ill(stack: LocalStack, dependency: Dependency, way: Way) -> Iterator[_Illness]:
    aws = urlsplit(stack.aws.environment["AWS_ENDPOINT_URL"])
    with (
        HalfDead(stack.database.host, stack.database.port) as database,
        HalfDead(str(aws.hostname), aws.port or 0) as kms,
    ):
        with (
            _IMPORTING,
            _variables({**stack.aws.environment, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{kms.port}"}),
        ):
            client = kms_client()
        illness = _Illness(database, kms, client, dependency, way)
        try:
            yield illness
        finally:
            illness.close()


def _answer(ask: Ask, environment: _Environment, timeout_s: Callable[[FunctionSpec], float]) -> Answer:
    began = time.monotonic()
    event = json.loads(json.dumps(ask.event))
    status, retry_after = 200, None
    try:
        result = environment.module.handler(event, _Context(began + timeout_s(environment.spec)))
        if isinstance(result, dict) and "statusCode" in result:
            status, retry_after = result["statusCode"], result["headers"].get("Retry-After")
        elif isinstance(result, dict) and result.get("isAuthorized") is False:
            status = 403
    except Unavailable as exc:
        status, retry_after = 503, str(exc.retry_after_s)
    return Answer(ask.name, ask.function, status, retry_after, time.monotonic() - began)


def _caught(stack: LocalStack, visitor: Visitor, case: Case) -> Ask:
    """The invocation that a request leads to; it is not carried out."""
    caught: list[Ask] = []
    runner: Any = stack.runner
    invoke = runner.invoke

    def catch(function: str, event: Any, timeout_s: float | None = None) -> Any:
        caught.append(Ask(case.name, function, event))
        return {"statusCode": 200, "body": "{}", "isAuthorized": False}

    runner.invoke = catch
    try:
        visitor.send(case)
    finally:
        runner.invoke = invoke
    [ask] = caught
    return ask


def _imported(spec: FunctionSpec) -> ModuleType:
    """A fresh copy of a function's module."""
    name = f"outage_{uuid.uuid4().hex}"
    found = importlib.util.spec_from_file_location(name, spec.code / "app.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    with _IMPORTING, _variables(spec.environment):
        found.loader.exec_module(module)
    return module


@contextlib.contextmanager
def _variables(given: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


_DOCUMENT = ROOT / "docs" / "reference" / "outages.md"
_BEGIN, _END = "<!-- figures: python -m tests.support.outages -->", "<!-- end of figures -->"
_ILLNESSES = {
    Dependency.NEW_CONNECTION: (Way.SILENT, Way.DRIPS, Way.BLACK_HOLE, Way.REFUSES),
    Dependency.OPEN_CONNECTION: (Way.SILENT, Way.DRIPS, Way.SLOW),
    Dependency.KMS: (Way.SILENT, Way.DRIPS, Way.SLOW),
}


def table(slowest: Mapping[Dependency, list[Answer]], timeouts: Mapping[str, float]) -> str:
    """A row for each route: its Timeout, and the slowest answer with its status for each dependency."""
    head = ["", "`Timeout`", *(dependency.value for dependency in Dependency)]
    rows = [head, ["---"] * len(head)]
    for answers_of_one in zip(*(slowest[dependency] for dependency in Dependency), strict=True):
        name, function = answers_of_one[0].name, answers_of_one[0].function
        told = f"`{name}`" if name in OPERATIONS else name
        figures = [f"{answer.seconds:.1f} ({answer.status})" for answer in answers_of_one]
        rows.append([told, f"{timeouts[function]:.0f}", *figures])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Measure with the template's own Timeouts, and put the table into the document."""
    slowest: dict[Dependency, list[Answer]] = {}
    with LocalStack(servers=ServerOptions(durable=False), runner=RunnerOptions(in_process=True)) as stack:
        timeouts = {name: float(spec.timeout_s) for name, spec in stack.specs.items()}
        for dependency, ways in _ILLNESSES.items():
            runs = [answers(stack, dependency, way, lambda spec: float(spec.timeout_s)) for way in ways]
            slowest[dependency] = [max(of_one, key=lambda a: a.seconds) for of_one in zip(*runs, strict=True)]
    text = _DOCUMENT.read_text("utf-8")
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    _DOCUMENT.write_text(f"{before}{_BEGIN}\n\n{table(slowest, timeouts)}\n\n{_END}{after}", "utf-8")


if __name__ == "__main__":
    main()
