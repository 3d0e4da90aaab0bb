"""A trusted issue repeated by its Idempotency-Key: one session, the same tokens, and nothing for anybody else."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import AccessDenied, InvalidRequest
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.issue import ISSUE_RETRY_S, IssueRequest, issue
from auth_tokens.usecases.validate import validate
from tests.support import wiring
from tests.support.world import World

BACKEND = Caller("192.0.2.50", "backend", principal="AROABACKEND")
KEY = "0b9b1c9e-6f0e-4b0e-9d5c-5f5b4c9f6a10"


def request_for(world: World, name: str, **changes: Any) -> IssueRequest:
    request = IssueRequest(world.user_id(name), ("mfa",), "high", retry_key=f"{KEY}/{name}")
    return replace(request, **changes)


def sessions_of(world: World, name: str) -> int:
    [row] = world.sql(
        "SELECT COUNT(*) AS n FROM auth_user_tokens WHERE user_id = %s AND type <> 'device'",
        world.user_id(name),
    )
    return int(row["n"])


def opaque(answer: TokenAnswer) -> tuple[str, str, str, str | None, str | None]:
    return (answer.session_id, answer.device_id, answer.token, answer.device_token, answer.csrf_token)


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
@pytest.mark.parametrize("remember", [False, True], ids=["no device token", "device token"])
def test_the_same_request_gets_the_same_session_and_tokens(
    world: World, kind: TokenKind, remember: bool
) -> None:
    name = world.user()
    options = SessionOptions(kind=kind, device=DeviceRequest(name="phone", remember=remember))
    request = request_for(world, name, options=options)

    first = issue(request, BACKEND, world.issuing)
    world.clock.now += ISSUE_RETRY_S - 1
    again = issue(request, BACKEND, wiring.issuing(world.environment()))

    assert opaque(again) == opaque(first)
    assert (first.device_token is not None) == remember
    assert sessions_of(world, name) == 1
    assert sorted(world.events(name)) == ["new_device", "session_issued"]
    assert world.refresh(again.token, kind=kind)


def test_a_repeats_access_token_is_fresh_and_good(world: World) -> None:
    request = request_for(world, world.user())
    first = issue(request, BACKEND, world.issuing)
    world.clock.now += 5

    again = issue(request, BACKEND, world.issuing)

    assert again.access_token != first.access_token
    for answer in (first, again):
        credential = Credential(Transport.BEARER, answer.access_token or "")
        assert validate(credential, world.sessions.validation).claims.sid == first.session_id


def test_twenty_repeats_at_once_are_one_session(world: World) -> None:
    name = world.user()
    request = request_for(world, name)
    environments = [wiring.issuing(world.environment()) for _ in range(20)]
    environments[0].keys.chain_epoch()
    barrier = Barrier(len(environments))

    def attempt(deps: Any) -> TokenAnswer:
        barrier.wait()
        return issue(request, BACKEND, deps)

    with ThreadPoolExecutor(len(environments)) as pool:
        answers = list(pool.map(attempt, environments))

    assert len({opaque(answer) for answer in answers}) == 1
    assert sessions_of(world, name) == 1
    assert world.events(name).count("session_issued") == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"amr": ("pwd",)},
        {"acr": "low"},
        {"auth_time": 1},
        {"options": SessionOptions(kind=TokenKind.SESSION)},
        {"options": SessionOptions(scope="portal:read")},
        {"options": SessionOptions(client_id="portal-app")},
        {"options": SessionOptions(device=DeviceRequest(remember=True))},
        {"options": SessionOptions(device=DeviceRequest(name="tablet"))},
    ],
    ids=lambda changes: " ".join(map(str, changes.values()))[-40:],
)
def test_another_request_by_the_same_key_is_refused(world: World, changes: dict[str, Any]) -> None:
    name = world.user()
    first = issue(request_for(world, name), BACKEND, world.issuing)

    with pytest.raises(InvalidRequest, match="another request"):
        issue(request_for(world, name, **changes), BACKEND, world.issuing)

    assert sessions_of(world, name) == 1
    assert world.refresh(first.token)


def test_another_user_by_the_same_key_is_refused(world: World) -> None:
    issue(request_for(world, world.user(), retry_key=KEY), BACKEND, world.issuing)
    other = world.user()

    with pytest.raises(InvalidRequest, match="another request"):
        issue(request_for(world, other, retry_key=KEY), BACKEND, world.issuing)

    assert sessions_of(world, other) == 0


def test_two_users_by_one_key_at_once_never_share_a_session(world: World) -> None:
    for round_ in range(10):
        names = [world.user(), world.user()]
        key = f"{KEY}-{round_}"
        environments = [wiring.issuing(world.environment()) for _ in names]
        environments[0].keys.chain_epoch()
        barrier = Barrier(2)

        def attempt(index: int) -> TokenAnswer | None:
            barrier.wait()  # noqa: B023 - used within its round
            try:
                request = request_for(world, names[index], retry_key=key)  # noqa: B023
                return issue(request, BACKEND, environments[index])  # noqa: B023
            except InvalidRequest:
                return None

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(attempt, range(2)))

        [winner] = [index for index, answer in enumerate(answers) if answer]
        answer = answers[winner]
        assert answer is not None
        assert world.row(answer.session_id)["user_id"] == world.user_id(names[winner])
        assert world.refresh(answer.token)


def test_another_principals_same_key_is_another_session(world: World) -> None:
    request = request_for(world, world.user())

    ours = issue(request, BACKEND, world.issuing)
    theirs = issue(request, replace(BACKEND, principal="AROAOTHER"), world.issuing)

    assert theirs.session_id != ours.session_id
    assert theirs.token != ours.token


def test_after_the_stated_time_the_key_is_free_again(world: World) -> None:
    request = request_for(world, world.user())
    first = issue(request, BACKEND, world.issuing)

    world.clock.now += ISSUE_RETRY_S
    later = issue(request, BACKEND, world.issuing)

    assert later.session_id != first.session_id
    assert world.refresh(first.token)


@pytest.mark.parametrize("what", ["refreshed", "ended"])
def test_a_key_whose_session_has_gone_on_or_ended_gives_no_tokens_away(world: World, what: str) -> None:
    name = world.user()
    request = request_for(world, name)
    first = issue(request, BACKEND, world.issuing)
    if what == "refreshed":
        successor = world.refresh(first.token)
    else:
        world.sql(
            "UPDATE auth_user_tokens SET revoked_at = UTC_TIMESTAMP(6) WHERE user_id = %s", request.user_id
        )

    with pytest.raises(InvalidRequest, match="gone on or ended"):
        issue(request, BACKEND, world.issuing)

    if what == "refreshed":
        assert world.refresh(successor.token)


def test_a_device_token_used_since_is_not_repeated(world: World) -> None:
    name = world.user()
    request = request_for(world, name, options=SessionOptions(device=DeviceRequest(remember=True)))
    first = issue(request, BACKEND, world.issuing)
    world.sql("UPDATE auth_user_tokens SET generation = 1 WHERE id = %s", uuid.UUID(first.device_id).bytes)

    again = issue(request, BACKEND, world.issuing)

    assert (again.token, again.device_token) == (first.token, None)


def test_a_user_disabled_meanwhile_gets_no_repeat(world: World) -> None:
    name = world.user()
    request = request_for(world, name)
    issue(request, BACKEND, world.issuing)
    world.disable(name)

    with pytest.raises(AccessDenied):
        issue(request, BACKEND, world.issuing)


def test_without_a_key_each_call_is_a_session(world: World) -> None:
    name = world.user()
    request = request_for(world, name, retry_key=None)

    ids = {issue(request, BACKEND, world.issuing).session_id for _ in range(3)}

    assert len(ids) == sessions_of(world, name) == 3


def test_neither_database_nor_keys_have_the_secret_without_the_callers_key(world: World) -> None:
    """What a thief of database and chain key can derive with a wrong guess of the key is not the token."""
    request = request_for(world, world.user())
    answer = issue(request, BACKEND, world.issuing)
    key = (request.retry_key or "").encode()
    token = world.issuing.codec.parse(answer.token, TokenKind.REFRESH)

    right = b"AROABACKEND\0" + key
    assert world.issuing.codec.seeded(TokenKind.REFRESH, token.epoch, token.id, 0, right) == token
    for seed in (b"", b"AROABACKEND\0", b"\0" + key, right[:-1]):
        guess = world.issuing.codec.seeded(TokenKind.REFRESH, token.epoch, token.id, 0, seed)
        assert guess.secret != token.secret
    stored = world.sql("SELECT * FROM auth_user_tokens")
    dump = b"|".join(v if isinstance(v, bytes) else str(v).encode() for row in stored for v in row.values())
    assert key not in dump
    assert token.secret not in dump


def test_its_session_id_is_a_uuid7_of_about_now(world: World) -> None:
    answer = issue(request_for(world, world.user()), BACKEND, world.issuing)
    raw = bytes.fromhex(answer.session_id.replace("-", ""))
    born_s = int.from_bytes(raw[:6], "big") // 1000

    assert answer.session_id[14] == "7"
    assert 0 <= world.clock.now - born_s < ISSUE_RETRY_S
