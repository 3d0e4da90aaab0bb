"""The inbox of findings on a real database: one row for each rule and subject, the worst first, at a bounded cost."""

import random
from dataclasses import replace

import pytest

from auth_tokens.adapters.mysql.analytics import inbox as sql
from auth_tokens.bootstrap.keeping_up import judging_findings, reading_inbox
from auth_tokens.domain.analytics.finding_states import FindingState
from auth_tokens.domain.analytics.findings import RANKED, Finding, Rule, Severity
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.ids import uuid7, uuid_text
from auth_tokens.usecases.findings import change_finding
from auth_tokens.usecases.inbox import MAX_GROUPS, InboxFilter, InboxPage, list_inbox
from tests.integration.server.test_lost_commits import LosesAnswers
from tests.integration.server.test_statement_counts import NOTHING, cost
from tests.support.world import START, World

OPERATOR = Caller(actor="user:op")
FOUND = Finding(
    rule=Rule.DEVICE_BURST,
    severity=Severity.MEDIUM,
    subject="alice",
    events=5,
    accounts=1,
    sources=2,
    first_at=START - 90,
    last_at=START - 30,
    evidence=(),
    user_id="alice",
)


@pytest.fixture
def world(fresh_world: World) -> World:
    return fresh_world


def report(world: World, **changes: object) -> None:
    """A finding a second after the last."""
    world.clock.now += 1
    deps = reading_inbox(world.shared)
    deps.inbox.report(replace(FOUND, **changes), world.clock())  # type: ignore[arg-type]


def page(world: World, **wanted: object) -> InboxPage:
    return list_inbox(InboxFilter(**wanted), reading_inbox(world.shared))  # type: ignore[arg-type]


def subjects(world: World, **wanted: object) -> list[str]:
    return [view.group.subject for view in page(world, **wanted).groups]


def judge(world: World, finding: bytes, state: FindingState = FindingState.CLOSED) -> None:
    world.clock.now += 1
    change_finding(uuid_text(finding), state, "seen", OPERATOR, judging_findings(world.shared))


def test_findings_of_one_rule_and_subject_are_one_group_with_the_worst_of_them(world: World) -> None:
    report(world, severity=Severity.HIGH)
    report(world, first_at=START - 10, events=7)

    [view] = page(world).groups

    group, newest = view.group, view.newest
    assert (group.findings, group.first_at, group.severity) == (2, START - 90, Severity.HIGH)
    assert newest is not None
    assert (newest.event.detail["events"], newest.event.detail["severity"]) == (7, "medium")
    assert newest.state is group.state is FindingState.OPEN


def test_the_worst_come_first_then_the_newest(world: World) -> None:
    for subject, severity in (
        ("old", Severity.HIGH),
        ("low", Severity.LOW),
        ("new", Severity.HIGH),
        ("mid", Severity.MEDIUM),
    ):
        report(world, subject=subject, severity=severity)

    in_order = ["new", "old", "mid", "low"]
    assert subjects(world) == in_order
    first = page(world, limit=2)
    assert [view.group.subject for view in first.groups] == in_order[:2]
    assert subjects(world, cursor=first.next_cursor) == in_order[2:]
    assert page(world, limit=4).next_cursor is None


def test_a_state_is_given_to_all_that_the_operator_saw_and_a_later_finding_opens_the_group_again(
    world: World,
) -> None:
    for _ in range(3):
        report(world, severity=Severity.HIGH)
    [seen] = page(world).groups

    judge(world, seen.group.newest_id, FindingState.ACKNOWLEDGED)
    [view] = page(world, state="acknowledged").groups
    assert view.newest is not None
    assert (view.newest.state, view.newest.changes[0].detail["actor"]) == (
        FindingState.ACKNOWLEDGED,
        "user:op",
    )
    report(world)
    [view] = page(world).groups
    assert (view.group.findings, view.group.severity) == (4, Severity.HIGH)
    assert view.newest is not None and view.newest.state is FindingState.OPEN


def test_after_a_close_the_figures_begin_anew(world: World) -> None:
    report(world, severity=Severity.HIGH)
    [seen] = page(world).groups
    judge(world, seen.group.newest_id)

    report(world, first_at=START, severity=Severity.LOW)

    [view] = page(world).groups
    assert (view.group.findings, view.group.first_at, view.group.severity) == (1, START, Severity.LOW)


