"""The answer to a client whose session starts or is refreshed."""

from dataclasses import dataclass

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.claims import AccessTerms, build_claims
from auth_tokens.domain.errors import InvalidGrant, Unavailable
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.policy import Policy
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import OpaqueToken, TokenKind
from auth_tokens.usecases.issue_deps import IssueDeps

# A row that was changed is read again: another retry has noted as much, as a rule.
_MAX_NOTES = 3


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """A committed session for an answer. record: the session; token: its current one; scope: of the access
    token; policy: the user's; device_token: the device's current one, where the client gets it."""

    record: TokenRecord
    token: OpaqueToken
    scope: str
    policy: Policy
    device_token: OpaqueToken | None = None


def token_answer(tokens: SessionTokens, deps: IssueDeps, now: int, *, is_repeat: bool = False) -> TokenAnswer:
    """The answer for a session. Signing comes after the commit: a slow KMS holds no row lock, and if it fails the
    client repeats the call and gets the same successor. Raises InvalidGrant where a session that gets a late retry's
    access token has ended meanwhile.
    """
    record = tokens.record
    expires_in = record.expires_at - now
    access_token, csrf_token, access_expires_in = None, None, expires_in
    if record.kind is TokenKind.SESSION:
        csrf_token = deps.codec.csrf_token(tokens.token)
    else:
        access_token, access_expires_in = _access_token(tokens, deps, now)
    return TokenAnswer(
        kind=record.kind,
        token=deps.codec.encode(tokens.token),
        token_expires_in=expires_in,
        absolute_expires_in=record.absolute_expires_at - now,
        access_token=access_token,
        expires_in=access_expires_in,
        scope=tokens.scope,
        session_id=uuid_text(record.id),
        device_id=uuid_text(record.device_id) if record.device_id else "",
        csrf_token=csrf_token,
        device_token=deps.codec.encode(tokens.device_token) if tokens.device_token else None,
        is_repeat=is_repeat,
        is_bound=record.jkt is not None,
    )


def _access_token(tokens: SessionTokens, deps: IssueDeps, now: int) -> tuple[str, int]:
    _note(tokens, deps, now)
    terms = AccessTerms(
        jti=deps.new_id(),
        scope=tokens.scope,
        ttl_s=tokens.policy.access_ttl_s,
        labels_max_bytes=deps.policy.labels_max_bytes,
    )
    claims = build_claims(tokens.record, terms, issuer=deps.issuer, audience=deps.audience, now=now)
    return deps.signer.sign(claims), claims["exp"] - now


def _note(tokens: SessionTokens, deps: IssueDeps, now: int) -> None:
    """Whoever ends the session must know how long its access tokens live. The row says so already, unless the token is
    for a retry that comes late."""
    record, until = tokens.record, now + tokens.policy.access_ttl_s
    for _ in range(_MAX_NOTES):
        if (record.access_expires_at or 0) >= until or deps.store.note_access_token(record, now, until):
            return
        found = deps.store.load(record.id)
        if found is None or not found.is_live(now):
            raise InvalidGrant(f"ended meanwhile, session {uuid_text(record.id)}")
        record = found
    raise Unavailable("contention")
