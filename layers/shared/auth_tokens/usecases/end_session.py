"""One session of a user ends, mostly with its device, or one device is forgotten: by the user, or by an operator."""

from dataclasses import dataclass

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import NotFound
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.ids import parse_uuid, uuid_text
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.revoke import end_row, end_with_device
from auth_tokens.usecases.session_deps import SessionDeps

SESSION_KINDS = frozenset({TokenKind.REFRESH, TokenKind.SESSION})


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnd:
    """How a session ends. own_device: of the session that asks; it stays. keep_device: the ended session's device
    stays, too."""

    reason: RevokeReason = RevokeReason.REVOKED
    own_device: str = ""
    keep_device: bool = False

    def keeps(self, device_id: bytes) -> bool:
        """Does this device stay?"""
        return self.keep_device or uuid_text(device_id) == self.own_device


WITH_DEVICE = SessionEnd()


def end_session(
    session_id: str, user_id: str, caller: Caller, deps: SessionDeps, end: SessionEnd = WITH_DEVICE
) -> None:
    """End the user's session of this id, and its device, so that ending a lost phone's session ends the phone.

    A second call is harmless, and ends a device that the first call kept. Raises NotFound for an unknown id and for
    another user's, alike.
    """
    record = _own(session_id, user_id, deps)
    if record.kind not in SESSION_KINDS:
        raise NotFound()
    if record.device_id is None or end.keeps(record.device_id):
        end_row(record, end.reason, caller, deps)
    else:
        end_with_device(record, record.device_id, end.reason, caller, deps)


def forget_device(
    device_id: str,
    user_id: str,
    caller: Caller,
    deps: SessionDeps,
    reason: RevokeReason = RevokeReason.DEVICE_FORGOTTEN,
) -> None:
    """End the user's device of this id, its token and every session on it. Raises NotFound as end_session does."""
    record = _own(device_id, user_id, deps)
    if record.kind is not TokenKind.DEVICE:
        raise NotFound()
    end_row(record, reason, caller, deps)


def _own(text: str, user_id: str, deps: SessionDeps) -> TokenRecord:
    row_id = parse_uuid(text)
    record = deps.store.load(row_id) if row_id else None
    if record is None or record.user_id != user_id:
        raise NotFound()
    return record
