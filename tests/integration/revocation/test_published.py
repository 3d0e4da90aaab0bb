"""What verifiers outside API Gateway get, out of the log on a real database."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from auth_tokens.adapters.mysql.published_revocations import PublishedRevocations
from auth_tokens.domain.errors import OtherHistory
from auth_tokens.usecases.publish_revocations import PublishRevocationsDeps, publish_revocations
from tests.integration.keys.test_signing_key_withdrawal import app_of
from tests.support.world import World

IDS = [bytes([number]) * 8 for number in range(5)]


class Shown:
    """Signs by showing what is signed."""

    def __init__(self) -> None:
        self.claims: Mapping[str, Any] = {}

    def sign(self, claims: Mapping[str, Any], typ: str) -> str:
        self.claims = claims
        return typ


@pytest.fixture
def world(world: World) -> World:
    world.sql("DELETE FROM auth_token_revocations")
    world.sql("DELETE FROM auth_token_cutoffs")
    return world


def log(world: World, ids: bytes, *, age_s: int = 0, keep_s: int = 600) -> int:
    """Writes an entry; its number."""
    world.sql(
        "INSERT INTO auth_token_revocations (written_at, keep_until, ids)"
        " VALUES (UNIX_TIMESTAMP() - %s, UNIX_TIMESTAMP() + %s, %s)",
        age_s,
        keep_s,
        ids,
    )
    [row] = world.sql("SELECT MAX(seq) AS seq FROM auth_token_revocations")
    return int(row["seq"])


def publish(world: World, after: str | None = None) -> tuple[str, Mapping[str, Any]]:
    """(ids, statement) after a cursor."""
    shown = Shown()
    deps = PublishRevocationsDeps(
        PublishedRevocations(world.environment().database), shown, "https://tokens.test", 5, 60
    )
    return publish_revocations(after, deps)["ids"], shown.claims


def test_an_empty_log_is_told_by_the_clock_of_the_database(world: World) -> None:
    [row] = world.sql("SELECT UNIX_TIMESTAMP() AS now_s")

    ids, stated = publish(world)

    assert (ids, stated["next"], stated["complete"]) == ("", "0..0", True)
    assert 0 <= stated["as_of"] - row["now_s"] <= 2


def test_what_was_written_since_is_told_once(world: World) -> None:
    log(world, IDS[0] + IDS[1], age_s=100)
    number = log(world, IDS[2], age_s=100)
    first_ids, first = publish(world)

    log(world, IDS[3])
    second_ids, second = publish(world, first["next"])

    assert first_ids == "AAAAAAAAAAABAQEBAQEBAQICAgICAgIC"
    assert first["next"] == f"{number}.{IDS[2].hex()}.{number}"
    assert second_ids == "AwMDAwMDAwM"
    assert publish(world, second["next"])[0] == ""


def test_what_is_past_is_not_told_and_holds_its_number(world: World) -> None:
    number = log(world, IDS[1], age_s=4000, keep_s=-1)

    ids, stated = publish(world)

    assert (ids, stated["next"]) == ("", f"{number}.{IDS[1].hex()}.{number}")


def test_after_a_restore_the_cursor_is_of_another_history(world: World) -> None:
    number = log(world, IDS[1], age_s=100)
    _, stated = publish(world)
    world.sql("UPDATE auth_token_revocations SET ids = %s WHERE seq = %s", IDS[4], number)

    with pytest.raises(OtherHistory):
        publish(world, stated["next"])


def test_only_cut_offs_that_a_live_token_is_under_are_told(world: World) -> None:
    for client_id, age_s in (("portal-web", 60), ("portal-app", 3 * 3600)):
        world.sql(
            "INSERT INTO auth_token_cutoffs (client_id, before_at, decided_at, marked_to)"
            " VALUES (%s, UTC_TIMESTAMP() - INTERVAL %s SECOND, UTC_TIMESTAMP() - INTERVAL %s SECOND,"
            " REPEAT(0x00, 16))",
            client_id,
            age_s + 5,
            age_s,
        )

    [cutoff] = publish(world)[1]["cutoffs"]

    assert cutoff["client_id"] == "portal-web"
    assert cutoff["decided_at"] - cutoff["before"] == 5


@pytest.mark.parametrize(
    ("setting", "path", "status", "cache_control"),
    [
        ("off", "/auth/revocations", 404, "no-store"),
        ("off", "/admin/revocations", 404, "no-store"),
        ("iam", "/auth/revocations", 404, "no-store"),
        ("iam", "/admin/revocations", 200, "private, max-age=1"),
        ("public", "/auth/revocations", 200, "public, max-age=1"),
        ("public", "/admin/revocations", 200, "private, max-age=1"),
    ],
)
def test_each_route_answers_as_the_setting_says(
    world: World, monkeypatch: pytest.MonkeyPatch, setting: str, path: str, status: int, cache_control: str
) -> None:
    world.settings = replace(world.settings, revocations_route=setting)
    app = app_of("revocations", world, monkeypatch)
    monkeypatch.setattr(app, "publish_revocations", lambda after, deps: {"ids": ""})

    signed = {"iam": {"userId": "AIDA1", "userArn": "arn:aws:iam::123456789012:user/verifier"}}
    context = {"http": {"method": "GET"}, "authorizer": signed}
    answer = app.handler({"routeKey": f"GET {path}", "requestContext": context}, None)

    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (status, cache_control)
