"""What is around a take-over: the count of those still to come, cleanup, and the view for the Portal's own code."""

import pytest

from auth_tokens.adapters.mysql import unclaimed
from auth_tokens.adapters.mysql.legacy_table import LegacyTable
from auth_tokens.adapters.mysql.purges import purges
from auth_tokens.bootstrap.portal import portal_tables
from tests.support.takeover_stage import Stage
from tests.support.world import SQL


def still_to_come(stage: Stage) -> int:
    table = LegacyTable(stage.deps.legacy, portal_tables(stage.world.shared))
    return unclaimed.count_unclaimed(stage.world.database, table, stage.world.clock(), lambda: 60_000)


def test_the_count_of_tokens_still_to_come_falls_with_each_take_over(
    any_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = still_to_come(any_stage)
    tokens = [any_stage.token() for _ in range(3)]
    any_stage.token(lives_s=-3600)
    if any_stage.portal.shape != "bytes":
        any_stage.token(type="reset_password")
    assert still_to_come(any_stage) == before + 3

    any_stage.take_over(tokens[0])

    for rows in (5000, 2):
        monkeypatch.setattr(unclaimed, "SLICE", rows)
        monkeypatch.setattr(
            unclaimed, "COUNT_UNCLAIMED", unclaimed.COUNT_UNCLAIMED.replace("LIMIT 5000", f"LIMIT {rows}")
        )
        assert still_to_come(any_stage) == before + 2


def test_cleanup_keeps_claims_and_ends_of_everything_for_as_long_as_tokens_may_come(stage: Stage) -> None:
    later = stage.world.clock() + 30 * 86_400
    clean(stage, later, takes_over=True)  # what other tests took over for less long
    stage.take_over(stage.token())
    claims, users = counts(stage)
    keep_until = stage.deps.legacy.keep_until

    clean(stage, later, takes_over=True)
    assert counts(stage) == (claims, users)
    clean(stage, keep_until, takes_over=False)
    assert counts(stage) == (claims, 0)
    clean(stage, keep_until, takes_over=True)
    assert counts(stage) == (claims, 0)
    clean(stage, keep_until + 1, takes_over=True)
    assert counts(stage) == (0, 0)


def counts(stage: Stage) -> tuple[int, int]:
    tables = ("auth_token_takeovers", "auth_token_users")
    claims, users = (stage.world.sql(f"SELECT COUNT(*) AS n FROM {table}")[0]["n"] for table in tables)
    return claims, users


def clean(stage: Stage, now: int, *, takes_over: bool) -> None:
    for purge in purges(stage.world.database, 10**9, 10**9, takes_over=takes_over):
        while not purge.delete_batch(now, 100).is_last:
            pass


def test_the_view_shows_live_sessions_and_no_secret(stage: Stage) -> None:
    answer = stage.take_over(stage.token())
    theirs, ours = stage.portal.address.name, stage.world.settings.db_name
    text = (SQL.parents[2] / "deploy/sessions_for_portal.sql").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    view, _ = "\n".join(lines).split(";\n\n")

    stage.world.sql(view.format(schema=ours, portal_schema=theirs))

    rows = stage.world.sql(
        f"SELECT * FROM {theirs}.sessions_for_portal WHERE session_id = %s", answer.session_id
    )
    assert len(rows) == 1
    assert not {"token_hash", "metadata", "retry_key_hash", "id"} & rows[0].keys()
    stage.world.refresh(answer.token)
    stage.world.sql("UPDATE auth_user_tokens SET revoked_at = UTC_TIMESTAMP(6)")
    assert list(stage.world.sql(f"SELECT * FROM {theirs}.sessions_for_portal")) == []
