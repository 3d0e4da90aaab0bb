"""Cases that a use case passes on every store: in memory (tests/unit/usecases), on a database (tests/integration)."""

import uuid
from collections.abc import Callable

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.usecases.validate import validate
from tests.support.world import World

Case = Callable[[World], None]
REMEMBERED = DeviceRequest(name="phone", remember=True)


class Cases(dict[str, Case]):
    """The cases of a use case by their sentences; a decorator adds one."""

    def __call__(self, checked: Case) -> Case:
        self[checked.__name__.replace("_", " ").strip()] = checked
        return checked


def row(world: World, row_id: str) -> TokenRecord:
    """The row of a session or device."""
    found = world.issuing.store.load(uuid.UUID(row_id).bytes)
    assert found is not None
    return found


def is_live(world: World, *row_ids: str) -> list[bool]:
    """Which of these sessions and devices are still in force."""
    return [row(world, row_id).is_live(world.clock()) for row_id in row_ids]


def claims_of(world: World, answer: TokenAnswer) -> AccessClaims:
    """What the access token of an answer says, if it is in force."""
    return validate(Credential(Transport.BEARER, answer.access_token or ""), world.sessions.validation).claims
