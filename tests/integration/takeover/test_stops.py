"""What has ended stays ended: no token of the Portal brings back what its user, an operator or the Portal has ended."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from auth_tokens.adapters.mysql import takeovers
from auth_tokens.adapters.mysql.connection import Transaction
from auth_tokens.domain.ends import UserChange
from auth_tokens.domain.errors import InvalidGrant
from auth_tokens.domain.events import RevokeReason
from auth_tokens.usecases.revoke_user import end_what_began_before, revoke_user
from auth_tokens.usecases.session_deps import SessionDeps
from tests.support import wiring
from tests.support.takeover_stage import Stage


def by_operator(stage: Stage, user: str) -> None:
    revoke_user(user, RevokeReason.ADMIN, "", stage.world.sessions)


def by_event(reason: RevokeReason) -> Callable[[Stage, str], None]:
    def send(stage: Stage, user: str) -> None:
        end_what_began_before(UserChange(user, reason, stage.world.clock()), stage.world.sessions)

    return send


ENDS = {
    "an operator": by_operator,
    "UserDisabled": by_event(RevokeReason.USER_DISABLED),
    "UserDeleted": by_event(RevokeReason.USER_DELETED),
    "PasswordChanged": by_event(RevokeReason.PASSWORD_CHANGED),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_token_that_was_not_moved_is_refused_after_everything_ended(
    any_stage: Stage, end: Callable[[Stage, str], None]
) -> None:
    user = any_stage.user()
    token = any_stage.token(user)

    end(any_stage, user)

    with pytest.raises(InvalidGrant):
        any_stage.take_over(token)
    assert any_stage.portal.is_in_force(token)  # the Portal's row was left as it was


def test_a_later_sign_in_at_the_portal_moves_where_its_date_is_known(stage: Stage) -> None:
    user = stage.user()
    end_what_began_before(
        UserChange(user, RevokeReason.PASSWORD_CHANGED, stage.world.clock() - 3600), stage.world.sessions
    )

    assert stage.take_over(stage.token(user))


def test_an_end_that_is_reported_late_ends_a_session_that_moved_meanwhile(any_stage: Stage) -> None:
    user = any_stage.user()
    token = any_stage.token(user)
    changed_at = any_stage.world.clock()
    any_stage.world.clock.now += 60
    answer = any_stage.take_over(token)

    end_what_began_before(
        UserChange(user, RevokeReason.PASSWORD_CHANGED, changed_at), any_stage.world.sessions
    )

    with pytest.raises(InvalidGrant):
        any_stage.world.refresh(answer.token)


def test_a_cut_off_covers_what_was_not_moved(stage: Stage) -> None:
    token = stage.token()
    cut = "INSERT INTO auth_token_cutoffs (client_id, before_at, decided_at, marked_to) VALUES (%s, NOW(), NOW(), '')"
    stage.world.sql(cut.replace("NOW()", "UTC_TIMESTAMP() + INTERVAL 2 SECOND"), "portal-web")
    try:
        with pytest.raises(InvalidGrant):
            stage.take_over(token)
    finally:
        stage.world.sql("DELETE FROM auth_token_cutoffs")


def test_no_session_outlives_an_end_of_everything_that_comes_while_it_moves(stage: Stage) -> None:
    assert survivors(stage) == 0


def test_without_the_stop_they_would(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        takeovers, "ADMIT_TAKE_OVER", takeovers.ADMIT_TAKE_OVER.replace(takeovers._NOT_STOPPED, "TRUE")
    )

    assert survivors(stage) > 0


def survivors(stage: Stage, rounds: int = 6) -> int:
    """Sessions that are live after an end of everything that began while they were being taken over: after the look-up,
    and before the first write."""
    other = wiring.sessions(stage.world.environment())
    live = 0
    for _ in range(rounds):
        user = stage.user()
        token = stage.token(user)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Transaction, "execute", interrupted(partial(end_everything, user, other)))
            try:
                stage.take_over(token)
            except InvalidGrant:
                continue
        [row] = stage.world.sql(
            "SELECT COUNT(*) AS live FROM auth_user_tokens"
            " WHERE user_id = %s AND type = 'refresh' AND revoked_at IS NULL",
            user,
        )
        live += row["live"]
    return live


def end_everything(user: str, deps: SessionDeps) -> None:
    """By another environment."""
    ending = threading.Thread(target=revoke_user, args=(user, RevokeReason.ADMIN, "", deps))
    ending.start()
    ending.join()


def interrupted(meanwhile: Callable[[], None]) -> Callable[..., int]:
    """Runs something before the Portal's row is marked."""
    execute = Transaction.execute

    def run(statements: Transaction, sql: str, parameters: Any = ()) -> int:
        if sql.startswith("\nUPDATE") and " AS old" in sql:
            meanwhile()
        return execute(statements, sql, parameters)

    return run
