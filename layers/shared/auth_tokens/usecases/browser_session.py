"""Validation of a browser session: the part of usecases.validate that reads a session's row."""

from dataclasses import dataclass, field

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.credentials import Credential, Validated
from auth_tokens.domain.errors import CSRF_TOKEN_NEEDED, AccessDenied, InvalidAccessToken, TokenServiceError
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.policy import TOUCH_INTERVAL_S, Policy
from auth_tokens.domain.requirements import Requirements
from auth_tokens.domain.rotation import Refuse, Reuse
from auth_tokens.domain.rotation_rules import rotation_rules
from auth_tokens.domain.sessions import TokenRecord, User
from auth_tokens.domain.tokens import MalformedToken, OpaqueToken, TokenCodec, TokenKind, is_csrf_token
from auth_tokens.ports.tokens import SessionRows
from auth_tokens.ports.validation import ReuseHandler


@dataclass(frozen=True, slots=True)
class BrowserSessions:
    """Port ports.validation.CookieSessions. arrived_at: as of Caller."""

    codec: TokenCodec
    policy: Policy
    rows: SessionRows
    on_reuse: ReuseHandler
    arrived_at: int | None = field(default=None, kw_only=True)

    def validated(self, credential: Credential, requirements: Requirements, now: int) -> Validated:
        try:
            token = self.codec.parse(credential.text, TokenKind.SESSION)
        except MalformedToken as exc:
            raise InvalidAccessToken(f"malformed: {exc}") from exc
        try:
            return self._checked(credential, token, requirements, now)
        except TokenServiceError as exc:
            exc.of({"session_id": uuid_text(token.id)})  # its tag proves that it is, or was, this session's
            raise

    def _checked(
        self, credential: Credential, token: OpaqueToken, requirements: Requirements, now: int
    ) -> Validated:
        record = self.rows.load(token.id, token.generation)
        owner = self.policy.owner_in_force(record, now) if record else None
        if record is None or owner is None or record.kind is not TokenKind.SESSION:
            raise InvalidAccessToken("session over")
        self._refuse_spent(record, token, now)
        csrf_token = self.codec.csrf_token(token)
        may_change_state = is_csrf_token(credential.csrf_token, csrf_token)
        if credential.changes_state and not may_change_state:
            raise AccessDenied("csrf", CSRF_TOKEN_NEEDED)
        claims = self._claims_of(record, owner, now)
        requirements.check(claims, now)
        self._note_use(record, owner, now)
        return Validated(
            claims,
            credential.transport,
            may_change_state,
            frozenset(owner.labels),
            csrf_token,
            username=owner.username,
        )

    def _refuse_spent(self, record: TokenRecord, token: OpaqueToken, now: int) -> None:
        match rotation_rules(self).verdict(record, token, now, self.arrived_at):
            case Reuse() as reuse:
                self.on_reuse.handle(reuse, now)
                raise InvalidAccessToken("reuse")
            case Refuse(reason):
                raise InvalidAccessToken(reason)

    def _note_use(self, record: TokenRecord, owner: User, now: int) -> None:
        if now - record.last_used_at < TOUCH_INTERVAL_S:
            return
        idle_ttl_s = self.policy.for_user(owner.config).session_idle_ttl_s
        self.rows.touch(record, now, min(now + idle_ttl_s, record.absolute_expires_at))

    def _claims_of(self, record: TokenRecord, owner: User, now: int) -> AccessClaims:
        return AccessClaims(
            sub=record.user_id,
            sid=uuid_text(record.id),
            jti=None,
            client_id=record.client_id,
            scope=self.policy.scope_left(record.scope, record),
            device_id=uuid_text(record.device_id) if record.device_id else "",
            auth_time=min(record.auth_time, now),
            acr=record.acr,
            amr=record.amr,
            labels=self.policy.carried_labels(owner),
            iat=now,
            exp=record.expires_at,
        )
