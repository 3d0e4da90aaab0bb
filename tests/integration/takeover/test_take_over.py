"""A live token of the Portal becomes a session of ours, once, whatever the Portal's schema is."""

import time

import pytest

from auth_tokens.domain.acr import LEGACY_ACR
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.errors import InvalidGrant, InvalidRequest
from auth_tokens.domain.grants import SessionOptions
from auth_tokens.domain.ids import MAX_UUID
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.take_over import TakeoverRequest, take_over
from tests.support.takeover_stage import Stage
from tests.support.world import CALLER


def test_a_live_token_becomes_a_session_that_goes_on(any_stage: Stage) -> None:
    user = any_stage.user()

    answer = any_stage.take_over(any_stage.token(user))

    row = any_stage.world.row(answer.session_id)
    assert (row["user_id"], row["type"], row["generation"], row["acr"]) == (user, "refresh", 0, LEGACY_ACR)
    assert answer.access_token and not answer.is_repeat
    assert any_stage.world.refresh(answer.token).session_id == answer.session_id


def test_the_portal_accepts_the_token_no_longer(any_stage: Stage) -> None:
    token = any_stage.token()
    assert any_stage.portal.is_in_force(token)

    any_stage.take_over(token)

    assert not any_stage.portal.is_in_force(token)
    assert any_stage.portal.call("rotate", token=token) is None


def test_a_repeat_gets_the_same_answer_in_another_environment_and_after_days(any_stage: Stage) -> None:
    token = any_stage.token()
    first = any_stage.take_over(token)
    later = any_stage.environment()
    any_stage.world.clock.now += 3 * 86_400

    again = any_stage.take_over(token, deps=later)
    any_stage.world.clock.now -= 3 * 86_400

    assert again.is_repeat
    assert (again.token, again.session_id, again.device_id) == (
        first.token,
        first.session_id,
        first.device_id,
    )


def test_a_token_that_the_portal_spent_ended_or_never_issued_is_refused(any_stage: Stage) -> None:
    spent, ended, expired = any_stage.token(), any_stage.token(), any_stage.token(lives_s=-3600)
    any_stage.portal.call("rotate", token=spent)
    any_stage.portal.call("end", token=ended)

    for token in (spent, ended, expired, ended[::-1]):
        with pytest.raises(InvalidGrant):
            any_stage.take_over(token)


def test_the_successor_that_the_portal_issued_is_taken_over(any_stage: Stage) -> None:
    successor = any_stage.portal.call("rotate", token=any_stage.token())

    assert any_stage.take_over(successor).access_token


def test_a_token_that_is_shown_after_its_session_went_on_ends_it_or_is_refused_as_the_mapping_says(
    any_stage: Stage,
) -> None:
    token = any_stage.token()
    answer = any_stage.take_over(token)
    following = any_stage.world.refresh(answer.token)

    with pytest.raises(InvalidGrant):
        any_stage.take_over(token)

    if any_stage.portal.shape == "bytes":  # seen_again: refuse
        assert any_stage.world.refresh(following.token)
    else:
        assert any_stage.world.row(answer.session_id)["revoke_reason"] == "reuse"


def test_after_a_sign_out_the_token_gets_nothing_even_when_cleanup_has_taken_the_session(
    any_stage: Stage,
) -> None:
    token = any_stage.token()
    answer = any_stage.take_over(token)
    any_stage.world.sql(
        "UPDATE auth_user_tokens SET revoked_at = UTC_TIMESTAMP(6) WHERE user_id = %s",
        row_user(any_stage, answer.session_id),
    )
    with pytest.raises(InvalidGrant):
        any_stage.take_over(token)

    any_stage.world.sql(
        "DELETE FROM auth_user_tokens WHERE id = UNHEX(REPLACE(%s, '-', ''))", answer.session_id
    )
    revive(any_stage)

    with pytest.raises(InvalidGrant):
        any_stage.take_over(token)


def row_user(stage: Stage, session_id: str) -> str:
    return str(stage.world.row(session_id)["user_id"])


def revive(stage: Stage) -> None:
    """Somebody undoes every mark in the Portal's table."""
    undo = {
        "integer": "expires_at = NOW() + INTERVAL 9 DAY",
        "text": "expires_at = UTC_TIMESTAMP() + INTERVAL 9 DAY",
        "bytes": "is_revoked = 0",
    }[stage.portal.shape]
    stage.world.sql(f"UPDATE {stage.portal.address.name}.auth_user_tokens SET {undo}")