def test_what_came_after_the_operator_looked_is_not_closed(world: World) -> None:
    report(world)
    [seen] = page(world).groups
    report(world)

    judge(world, seen.group.newest_id)

    assert (subjects(world), subjects(world, state="closed")) == (["alice"], [])


def test_each_state_is_counted_whatever_the_filter(world: World) -> None:
    report(world)
    [seen] = page(world).groups
    judge(world, seen.group.newest_id)
    for subject in ("bob", "carol"):
        report(world, subject=subject)

    counts = page(world, severity="low").counts

    assert {state.value: count for state, count in counts.items()} == {
        "open": 2,
        "acknowledged": 0,
        "closed": 1,
    }


def test_each_filter_leaves_its_own(world: World) -> None:
    report(world)
    report(world, rule=Rule.REUSE_SPIKE, subject="all", user_id=None, severity=Severity.HIGH)

    assert subjects(world, rule="reuse_spike") == subjects(world, severity="high") == ["all"]
    assert subjects(world, user_id="alice") == ["alice"]
    assert subjects(world, user_id="bob") == subjects(world, state="closed") == []


def test_a_report_whose_commit_went_unanswered_is_counted_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(world)
    network = LosesAnswers(monkeypatch)

    network.next()
    report(world)

    assert network.lost == 1

    [view] = page(world).groups
    assert view.group.findings == 2
    [row] = world.sql("SELECT COUNT(*) AS n FROM auth_token_events WHERE type = 'finding'")
    assert row["n"] == 2


def test_a_page_is_three_statements_and_a_state_is_read_and_written_once(world: World) -> None:
    for number in range(MAX_GROUPS + 1):
        report(world, subject=f"user {number}")

    assert cost(world, lambda: page(world)) == {**NOTHING, "Com_select": 3}
    finding = page(world).groups[0].group.newest_id
    spent = cost(world, lambda: judge(world, finding))
    # The finding, the two writes in one transaction, and the finding with its changes.
    assert spent == {
        **NOTHING,
        "Com_select": 3,
        "Com_insert": 1,
        "Com_update": 1,
        "Com_begin": 1,
        "Com_commit": 1,
    }


@pytest.fixture
def full_world(world: World) -> World:
    """20,000 groups, most of them open and of one rule, as after an attack from a botnet."""
    chance = random.Random(1)
    rows = [
        (
            "reuse_spike" if number % 500 == 0 else "stuffing_from_one_source",
            f"{number:032x}",
            f"user{number % 4000}",
            "closed" if number % 10 == 0 else "open",
            1 + chance.randrange(len(RANKED)),
            START,
            uuid7((START - number) * 1000, chance.randbytes(10)),
        )
        for number in range(20_000)
    ]
    world.database.transaction(
        lambda statements: statements.execute_many(
            "INSERT INTO auth_token_finding_groups"
            " (rule, subject, user_id, state, severity, findings, first_at, newest_id)"
            " VALUES (%s, %s, %s, %s, %s, 1, %s, %s)",
            rows,
        )
    )
    world.sql("ANALYZE TABLE auth_token_finding_groups")
    return world


def test_no_list_sorts_or_reads_far_more_than_it_shows(full_world: World) -> None:
    place = {"state": "open", "rank": 2, "newest_id": uuid7(START * 1000, bytes(10)), "limit": 51}
    filters = {
        "": "ix_inbox",
        "\n  AND severity = %(severity)s": "ix_inbox",
        "\n  AND rule = %(rule)s": "ix_inbox",
    }
    for chosen, index in filters.items():
        parameters = {**place, "severity": 2, "rule": "stuffing_from_one_source"}
        statement = f"EXPLAIN FORMAT=TRADITIONAL {sql.select_groups(chosen)}"
        [plan] = full_world.database.query(statement, parameters)
        assert (plan["key"], plan["type"]) in ((index, "range"), (index, "ref")), chosen
        assert "filesort" not in (plan["Extra"] or ""), chosen
    of_user = sql.select_groups("\n  AND user_id = %(user_id)s")
    [plan] = full_world.database.query(f"EXPLAIN FORMAT=TRADITIONAL {of_user}", {**place, "user_id": "user7"})
    assert (plan["key"], plan["type"]) == ("ix_user", "ref")
    for plan in full_world.database.query(f"EXPLAIN FORMAT=TRADITIONAL {sql.COUNT_GROUPS}"):
        assert plan["key"] in ("ix_inbox", None), plan
