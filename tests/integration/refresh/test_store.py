"""What changes between a refresh's SELECT and its UPDATE is decided by the store: nothing dead is rotated."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from auth_tokens.adapters.mysql.portal import PortalTables
from auth_tokens.adapters.mysql.rows import INSERT_COLUMNS, places, row_from
from auth_tokens.adapters.mysql.times import clock_us
from auth_tokens.adapters.mysql.token_table import SELECT_TOKEN
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.errors import InvalidGrant, Unavailable
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import TokenKind
from tests.support.world import START, World

ROW = "UPDATE auth_user_tokens SET {} WHERE id = UNHEX(%s)"


def _set(assignment: str) -> Callable[[World, str, str], object]:
    def change(world: World, name: str, session_id: str) -> object:
        return world.sql(ROW.format(assignment), session_id.replace("-", ""))

    return change


def _delete_user(world: World, name: str, session_id: str) -> object:
    return world.sql("DELETE FROM auth_users WHERE username = %s", name)


def _delete_row(world: World, name: str, session_id: str) -> object:
    return world.sql("DELETE FROM auth_user_tokens WHERE id = UNHEX(%s)", session_id.replace("-", ""))


DEADLY: dict[str, Callable[[World, str, str], object]] = {
    "the session is revoked": _set("revoked_at = '2026-01-01', revoke_reason = 'logout'"),
    "the session is evicted": _set("revoked_at = '2026-01-01', revoke_reason = 'evicted'"),
    "its idle end is moved into the past": _set("expires_at = '2020-01-01'"),
    "its absolute end is moved into the past": _set("absolute_expires_at = '2020-01-01'"),
    "its user is disabled": lambda world, name, _: world.disable(name),
    "its user is deleted": _delete_user,
    "cleanup deletes the row": _delete_row,
    "another epoch's hash takes its place": _set("key_epoch = 9, token_hash = REPEAT('x', 32)"),
}


@pytest.fixture
def refresh_while(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> Callable[[TokenAnswer, Callable[[], object]], TokenAnswer]:
    """A refresh during which something happens after its SELECT and before its UPDATE."""

    def run(answer: TokenAnswer, happens: Callable[[], object]) -> TokenAnswer:
        store = type(world.issuing.store)
        rotate = store.rotate
        with monkeypatch.context() as meanwhile:

            def changed(self: object, record: object, rotation: object) -> bool:
                meanwhile.undo()
                happens()
                return rotate(self, record, rotation)  # type: ignore[arg-type]

            meanwhile.setattr(store, "rotate", changed)
            return world.refresh(answer.token)

    return run


@pytest.mark.parametrize("change", DEADLY.values(), ids=DEADLY.keys())
def test_a_refresh_is_refused_and_spends_nothing_when_meanwhile(
    world: World,
    refresh_while: Callable[[TokenAnswer, Callable[[], object]], TokenAnswer],
    change: Callable[[World, str, str], object],
) -> None:
    name = world.user()
    answer = world.login(name)

    with pytest.raises(InvalidGrant):
        refresh_while(answer, lambda: change(world, name, answer.session_id))

    left = world.sql(
        "SELECT generation FROM auth_user_tokens WHERE id = UNHEX(%s)", answer.session_id.replace("-", "")
    )
    assert [row["generation"] for row in left] in ([], [0])


def test_preferences_changed_meanwhile_hold_from_the_next_refresh(
    world: World, refresh_while: Callable[[TokenAnswer, Callable[[], object]], TokenAnswer]
) -> None:
    name = world.user(refresh_idle_ttl_s=1000)
    answer = world.login(name)

    def shorten() -> object:
        return world.sql(
            "UPDATE user_config SET refresh_idle_ttl_s = 300 WHERE user_id = %s", world.user_id(name)
        )

    second = refresh_while(answer, shorten)
    third = world.refresh(second.token)

    assert (second.token_expires_in, third.token_expires_in) == (1000, 300)


def test_a_rotation_by_someone_else_meanwhile_gives_the_same_successor(
    world: World, refresh_while: Callable[[TokenAnswer, Callable[[], object]], TokenAnswer]
) -> None:
    answer = world.login(world.user())
    winners: list[TokenAnswer] = []

    lost = refresh_while(answer, lambda: winners.append(world.refresh(answer.token)))

    assert lost.token == winners[0].token
    assert world.row(answer.session_id)["revoked_at"] is None


def test_two_rotations_by_someone_else_meanwhile_end_nothing_until_the_token_is_shown_again(
    world: World, refresh_while: Callable[[TokenAnswer, Callable[[], object]], TokenAnswer]
) -> None:
    answer = world.login(world.user())

    with pytest.raises(Unavailable):
        refresh_while(answer, lambda: world.refresh(world.refresh(answer.token).token))
    assert world.row(answer.session_id)["revoked_at"] is None

    with pytest.raises(InvalidGrant):
        world.refresh(answer.token)
    assert world.row(answer.session_id)["revoke_reason"] == "reuse"


def test_a_row_is_read_as_it_was_written_in_each_of_its_columns(world: World) -> None:
    name = world.user()
    row, user_id = world.row(world.login(name).session_id), world.user_id(name)
    odd = TokenRecord(
        id=bytes(range(16)),
        kind=TokenKind.REFRESH,
        user_id=user_id,
        device_id=bytes(range(16, 32)),
        client_id="a \"client\" \\ 'of' ours",
        scope="portal:read portal:write",
        generation=4_294_967_295,
        token_hash=bytes(range(224, 256)),
        key_epoch=65_535,
        retry_key_hash=bytes(32),
        rotated_at=START + 1,
        created_at=START + 2,
        last_used_at=START + 3,
        auth_time=START + 4,
        acr="urn:acr",
        amr=("pwd", "otp"),
        expires_at=START + 5,
        absolute_expires_at=START + 6,
        revoked_at=START + 7,
        revoke_reason="logout",
        metadata=bytes(range(256)),
        user_created_us=clock_us(row["user_created_at"]),
        access_expires_at=START + 8,
    )
    world.database.execute(
        f"INSERT INTO auth_user_tokens ({INSERT_COLUMNS}) VALUES ({places()})", row_from(odd)
    )

    read = world.issuing.store.load(odd.id)

    assert read is not None and read.owner is not None and read.read_at is not None
    assert replace(read, owner=None) == odd


def test_a_session_with_its_owner_is_one_column(world: World) -> None:
    """Each column costs the driver more than all values of this one (docs/adr/0035)."""
    answer = world.login(world.user())
    session_id = bytes.fromhex(answer.session_id.replace("-", ""))

    [columns] = world.database.rows(PortalTables().sql(SELECT_TOKEN), {"id": session_id})

    assert len(columns) == 1