def test_an_absolute_end_is_kept_and_an_idle_one_begins_anew(any_stage: Stage) -> None:
    end = int(time.time()) + 3600
    token = any_stage.token(lives_s=3600)

    ends = set()
    for _ in range(2):
        answer = any_stage.take_over(token)
        ends.add(any_stage.world.clock.now + answer.absolute_expires_in)

    [kept] = ends
    if any_stage.portal.shape == "bytes":
        assert kept > end + 2_000_000
    else:
        assert end <= kept <= end + 5
        assert answer.token_expires_in == answer.absolute_expires_in


def test_auth_time_is_that_of_the_sign_in_where_the_portal_keeps_it_and_else_none(any_stage: Stage) -> None:
    answer = any_stage.take_over(any_stage.token())

    auth_time = any_stage.world.row(answer.session_id)["auth_time"].timestamp()
    assert (auth_time > 0) == (any_stage.portal.shape == "integer")


def test_another_type_or_grant_or_client_is_refused_and_spends_nothing(stage: Stage) -> None:
    other, device = stage.token(type="reset_password"), stage.token(type="device")
    good = stage.token()

    with pytest.raises(InvalidGrant):
        stage.take_over(other)
    with pytest.raises(InvalidGrant):
        stage.take_over(device)
    with pytest.raises(InvalidGrant):
        stage.take_over(good, TokenKind.DEVICE)
    with pytest.raises(InvalidGrant):
        stage.take_over(good, client_id="portal-app")

    assert all(stage.portal.is_in_force(token) for token in (other, device, good))


def test_a_device_token_opens_a_session_and_is_a_device_token_of_ours_from_then_on(stage: Stage) -> None:
    token = stage.token(type="device", agent="Phone/2")

    answer = stage.take_over(token, TokenKind.DEVICE)
    again = stage.take_over(token, TokenKind.DEVICE)

    assert answer.device_token and again.is_repeat
    assert (again.token, again.device_token) == (answer.token, answer.device_token)
    exchanged = exchange_device_token(ExchangeRequest(answer.device_token), CALLER, stage.world.issuing)
    assert exchanged.device_id == answer.device_id


def test_a_repeat_in_another_mode_is_refused(stage: Stage) -> None:
    token = stage.token()
    stage.take_over(token)

    with pytest.raises(InvalidRequest):
        take_over_as_cookie(stage, token)


def test_a_browser_gets_a_cookie_session(stage: Stage) -> None:
    token = stage.token()

    answer = take_over_as_cookie(stage, token)

    assert answer.csrf_token and answer.access_token is None
    assert take_over_as_cookie(stage, token).token == answer.token


def take_over_as_cookie(stage: Stage, token: str) -> TokenAnswer:
    stage.world.clock.now += 1
    request = TakeoverRequest(token, TokenKind.REFRESH, SessionOptions(kind=TokenKind.SESSION))
    return take_over(request, CALLER, stage.deps)


def test_nobody_is_evicted_or_refused_for_their_number_of_sessions(stage: Stage) -> None:
    user = stage.user()
    schema = stage.portal.address.name
    preferences = '{"auth": {"maxSessions": 1}}'
    stage.world.sql(
        f"INSERT INTO {schema}.user_config (user_id, preferences) VALUES (%s, %s)", user, preferences
    )

    sessions = [stage.take_over(stage.token(user)) for _ in range(3)]

    assert all(stage.world.refresh(session.token) for session in sessions)


def test_an_inactive_user_and_one_whose_password_changed_since_get_nothing(stage: Stage) -> None:
    user, changed = stage.user(), stage.user()
    token, of_changed = stage.token(user), stage.token(changed)
    schema = stage.portal.address.name
    stage.world.sql(f"UPDATE {schema}.auth_users SET is_active = 0 WHERE id = %s", user)
    stage.world.sql(
        f"UPDATE {schema}.auth_users SET password_changed_at = NOW() + INTERVAL 1 SECOND WHERE id = %s",
        changed,
    )

    for refused in (token, of_changed):
        with pytest.raises(InvalidGrant):
            stage.take_over(refused)

    assert stage.portal.is_in_force(token)


def test_its_event_says_what_was_taken_over_and_no_secret(stage: Stage) -> None:
    answer = stage.take_over(stage.token())

    user = row_user(stage, answer.session_id)
    [event] = stage.world.shared.event_log.page(MAX_UUID, 0, user, None, 9)
    assert event.type == "session_taken_over"
    assert event.detail["token_type"] == "refresh"
