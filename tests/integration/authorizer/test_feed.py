"""The authorizer's view of revocations: no database call of its own, and a stated delay."""

import pytest

from auth_tokens.adapters.revoked_rows import RevokedRows
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import InvalidAccessToken, Unavailable
from auth_tokens.usecases.by_feed import TokensByFeed
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.validate import ValidateDeps, validate
from tests.integration.server.test_statement_counts import NOTHING, cost
from tests.support import wiring
from tests.support.world import CALLER, World


def allowed(deps: ValidateDeps, token: str | None) -> bool:
    try:
        validate(Credential(Transport.BEARER, token or ""), deps)
    except InvalidAccessToken:
        return False
    return True


@pytest.mark.parametrize("what", ["session", "access token"])
def test_a_revocation_is_honoured_once_the_feed_is_renewed(world: World, what: str) -> None:
    deps = wiring.authorizing(world.environment())
    answer = world.login(world.user())
    assert allowed(deps, answer.access_token)

    revoked = answer.token if what == "session" else answer.access_token or ""
    revoke_token(revoked, None, CALLER, world.sessions)
    world.clock.now += world.settings.revocation_max_staleness_s

    assert not allowed(deps, answer.access_token)


def test_a_revocation_is_honoured_at_once_by_an_environment_that_starts_after_it(world: World) -> None:
    answer = world.login(world.user())
    revoke_token(answer.token, None, CALLER, world.sessions)

    assert not allowed(wiring.authorizing(world.environment()), answer.access_token)


def test_a_revocation_that_commits_late_is_not_missed(world: World) -> None:
    deps = wiring.authorizing(world.environment())
    answer = world.login(world.user())
    decided_at = world.clock.now
    world.clock.now += 20
    assert allowed(deps, answer.access_token)

    world.sql(
        "UPDATE auth_user_tokens SET revoked_at = FROM_UNIXTIME(%s) WHERE id = %s",
        decided_at,
        world.row(answer.session_id)["id"],
    )
    world.clock.now += world.settings.revocation_max_staleness_s

    assert not allowed(deps, answer.access_token)


def test_an_environment_frozen_for_an_hour_asks_before_it_answers(world: World) -> None:
    deps = wiring.authorizing(world.environment())
    name = world.user(access_ttl_s=3600)
    early = world.login(name)
    assert allowed(deps, early.access_token)
    world.clock.now += 60
    revoke_token(early.token, None, CALLER, world.sessions)

    world.clock.now += 3500

    assert not allowed(deps, early.access_token)


def test_with_the_database_away_known_tokens_pass_for_a_while_and_then_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = world.environment()
    deps = wiring.authorizing(environment)
    token = world.login(world.user()).access_token
    assert allowed(deps, token)
    monkeypatch.setattr(environment.database, "query", _away)

    world.clock.now += world.settings.revocation_fail_after_s - 1
    assert allowed(deps, token)

    world.clock.now += 1
    with pytest.raises(Unavailable):
        allowed(deps, token)


def test_the_feed_sees_the_database_again_without_a_restart(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = world.environment()
    deps = wiring.authorizing(environment)
    token = world.login(world.user()).access_token
    assert allowed(deps, token)
    with monkeypatch.context() as outage:
        outage.setattr(environment.database, "query", _away)
        world.clock.now += world.settings.revocation_fail_after_s
        with pytest.raises(Unavailable):
            allowed(deps, token)

    world.clock.now += 1

    assert allowed(deps, token)


# A hundred thousand sessions revoked as an existing one is, numbered in the last bytes of their ids.
COPY_SESSION = """
INSERT INTO auth_user_tokens (id, {columns})
SELECT
  UNHEX(CONCAT('0190000000007000', LPAD(HEX(a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n), 16, '0'))),
  {columns}
FROM auth_user_tokens
CROSS JOIN ({digits}) AS a CROSS JOIN ({digits}) AS b CROSS JOIN ({digits}) AS c
CROSS JOIN ({digits}) AS d CROSS JOIN ({digits}) AS e
WHERE id = %s
"""
DIGITS = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(10))


def test_a_mass_revocation_of_a_hundred_thousand_sessions_is_one_query_of_the_rows_for_an_environment(
    fresh_world: World,
) -> None:
    world = fresh_world
    environment = world.environment(timeout_s=30)  # how long so many rows take is no matter here
    deps = wiring.authorizing(environment)
    assert isinstance(deps.tokens, TokensByFeed)
    revoked, spared = world.login(world.user()), world.login(world.user())
    assert allowed(deps, revoked.access_token)
    revoke_token(revoked.token, None, CALLER, world.sessions)
    row = world.row(revoked.session_id)
    columns = ", ".join(f"`{name}`" for name in row if name not in ("id", "metadata"))
    world.sql(COPY_SESSION.format(columns=columns, digits=DIGITS), row["id"])

    world.clock.now += world.settings.revocation_max_staleness_s
    spent = cost(world, lambda: allowed(deps, spared.access_token), environment)

    assert spent == {**NOTHING, "Com_select": 2}  # of the log and of the rows
    assert not allowed(deps, revoked.access_token)
    numbers = range(0, 100_000, 7)
    assert all(deps.tokens.feed.is_revoked(bytes.fromhex(f"0190000000007000{n:016x}")) for n in numbers)
    assert allowed(deps, spared.access_token)
    assert "RevocationFeedOverflow" not in world.telemetry.counts


def test_past_its_bound_the_feed_asks_the_table_about_the_token_at_hand(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RevokedRows.__init__, "__defaults__", (1,))
    deps = wiring.authorizing(world.environment())
    answers = [world.login(world.user()) for _ in range(4)]
    for answer in answers[:2]:
        revoke_token(answer.token, None, CALLER, world.sessions)
    revoke_token(answers[2].access_token or "", None, CALLER, world.sessions)

    assert [allowed(deps, answer.access_token) for answer in answers] == [False, False, False, True]
    assert world.telemetry.counts["RevocationFeedOverflow"] >= 1


def _away(*_: object) -> list[dict[str, object]]:
    raise Unavailable("away")
