"""The detection rules: both sides of each bound, and how right they are on labelled traffic."""

import pytest

from auth_tokens.domain.analytics import detections
from auth_tokens.domain.analytics.detections import RULES, findings_in
from auth_tokens.domain.analytics.findings import EVERYBODY, MAX_EVIDENCE, Finding, Rule, Severity, unreported
from auth_tokens.domain.analytics.hours import HOUR_S, hour_of
from auth_tokens.domain.events import EventType, RecordedEvent
from tests.support.labelled_traffic import USUAL, Hour, labelled_hour, people, score_table, scores, user
from tests.support.world import START

FAILED, SUCCEEDED = EventType.LOGIN_FAILED, EventType.LOGIN_SUCCEEDED
ONE = b"\x01" * 16


@pytest.fixture
def hour() -> Hour:
    return Hour(seed=1)


def reported(finding: Finding) -> RecordedEvent:
    event = finding.as_event(START)
    return RecordedEvent(b"f" * 16, event.type.value, event.at, None, None, None, event.detail)


def severities(found: list[Finding]) -> list[Severity]:
    return [finding.severity for finding in found]


@pytest.mark.parametrize(("failing", "entering", "count"), [(9, 0, 0), (10, 0, 1), (21, 10, 1), (20, 10, 0)])
def test_one_source_that_fails_on_many_accounts_and_enters_few(
    hour: Hour, failing: int, entering: int, count: int
) -> None:
    for number in range(failing):
        hour.tell(FAILED, user(number), ONE)
    for number in range(entering):
        hour.tell(SUCCEEDED, user(1000 + number), ONE)

    assert len(detections.stuffing_from_one_source(hour.events, {})) == count


def test_one_source_is_worse_once_it_got_in(hour: Hour) -> None:
    for number in range(10):
        hour.tell(FAILED, user(number), ONE)
    assert severities(detections.stuffing_from_one_source(hour.events, {})) == [Severity.MEDIUM]

    hour.tell(SUCCEEDED, user(3), ONE)
    assert severities(detections.stuffing_from_one_source(hour.events, {})) == [Severity.HIGH]


@pytest.mark.parametrize("offset", [-1, 0, 50], ids=["by its first try", "meanwhile", "afterwards"])
def test_whoever_signed_in_from_a_stuffing_source_within_the_hour_was_got_into(
    hour: Hour, offset: int
) -> None:
    for number in range(10):
        hour.tell(FAILED, user(number), ONE, at=START - 100 + number)
    for _ in range(2):
        hour.tell(SUCCEEDED, user(3), ONE, at=START - 100 + offset)
    hour.tell(SUCCEEDED, user(4), hour.address(), at=START)

    [finding] = detections.stuffing_from_one_source(hour.events, {})

    assert (finding.entered, finding.severity) == (1, Severity.HIGH)
    assert (finding.accounts, finding.first_at) == (10, START - 100)
    assert finding.as_event(START).detail["entered"] == 1


def test_who_got_in_is_counted_over_all_networks_of_a_site(hour: Hour) -> None:
    for number in range(30):
        hour.tell(FAILED, user(number), bytes([number]) * 16, at=START - 100, site=ONE.hex())
    for number in range(2):
        hour.tell(SUCCEEDED, user(number), bytes([40 + number]) * 16, at=START, site=ONE.hex())

    assert [finding.entered for finding in detections.stuffing_from_one_source(hour.events, {})] == [2]


@pytest.mark.parametrize(("failing", "entering", "count"), [(29, 0, 0), (30, 0, 1), (30, 15, 0), (31, 15, 1)])
def test_networks_of_one_site_count_together_more_loosely(
    hour: Hour, failing: int, entering: int, count: int
) -> None:
    for number in range(failing):
        hour.tell(FAILED, user(number), bytes([number]) * 16, site=ONE.hex())
    for number in range(entering):
        hour.tell(SUCCEEDED, user(1000 + number), bytes([number]) * 16, site=ONE.hex())

    assert [finding.source for finding in detections.stuffing_from_one_source(hour.events, {})] == [
        ONE
    ] * count


def test_a_site_of_which_one_network_fails_is_found_once(hour: Hour) -> None:
    for number in range(30):
        hour.tell(FAILED, user(number), ONE, site=(b"2" * 16).hex())

    assert [finding.source for finding in detections.stuffing_from_one_source(hour.events, {})] == [ONE]


def test_names_that_nobody_has_are_accounts_too(hour: Hour) -> None:
    for number in range(10):
        hour.tell(FAILED, None, ONE, account=f"{number:032x}")

    [finding] = detections.stuffing_from_one_source(hour.events, {})

    assert (finding.accounts, finding.sources, finding.subject) == (10, 1, ONE.hex())


