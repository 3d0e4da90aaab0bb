"""What verifiers outside API Gateway get, and how it is signed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.errors import InvalidRequest, OtherHistory
from auth_tokens.domain.published_revocations import Entry
from auth_tokens.ports.published_revocations import LogState
from auth_tokens.usecases.publish_revocations import (
    MAX_NUMBERS,
    PAGE,
    PublishRevocationsDeps,
    publish_revocations,
)
from tests.support.world import START


@dataclass
class Log:
    """The log in memory: every number up to `size`, each row with its number for ids. Also signs: shows its claims."""

    size: int = 3
    width: int = 3
    cutoffs: tuple[Cutoff, ...] = ()
    signed: list[tuple[Mapping[str, Any], str]] = field(default_factory=list)

    def state(self, number: int) -> LogState:
        return LogState(
            START, self.width, self._id(number) if 0 < number <= self.size else None, self.cutoffs
        )

    def after(self, number: int, limit: int) -> list[Entry]:
        numbers = range(number + 1, min(self.size, number + limit) + 1)
        return [Entry(one, START, self._id(one), self._id(one)) for one in numbers]

    def sign(self, claims: Mapping[str, Any], typ: str) -> str:
        self.signed.append((claims, typ))
        return "signed"

    def _id(self, number: int) -> bytes:
        return number.to_bytes(8, "big")


def publish(log: Log, cursor: str | None = None) -> Mapping[str, Any]:
    """What is stated after a cursor."""
    deps = PublishRevocationsDeps(log, log, "https://tokens.test", max_staleness_s=5, fail_after_s=60)
    assert publish_revocations(cursor, deps)["statement"] == "signed"
    claims, typ = log.signed[-1]
    assert typ == "revocations+jwt"
    return claims


def test_the_statement_says_for_which_cursor_and_when_it_was_made() -> None:
    cutoff = Cutoff("portal-web", START - 9, START - 8)

    stated = publish(Log(cutoffs=(cutoff,)))

    assert (stated["iss"], stated["as_of"], stated["after"]) == ("https://tokens.test", START, "")
    assert (stated["max_staleness_s"], stated["fail_after_s"]) == (5, 60)
    assert stated["cutoffs"] == [{"client_id": "portal-web", "before": START - 9, "decided_at": START - 8}]


def test_the_next_reading_tells_what_came_since() -> None:
    log = Log()
    first = publish(log)
    log.size = 4

    second = publish(log, first["next"])

    assert (first["complete"], second["after"]) == (True, first["next"])
    assert second["next"].startswith("4.")
    assert publish(log, second["next"])["next"] == second["next"]


def test_a_long_log_is_told_in_parts() -> None:
    log = Log(size=PAGE + 1)

    first = publish(log)
    second = publish(log, first["next"])

    assert (first["complete"], second["complete"]) == (False, True)
    assert second["next"] == f"{PAGE + 1}.{(PAGE + 1).to_bytes(8, 'big').hex()}.{PAGE + 1}"


@pytest.mark.parametrize("log", [Log(size=0), replace(Log(), size=2)], ids=["empty", "shorter"])
def test_a_cursor_beyond_the_log_is_of_another_history(log: Log) -> None:
    with pytest.raises(OtherHistory):
        publish(log, "3.0000000000000003.3")


def test_a_cursor_whose_row_is_another_one_is_of_another_history() -> None:
    with pytest.raises(OtherHistory):
        publish(Log(), "3.0000000000000004.3")


@pytest.mark.parametrize(("width", "overflows"), [(MAX_NUMBERS, False), (MAX_NUMBERS + 1, True)])
def test_more_than_fits_is_said_and_not_told(width: int, overflows: bool) -> None:
    stated = publish(Log(width=width))

    assert (stated["overflow"], stated["complete"]) == (overflows, True)
    assert (stated["next"] == "") == overflows


def test_what_is_no_cursor_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        publish(Log(), "x")
