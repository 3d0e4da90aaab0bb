"""Each route, with each dependency ill in each way: its own answer, at least a second before its function's end."""

import pytest

from local.stack import LocalStack
from local.templates.functions import FunctionSpec
from tests.contract.test_outage import NEEDS_NO_DATABASE
from tests.support.half_dead import Way
from tests.support.outages import AUTHORIZER_ROUTES, SCHEDULES, Answer, Dependency, answers

# Of every function here: no test has the time for the template's.
TIMEOUT_S = 4.0
NEEDS_KMS = {"POST /auth/login", "POST /auth/issue", "POST /auth/token"}
# What of its dependency a new environment, and one with an open connection, can meet.
OUTAGES = [
    (Dependency.NEW_CONNECTION, Way.SILENT),
    (Dependency.NEW_CONNECTION, Way.BLACK_HOLE),
    (Dependency.OPEN_CONNECTION, Way.SILENT),
    (Dependency.OPEN_CONNECTION, Way.SLOW),
    (Dependency.OPEN_CONNECTION, Way.DRIPS),
    (Dependency.KMS, Way.SILENT),
    (Dependency.KMS, Way.DRIPS),
]


def has_its_own_answer(answer: Answer) -> bool:
    """An outage that is told as one, or what the route says anyway. A 5xx else is a fault."""
    if answer.status == 503:
        return answer.retry_after is not None and int(answer.retry_after) >= 1
    return answer.status < 500


def must_be_refused(answer: Answer, dependency: Dependency, way: Way) -> bool:
    if way is Way.SLOW or answer.name in AUTHORIZER_ROUTES or answer.name in SCHEDULES:
        return False
    return answer.name in NEEDS_KMS if dependency is Dependency.KMS else answer.name not in NEEDS_NO_DATABASE


@pytest.mark.parametrize(
    ("dependency", "way"), OUTAGES, ids=[f"{dependency.value} {way.value}" for dependency, way in OUTAGES]
)
def test_every_route_answers_before_its_function_would_be_killed(
    stack: LocalStack, dependency: Dependency, way: Way
) -> None:
    def timeout_s(spec: FunctionSpec) -> float:
        return TIMEOUT_S

    found = answers(stack, dependency, way, timeout_s)

    assert [answer for answer in found if answer.seconds > TIMEOUT_S - 1] == []
    assert [answer for answer in found if not has_its_own_answer(answer)] == []
    assert [
        answer for answer in found if must_be_refused(answer, dependency, way) and answer.status != 503
    ] == []
