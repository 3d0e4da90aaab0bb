"""Whose is it: a user by name or id, or the owner of a session, a device or an access token by its id."""

from collections.abc import Callable
from dataclasses import dataclass

from auth_tokens.domain.errors import NotFound
from auth_tokens.domain.ids import parse_uuid
from auth_tokens.domain.lists import LiveCounts
from auth_tokens.domain.sessions import TokenRecord, User
from auth_tokens.domain.sign_ins import Account
from auth_tokens.domain.usernames import canonical_username
from auth_tokens.ports.accounts import Portal
from auth_tokens.usecases.row_metadata import Metadata, metadata_of
from auth_tokens.usecases.session_deps import SessionDeps


@dataclass(frozen=True, slots=True)
class LookUpDeps:
    """count_live: of a user's id at an instant."""

    sessions: SessionDeps
    portal: Portal
    count_live: Callable[[str, int], LiveCounts]


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A row of auth_user_tokens, in force or over. now: when it was looked at, epoch seconds."""

    record: TokenRecord
    metadata: Metadata
    now: int


@dataclass(frozen=True, slots=True)
class Found:
    """user: None where the Portal has none of that id (any more); row: of the id that was asked for, None where a user
    was."""

    user_id: str
    user: User | None
    live: LiveCounts
    row: FoundRow | None = None


def look_up_name(name: str, deps: LookUpDeps) -> Found:
    """The user of a name, in any of its spellings (domain.usernames). Raises NotFound."""
    account = deps.portal.account_by_name(canonical_username(name))
    if account is None:
        raise NotFound()
    return _found(account.user.id, account, deps)


def look_up_user(user_id: str, deps: LookUpDeps) -> Found:
    """The user of an id, also one that the Portal has deleted and of whom rows are left. Raises NotFound."""
    account = deps.portal.account_by_id(user_id)
    if account is None and not deps.sessions.store.knows_user(user_id):
        raise NotFound()
    return _found(user_id, account, deps)


def look_up_row(row_id: str, deps: LookUpDeps) -> Found:
    """The session, device or revoked access token of an id, and its owner. Raises NotFound."""
    identifier = parse_uuid(row_id)
    record = deps.sessions.store.load(identifier) if identifier else None
    if record is None:
        raise NotFound()
    now = deps.sessions.clock()
    row = FoundRow(record, metadata_of(record, deps.sessions.cipher), now)
    return Found(record.user_id, record.owner, deps.count_live(record.user_id, now), row)


def _found(user_id: str, account: Account | None, deps: LookUpDeps) -> Found:
    live = deps.count_live(user_id, deps.sessions.clock())
    return Found(user_id, account.user if account else None, live)
