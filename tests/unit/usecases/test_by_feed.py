"""Access tokens and cookies in the authorizer: what the feed knows as revoked is refused."""

from collections.abc import Callable

import pytest

from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.errors import InvalidAccessToken
from auth_tokens.usecases.by_database import StoredRows
from auth_tokens.usecases.by_feed import TokensByFeed
from auth_tokens.usecases.cookies_by_feed import RowsBehindFeed
from tests.support.cases import claims_of
from tests.support.fakes import ROW_ID, FakeTokenStore, session_record
from tests.support.memory_world import memory_world


class Feed:
    """Port ports.tokens.RevocationFeed."""

    def __init__(self, *revoked: bytes, cutoffs: tuple[Cutoff, ...] = ()) -> None:
        self.revoked = revoked
        self.cut_off_by = cutoffs

    def is_revoked(self, *ids: bytes) -> bool:
        return any(each in self.revoked for each in ids)

    def cutoffs(self) -> tuple[Cutoff, ...]:
        return self.cut_off_by


@pytest.mark.parametrize("revoked", [lambda c: c.session_id, lambda c: c.token_id], ids=["session", "token"])
def test_an_access_token_is_refused_with_its_session_or_on_its_own(revoked: Callable[..., bytes]) -> None:
    world = memory_world()
    claims = claims_of(world, world.login(world.user()))

    assert TokensByFeed(Feed()).in_force(claims, "", world.clock()) == claims
    with pytest.raises(InvalidAccessToken):
        TokensByFeed(Feed(revoked(claims))).in_force(claims, "", world.clock())


def test_a_revoked_session_s_row_is_not_read() -> None:
    store = FakeTokenStore(session_record())
    rows = StoredRows(store)  # type: ignore[arg-type]

    with pytest.raises(InvalidAccessToken):
        RowsBehindFeed(Feed(ROW_ID), rows).load(ROW_ID, 0)
    assert store.reads == 0

    assert RowsBehindFeed(Feed(), rows).load(ROW_ID, 0) is not None


@pytest.mark.parametrize(
    ("client_id", "is_refused"), [("", True), ("portal-web", True), ("portal-app", False)]
)
def test_what_a_cutoff_ends_is_refused(client_id: str, is_refused: bool) -> None:
    world = memory_world()
    claims = claims_of(world, world.login(world.user()))
    now = world.clock()
    feed = Feed(cutoffs=(Cutoff(client_id, now, now),))
    store = FakeTokenStore(session_record(created_at=now))
    rows = RowsBehindFeed(feed, StoredRows(store))  # type: ignore[arg-type]

    for check in (lambda: TokensByFeed(feed).in_force(claims, "", now), lambda: rows.load(ROW_ID, 0)):
        if is_refused:
            with pytest.raises(InvalidAccessToken):
                check()
        else:
            assert check() is not None
