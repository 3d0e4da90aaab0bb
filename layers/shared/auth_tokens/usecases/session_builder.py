"""Builds the rows and the first tokens of a session, for every way of signing in."""

from dataclasses import dataclass, replace

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import AccessDenied
from auth_tokens.domain.grants import DeviceRequest, Grant, RepeatKey, SessionOptions
from auth_tokens.domain.ids import is_path_safe
from auth_tokens.domain.scopes import granted_scope
from auth_tokens.domain.sessions import TokenRecord, User
from auth_tokens.domain.sign_ins import SessionStart
from auth_tokens.domain.tokens import SECRET_BYTES, OpaqueToken, TokenKind
from auth_tokens.usecases.answers import SessionTokens, token_answer
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.replaced_session import replaced_session
from auth_tokens.usecases.row_metadata import Metadata, metadata_of


@dataclass(frozen=True, slots=True)
class SessionBuilder:
    """For one attempt to start a session. now: when it began. Nothing is written before TokenStore.start_session."""

    caller: Caller
    deps: IssueDeps
    now: int

    def grant(
        self,
        user: User,
        options: SessionOptions,
        how: Authentication,
        session: RepeatKey | bytes,
        within: str | None = None,
    ) -> Grant:
        """The grant for this user. session: the id of the new session, or what makes its start repeatable; within: what
        is left of a scope that was granted before and may not grow; None: the client's scope.

        Raises InvalidClient, InvalidScope (also for a scope that the user lacks the label for), AccessDenied
        (a mode that the user's preferences forbid; a user id that no token can carry or no route can name),
        InvalidProof (none, of a client that needs one).
        """
        deps = self.deps
        # Both texts are for callers that have proved who the user is.
        if not is_path_safe(user.id):
            raise AccessDenied("user id", "The user's id is not one that a token can carry.")
        client_id = deps.client(options.client_id)
        policy = deps.policy_for(user)
        if options.kind not in policy.allowed_modes:
            raise AccessDenied("mode", "mode is not one that this user's settings allow.")
        allowed = policy.scope_for(policy.clients[client_id], user.labels) if within is None else within
        scope = granted_scope(options.scope, allowed)
        policy.check_binding(client_id, options.jkt)
        deps.report_labels(user, policy)
        repeat = session if isinstance(session, RepeatKey) else None
        session_id = session.session_id if isinstance(session, RepeatKey) else session
        return Grant(user, session_id, client_id, scope, options.kind, policy, how, repeat, jkt=options.jkt)

    def replacing(self, cookie: str | None, grant: Grant) -> Grant:
        """The grant of a session that replaces that of the cookie, if it is live. Raises Unavailable."""
        replaced = replaced_session(cookie, self.caller, self.deps, self.now)
        return replace(grant, replaces=replaced) if replaced else grant

    def session(self, grant: Grant, device_id: bytes) -> tuple[TokenRecord, OpaqueToken]:
        """The row of a new session, not yet written, and its first token."""
        deps, epoch = self.deps, self.deps.keys.chain_epoch()
        token = self._token(grant, grant.kind, epoch, grant.session_id)
        expires_at, absolute_expires_at = grant.ends(grant.kind, self.now)
        seen = Metadata(refresh_tat_ms=self.now * 1000, refresh_due_at=str(self.now)).seen_at(self.caller)
        record = TokenRecord(
            id=grant.session_id,
            kind=grant.kind,
            user_id=grant.user.id,
            device_id=device_id,
            client_id=grant.client_id,
            scope=grant.scope,
            token_hash=deps.codec.store_hash(token),
            key_epoch=epoch,
            retry_key_hash=grant.repeat.request_hash if grant.repeat else None,
            created_at=self.now,
            last_used_at=self.now,
            auth_time=grant.how.auth_time,
            acr=grant.how.acr,
            amr=grant.how.amr,
            jkt=grant.jkt,
            expires_at=expires_at,
            absolute_expires_at=absolute_expires_at,
            metadata=seen.sealed(deps.cipher, grant.session_id, grant.user.id, 0),
            owner=grant.user,
            user_created_us=grant.user.created_us,
            access_expires_at=grant.policy.access_expires_at(grant.kind, self.now),
        )
        return record, token

    def device(
        self, grant: Grant, wanted: DeviceRequest, known: TokenRecord | bytes
    ) -> tuple[TokenRecord, OpaqueToken | None]:
        """The device's row with its token, if it gets one. known: the device, or the id of a new one."""
        deps, user, epoch = self.deps, grant.user, self.deps.keys.chain_epoch()
        if wanted.remember:
            expires_at, absolute_expires_at = grant.ends(TokenKind.DEVICE, self.now)
        else:
            expires_at, absolute_expires_at = grant.policy.lifetimes(TokenKind.DEVICE).ends(
                self.now, self.now
            )
        if isinstance(known, bytes):
            known = grant.new_device(known, self.now, epoch)
        seen = metadata_of(known, deps.cipher)
        if wanted.name or wanted.platform:
            seen = replace(seen, name=wanted.name or seen.name, platform=wanted.platform or seen.platform)
        is_remembered = wanted.remember and grant.policy.remember_devices
        generation = known.generation + 1 if is_remembered and known.token_hash else known.generation
        device = replace(
            known,
            last_used_at=self.now,
            expires_at=expires_at,
            absolute_expires_at=absolute_expires_at,
            metadata=seen.seen_at(self.caller).sealed(deps.cipher, known.id, user.id, generation),
            user_created_us=user.created_us,
        )
        return self._remembered(device, generation, epoch, grant) if is_remembered else (device, None)

    def answer(self, grant: Grant, start: SessionStart) -> TokenAnswer:
        """The tokens of a session that has been committed."""
        session = start.session
        tokens = SessionTokens(session, start.token, session.scope, grant.policy, start.device_token)
        return token_answer(tokens, self.deps, self.now)

    def _remembered(
        self, device: TokenRecord, generation: int, epoch: int, grant: Grant
    ) -> tuple[TokenRecord, OpaqueToken]:
        token = self._token(grant, TokenKind.DEVICE, epoch, device.id, generation)
        remembered = replace(
            device,
            generation=generation,
            key_epoch=epoch,
            token_hash=self.deps.codec.store_hash(token),
            scope=grant.scope,
            auth_time=grant.how.auth_time,
            jkt=grant.jkt,
            # A token that this one replaces is spent now, by the clock again, as this sign-in may have waited for
            # others; nobody can derive this one from it.
            rotated_at=self.deps.clock() if device.token_hash else None,
            retry_key_hash=None,
        )
        return remembered, token

    def _token(
        self, grant: Grant, kind: TokenKind, epoch: int, row_id: bytes, generation: int = 0
    ) -> OpaqueToken:
        if grant.repeat:
            return self.deps.codec.seeded(kind, epoch, row_id, generation, grant.repeat.seed)
        return OpaqueToken(kind, epoch, row_id, generation, self.deps.entropy(SECRET_BYTES))