@pytest.mark.parametrize(("accounts", "usual", "count"), [(29, 0, 0), (30, 0, 1), (30, 30, 1), (30, 30.1, 0)])
def test_many_sources_that_fail_on_an_account_each(
    hour: Hour, accounts: int, usual: float, count: int
) -> None:
    for number in range(accounts):
        hour.tell(FAILED, user(number), hour.address())

    found = detections.stuffing_from_many_sources(hour.events, {FAILED.value: usual})

    assert len(found) == count


def test_people_who_get_in_after_all_are_not_many_sources(hour: Hour) -> None:
    for number in range(60):
        source = hour.address()
        hour.tell(FAILED, user(number), source)
        hour.tell(SUCCEEDED, user(number), source)

    assert detections.stuffing_from_many_sources(hour.events, {}) == []


@pytest.mark.parametrize(
    ("failures", "sources", "count"), [(10, 5, 1), (9, 5, 0), (10, 4, 0), (29, 1, 0), (30, 1, 1)]
)
def test_one_account_guessed(hour: Hour, failures: int, sources: int, count: int) -> None:
    for number in range(failures):
        hour.tell(FAILED, "victim", bytes([number % sources]) * 16)

    assert len(detections.guessing_one_account(hour.events, {})) == count


@pytest.mark.parametrize(("offset", "severity"), [(-1, Severity.MEDIUM), (0, Severity.HIGH)])
def test_guessing_is_worse_if_somebody_got_in_after_the_last(
    hour: Hour, offset: int, severity: Severity
) -> None:
    for _ in range(10):
        hour.tell(FAILED, "victim", hour.address(), at=START - 100)
    hour.tell(SUCCEEDED, "victim", hour.address(), at=START - 100 + offset)

    found = detections.guessing_one_account(hour.events, {})

    assert severities(found) == [severity]
    assert [finding.entered for finding in found] == [int(severity is Severity.HIGH)]


def test_a_rule_that_cannot_tell_who_got_in_says_nothing_of_it(hour: Hour) -> None:
    for number in range(30):
        hour.tell(FAILED, user(number), hour.address())

    [finding] = detections.stuffing_from_many_sources(hour.events, {})

    assert "entered" not in finding.as_event(START).detail


@pytest.mark.parametrize(
    ("reuses", "usual", "count"), [(4, 0, 0), (5, 0, 1), (5, 1, 1), (5, 1.1, 0), (20, 4, 1)]
)
def test_more_reuse_than_usual(hour: Hour, reuses: int, usual: float, count: int) -> None:
    for number in range(reuses):
        hour.tell(EventType.TOKEN_REUSE_DETECTED, user(number), hour.address())

    found = detections.reuse_spike(hour.events, {EventType.TOKEN_REUSE_DETECTED.value: usual})

    assert len(found) == count


def test_far_apart_is_worse_over_an_ocean_or_to_and_fro(hour: Hour) -> None:
    moves = {b"a" * 16: [900], b"b" * 16: [3000], b"c" * 16: [900, 900], b"d" * 16: [None]}
    for session_id, distances in moves.items():
        for km in distances:
            detail = {} if km is None else {"km": km}
            hour.tell(EventType.SESSION_MOVED, "u", ONE, session_id=session_id, **detail)

    found = detections.far_apart(hour.events, {})

    medium, high = Severity.MEDIUM, Severity.HIGH
    assert {finding.session_id: finding.severity for finding in found} == dict(
        zip(moves, [medium, high, high, medium], strict=True)
    )


@pytest.mark.parametrize(("devices", "found"), [(4, []), (5, [Severity.MEDIUM]), (15, [Severity.HIGH])])
def test_many_new_devices_of_one_user(hour: Hour, devices: int, found: list[Severity]) -> None:
    for _ in range(devices):
        hour.tell(EventType.NEW_DEVICE, "u", hour.address())

    assert severities(detections.device_burst(hour.events, {})) == found


@pytest.mark.parametrize(("ends", "users", "usual", "subjects"), [
    (9, 1, 0, set()), (10, 1, 0, {"user0"}), (49, 49, 0, set()), (50, 50, 0, {EVERYBODY}),
    (50, 50, 10, {EVERYBODY}), (50, 50, 10.1, set()), (54, 9, 0, set()),
])  # fmt: skip
def test_more_ends_than_usual(hour: Hour, ends: int, users: int, usual: float, subjects: set[str]) -> None:
    for number in range(ends):
        hour.tell(EventType.SESSION_REVOKED, user(number % users), ONE, reason="admin")

    found = detections.revocation_storm(hour.events, {EventType.SESSION_REVOKED.value: usual})

    assert {finding.subject for finding in found} == subjects


