"""A page of the events of one's own account, from a list in memory."""

from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.errors import InvalidAccessToken, InvalidRequest
from auth_tokens.domain.events import RecordedEvent
from auth_tokens.domain.ids import uuid7, uuid_text
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.usecases.list_events import MAX_SPAN_S
from auth_tokens.usecases.own_events import MAX_PAGE, OwnEventsDeps, own_events
from tests.support.fakes import ROW_ID, USER, session_record
from tests.support.world import START, Clock
from tests.unit.usecases.test_list_events import MemoryEvents

DAY_S = 86_400
CLAIMS = AccessClaims(USER.id, uuid_text(ROW_ID), None, "c", "", "d", 0, "", (), (), 0, 2**39)


@dataclass
class OneSession:
    """The part of port ports.tokens.TokenStore that is used."""

    record: TokenRecord | None

    def load(self, row_id: bytes) -> TokenRecord | None:
        return self.record if row_id == ROW_ID else None


def event(number: int, age_s: int = 0, kind: str = "login_failed", **detail: str) -> RecordedEvent:
    at = START - age_s
    return RecordedEvent(
        uuid7(at * 1000, bytes(8) + number.to_bytes(2, "big")), kind, at, USER.id, None, None, detail
    )


def numbers(
    events: list[RecordedEvent],
    limit: int | None = None,
    created_s: int | None = None,
    cursor: str | None = None,
) -> list[int]:
    """The numbers of the events of a page and of all behind it. created_s: when the Portal made the account."""
    owner = replace(USER, created_us=None if created_s is None else created_s * 1_000_000)
    store = cast(Any, OneSession(session_record(owner=owner)))
    page = own_events(CLAIMS, limit, cursor, OwnEventsDeps(MemoryEvents(events), store, Clock()))
    found = [int.from_bytes(each.id[-2:], "big") for each in page.events]
    return found + (numbers(events, limit, created_s, page.next_cursor) if page.next_cursor else [])


def test_events_of_other_kinds_and_users_are_left_out_on_whatever_page() -> None:
    theirs = replace(event(2), user_id="somebody else")
    events = [event(1), theirs, event(3, kind="finding"), event(4, kind="refresh_burst"), event(5)]

    assert numbers(events) == numbers(events, limit=1) == [5, 1]


def test_many_events_for_operators_hide_no_later_page() -> None:
    events = [event(1), *(event(number, kind="finding") for number in range(2, 2 * MAX_PAGE + 3))]

    assert numbers(events, limit=1) == [1]


def test_the_end_of_an_earlier_account_of_the_same_id_is_the_end_of_the_list() -> None:
    end = event(2, kind="user_revoked", reason="user_deleted")

    assert numbers([event(1), end, event(3)]) == [3]
    assert numbers([event(1), replace(end, detail={"reason": "password_changed"}), event(3)]) == [3, 2, 1]


@pytest.mark.parametrize(("age_s", "found"), [(DAY_S + 14 * 3600, [1]), (DAY_S + 14 * 3600 + 1, [])])
def test_what_is_older_than_the_account_in_every_zone_is_not_its_own(age_s: int, found: list[int]) -> None:
    assert numbers([event(1, age_s)], created_s=START - DAY_S) == found


@pytest.mark.parametrize(("age_s", "found"), [(MAX_SPAN_S, [1]), (MAX_SPAN_S + 1, [])])
def test_no_page_goes_back_further_than_the_longest_span(age_s: int, found: list[int]) -> None:
    assert numbers([event(1, age_s)], created_s=0) == found


@pytest.mark.parametrize("asked", [{"limit": 0}, {"limit": MAX_PAGE + 1}, {"cursor": "x"}, {"cursor": ""}])
def test_a_wrong_limit_or_cursor_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=next(iter(asked))):
        numbers([event(1)], **asked)


def test_a_session_that_has_ended_meanwhile_sees_nothing() -> None:
    deps = OwnEventsDeps(MemoryEvents([event(1)]), cast(Any, OneSession(None)), Clock())

    with pytest.raises(InvalidAccessToken):
        own_events(CLAIMS, None, None, deps)
