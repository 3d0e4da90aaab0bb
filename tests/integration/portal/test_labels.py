"""Labels from the Portal's table to what a sign-in, a browser session and another team's API get of them."""

from dataclasses import replace
from typing import Any

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.credentials import Credential, Transport, Validated
from auth_tokens.domain.errors import AccessDenied
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.validate import validate
from auth_tokens.web.iam_policy import context_of
from auth_tokens.web.views import claims_view
from tests.support import wiring
from tests.support.world import World

MANY = [f"label-{number:03}" for number in range(101)]
LONG = [f"{number:03}" + "x" * 61 for number in range(60)]
ODD = ["a,b", "100%", "Zürich", "two words", " admin", "ad\u200bmin", "admin\nroot", "x\0y"]


def user_with(world: World, labels: list[str]) -> str:
    name = world.user()
    for label in labels:
        world.sql("INSERT INTO auth_user_label (user_id, label) VALUES (%s, %s)", world.user_id(name), label)
    return name


def shown(world: World, answer: TokenAnswer, deps: Any) -> Validated:
    kind = Transport.COOKIE if answer.kind is TokenKind.SESSION else Transport.BEARER
    return validate(Credential(kind, answer.access_token or answer.token), deps)


def verifiers(world: World) -> dict[str, Any]:
    return {
        "own routes": world.sessions.validation,
        "the authorizer": wiring.authorizing(world.environment()),
    }


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
@pytest.mark.parametrize(
    ("labels", "carried"),
    [(MANY[:100], MANY[:100]), (MANY, MANY[:100]), (LONG, LONG[: 3072 // 67])],
    ids=["100 labels", "101 labels", "labels of 4 kB"],
)
def test_a_user_of_any_labels_is_let_in_everywhere_with_what_fits(
    world: World, kind: TokenKind, labels: list[str], carried: list[str]
) -> None:
    answer = world.login(user_with(world, labels), kind=kind)

    for where, deps in verifiers(world).items():
        assert shown(world, answer, deps).claims.labels == tuple(carried), where
    again = world.refresh(answer.token, kind=kind)
    for where, deps in verifiers(world).items():
        assert shown(world, again, deps).claims.labels == tuple(carried), where


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
def test_a_label_with_a_comma_reaches_another_team_as_one(world: World, kind: TokenKind) -> None:
    answer = world.login(user_with(world, ODD), kind=kind)

    for deps in verifiers(world).values():
        validated = shown(world, answer, deps)
        assert context_of(validated)["labels"] == "100%25,Z%C3%BCrich,a%2Cb,two words"
        assert claims_view(validated.claims)["labels"] == ["100%", "Zürich", "a,b", "two words"]


def test_what_is_left_out_is_said_once_a_sign_in_and_never_which(fresh_world: World) -> None:
    world = fresh_world
    name = user_with(world, [*MANY, "not\na label"])
    answer = world.login(name)
    world.refresh(answer.token)

    assert world.telemetry.counts["LabelsLeftOut"] == 2
    lines = [fields for line, fields in world.telemetry.lines if line == "labels_left_out"]
    assert lines == [{"user_id": world.user_id(name), "left_out": 2}]


def test_of_labels_that_fit_nothing_is_said(fresh_world: World) -> None:
    world = fresh_world
    world.login(user_with(world, MANY[:100]))

    assert "LabelsLeftOut" not in world.telemetry.counts


def test_rules_decide_on_all_labels_whatever_is_carried(world: World) -> None:
    settings = replace(
        world.settings,
        label_scopes=(("zz-admin", frozenset({"portal:write"})), ("line\nbreak", frozenset({"portal:read"}))),
    )
    other = World(settings)
    name = user_with(world, [*MANY, "zz-admin", "line\nbreak"])

    answer = other.login(name, kind=TokenKind.SESSION)
    validated = shown(other, answer, other.sessions.validation)

    assert "zz-admin" not in validated.claims.labels
    assert "zz-admin" in validated.labels
    assert set(validated.claims.scope.split()) >= {"portal:write", "portal:read"}
    assert other.refresh(answer.token, kind=TokenKind.SESSION).scope == validated.claims.scope


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
@pytest.mark.parametrize("user_id", ["two words", "tab\tbed", "a/b", "a?b", ".", ".."])
def test_an_id_that_no_token_can_carry_is_refused_at_sign_in_and_leaves_no_row(
    world: World, user_id: str, kind: TokenKind
) -> None:
    name = world.user()
    world.sql("DELETE FROM auth_users WHERE id = %s", user_id)
    world.sql("UPDATE auth_users SET id = %s WHERE username = %s", user_id, name)

    with pytest.raises(AccessDenied):
        world.login(name, kind=kind)
    with pytest.raises(AccessDenied):
        issue(IssueRequest(user_id, ("mfa",)), Caller(), world.issuing)

    assert list(world.sql("SELECT 1 FROM auth_user_tokens WHERE user_id = %s", user_id)) == []


@pytest.mark.parametrize("user_id", ["!", "~", '"\\', "a#b%c&d+e", "user@example.com", "x" * 36])
def test_every_other_id_is_issued_for_and_verifies(world: World, user_id: str) -> None:
    name = world.user()
    world.sql("DELETE FROM auth_users WHERE id = %s", user_id)
    world.sql("UPDATE auth_users SET id = %s WHERE username = %s", user_id, name)

    answer = world.login(name)

    for deps in verifiers(world).values():
        assert shown(world, answer, deps).claims.sub == user_id


def test_a_session_refreshed_where_the_clock_is_behind_verifies_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = world.login(world.user())
    monkeypatch.setattr(world.clock, "now", world.clock.now - 60)  # until this test ends

    refreshed = world.refresh(answer.token)

    claims = shown(world, refreshed, world.sessions.validation).claims
    assert claims.auth_time == claims.iat == world.clock.now