@pytest.mark.parametrize(
    ("bursts", "severity"), [(1, Severity.LOW), (3, Severity.MEDIUM), (10, Severity.HIGH)]
)
def test_a_session_that_refreshes_far_too_often(hour: Hour, bursts: int, severity: Severity) -> None:
    for _ in range(bursts):
        hour.tell(EventType.REFRESH_BURST, "u", ONE, session_id=b"s" * 16, usual_s=600)

    assert severities(detections.refresh_burst(hour.events, {})) == [severity]


def test_every_rule_has_its_detection_and_finds_nothing_in_nothing() -> None:
    assert [rule.__name__ for rule in RULES] == [rule.value for rule in Rule]
    assert findings_in([], {}) == []


def test_a_finding_names_its_newest_events(hour: Hour) -> None:
    for number in range(MAX_EVIDENCE + 5):
        hour.tell(EventType.NEW_DEVICE, "u", ONE, at=START - 100 + number)

    [finding] = detections.device_burst(hour.events, {})

    newest = sorted(event.id for event in hour.events)[-MAX_EVIDENCE:]
    assert list(finding.evidence) == newest
    assert (finding.first_at, finding.last_at) == (START - 100, START - 91 + MAX_EVIDENCE - 5)


def test_what_was_told_is_not_told_again_until_it_is_worse_or_the_hour_is_over(hour: Hour) -> None:
    for _ in range(5):
        hour.tell(EventType.NEW_DEVICE, "u", ONE, at=hour_of(START) + 1)
    [first] = detections.device_burst(hour.events, {})
    assert unreported([first], []) == [first]
    assert unreported([first], [reported(first)]) == []

    hour.tell(EventType.NEW_DEVICE, "u", ONE, at=hour_of(START) + HOUR_S - 1)
    assert unreported(detections.device_burst(hour.events, {}), [reported(first)]) == []

    hour.tell(EventType.NEW_DEVICE, "u", ONE, at=hour_of(START) + HOUR_S)
    assert len(unreported(detections.device_burst(hour.events, {}), [reported(first)])) == 1

    for _ in range(10):
        hour.tell(EventType.NEW_DEVICE, "u", ONE, at=hour_of(START) + 2)
    assert severities(unreported(detections.device_burst(hour.events, {}), [reported(first)])) == [
        Severity.HIGH
    ]


def test_a_source_that_was_told_is_told_once_more_when_somebody_got_in(hour: Hour) -> None:
    for number in range(30):
        hour.tell(FAILED, user(number), ONE, at=START - 100)
    [before] = detections.stuffing_from_one_source(hour.events, {})
    hour.tell(SUCCEEDED, user(1), ONE, at=START - 50)
    [after] = detections.stuffing_from_one_source(hour.events, {})
    hour.tell(SUCCEEDED, user(2), ONE, at=START)
    [later] = detections.stuffing_from_one_source(hour.events, {})

    assert before.severity is after.severity is Severity.HIGH
    assert unreported([after], [reported(before)]) == [after]
    assert unreported([later], [reported(before), reported(after)]) == []


def test_what_was_told_is_not_told_again_once_it_looks_milder(hour: Hour) -> None:
    """The hour that is looked at leaves behind who got in."""
    for number in range(10):
        hour.tell(FAILED, user(number), ONE, at=START - 100)
    [milder] = detections.stuffing_from_one_source(hour.events, {})
    hour.tell(SUCCEEDED, user(1), ONE, at=START)
    [first] = detections.stuffing_from_one_source(hour.events, {})

    assert (first.severity, milder.severity) == (Severity.HIGH, Severity.MEDIUM)
    assert unreported([milder], [reported(first)]) == []


def test_a_finding_says_nothing_but_what_its_type_may(hour: Hour) -> None:
    for finding in findings_in(labelled_hour(3).events, USUAL):
        assert finding.as_event(START).type is EventType.FINDING


def test_ordinary_hours_have_few_findings() -> None:
    found = []
    for seed in range(20):
        hour = Hour(seed)
        people(hour)
        found += findings_in(hour.events, USUAL)

    assert len(found) <= 10  # in 20 hours of 800 people


def test_the_rules_find_most_of_the_attacks_and_little_else(capsys: pytest.CaptureFixture[str]) -> None:
    result = scores(lambda events: findings_in(events, USUAL), range(60))

    with capsys.disabled():
        print("\n" + score_table(result))
    for rule, score in result.items():
        assert score.right + score.missed >= 5, rule
        assert score.recall >= 0.7, rule
        assert score.precision >= 0.7, rule
