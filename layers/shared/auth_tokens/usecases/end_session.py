"""One session of a user ends, mostly with its device, or one device is forgotten: by the user, or by an operator."""

from dataclasses import dataclass

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.ends import Cause
from auth_tokens.domain.errors import NotFound
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.ids import parse_uuid, uuid_text
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.revoke import end_row, end_with_device
from auth_tokens.usecases.session_deps import SessionDeps

SESSION_KINDS = frozenset({TokenKind.REFRESH, TokenKind.SESSION})
REVOKED = Cause(RevokeReason.REVOKED)
FORGOTTEN = Cause(RevokeReason.DEVICE_FORGOTTEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnd:
    """How a session ends. own_device: of the session that asks; it stays. keep_device: the ended session's device
    stays, too."""

    cause: Cause = REVOKED
    own_device: str = ""
    keep_device: bool = False

    def keeps(self, device_id: bytes) -> bool:
        """Does this device stay?"""
        return self.keep_device or uuid_text(device_id) == self.own_device


@dataclass(frozen=True, slots=True)
class RowsEnded:
    """What an operator ended: rows of this user, 0 where they had ended before."""

    user_id: str
    rows: int


WITH_DEVICE = SessionEnd()


def end_session(
    session_id: str, user_id: str, caller: Caller, deps: SessionDeps, end: SessionEnd = WITH_DEVICE
) -> None:
    """End the user's session of this id, and its device, so that ending a lost phone's session ends the phone.

    A second call is harmless, and ends a device that the first call kept. Raises NotFound for an unknown id and for
    another user's, alike.
    """
    end_record(_own(session_id, user_id, deps), caller, deps, end)


def forget_device(device_id: str, user_id: str, caller: Caller, deps: SessionDeps) -> None:
    """End the user's device of this id, its token and every session on it. Raises NotFound as end_session does."""
    _forget_device(_own(device_id, user_id, deps), caller, deps, FORGOTTEN)


def end_any_session(session_id: str, caller: Caller, deps: SessionDeps, end: SessionEnd) -> RowsEnded:
    """As end_session, whoever's session it is: for an operator. Raises NotFound for an unknown id."""
    record = _any(session_id, deps)
    return RowsEnded(record.user_id, end_record(record, caller, deps, end))


def forget_any_device(device_id: str, caller: Caller, deps: SessionDeps, cause: Cause) -> RowsEnded:
    """As forget_device, whoever's device it is: for an operator. Raises NotFound for an unknown id."""
    record = _any(device_id, deps)
    return RowsEnded(record.user_id, _forget_device(record, caller, deps, cause))


def end_record(record: TokenRecord, caller: Caller, deps: SessionDeps, end: SessionEnd) -> int:
    """As end_session, of a row that was read; returns how many rows ended. Raises NotFound for no session's."""
    if record.kind not in SESSION_KINDS:
        raise NotFound()
    if record.device_id is None or end.keeps(record.device_id):
        return end_row(record, end.cause, caller, deps)
    return end_with_device(record, record.device_id, end.cause, caller, deps)


def _forget_device(record: TokenRecord, caller: Caller, deps: SessionDeps, cause: Cause) -> int:
    if record.kind is not TokenKind.DEVICE:
        raise NotFound()
    return end_row(record, cause, caller, deps)


def _own(text: str, user_id: str, deps: SessionDeps) -> TokenRecord:
    record = _any(text, deps)
    if record.user_id != user_id:
        raise NotFound()
    return record


def _any(text: str, deps: SessionDeps) -> TokenRecord:
    row_id = parse_uuid(text)
    record = deps.store.load(row_id) if row_id else None
    if record is None:
        raise NotFound()
    return record
