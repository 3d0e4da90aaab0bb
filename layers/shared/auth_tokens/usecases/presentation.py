"""A token is presented to be spent: it is parsed, the decision is made, and its one successor is derived. This holds
for refresh tokens, browser sessions and device tokens."""

import hmac
from dataclasses import dataclass, field, replace

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidGrant, Unavailable
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.limits import PRESENTED_PER_TOKEN, REFRESH_PER_SESSION
from auth_tokens.domain.policy import Policy
from auth_tokens.domain.rotation import (
    OTHER_KEY,
    Overtaken,
    Presented,
    Refuse,
    Repeat,
    Reuse,
    Rotate,
    Rotation,
    decide,
)
from auth_tokens.domain.sessions import ActiveRow, TokenRecord
from auth_tokens.domain.tokens import MalformedToken, OpaqueToken, TokenKind
from auth_tokens.usecases.anomalies import observe_refresh
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.other_keys import report_other_key
from auth_tokens.usecases.reuse import revoke_reused
from auth_tokens.usecases.row_metadata import metadata_of

# After one lost race the second read finds the winner's rotation. More races mean contention.
MAX_RACES = 4


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A token as a client presents it. client_id: None for the token's own; retry_key: its Idempotency-Key; jkt: of the
    key that it proves to hold."""

    text: str = field(repr=False)
    kind: TokenKind
    client_id: str | None
    retry_key: str | None
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class Presentation:
    """A genuine token and its caller. presented: the input of the decision."""

    token: OpaqueToken
    presented: Presented
    caller: Caller
    deps: IssueDeps

    def decision(self, record: TokenRecord | None, now: int) -> Rotate | Repeat:
        """The decision, by the token's row and the instant at which it was read. Raises InvalidGrant for a refusal,
        and for a reuse after its revocation is committed. Raises Unavailable where others refreshed twice
        meanwhile."""
        found = record if record and record.kind is self.token.kind else None
        if found is not None and found.client_id not in self.deps.policy.clients:
            raise self._refused("client removed")
        if not self.deps.codec.has_epoch(self.token.epoch):  # the row's SELECT showed its withdrawal
            raise self._refused("epoch withdrawn")
        match decide(found, self.presented, now, self.deps.policy.retry_window_s):
            case Rotate() | Repeat() as verdict:
                if self.token.kind is not TokenKind.DEVICE:  # which may open a session that is bound
                    self.deps.policy.check_still_bound(verdict.row.record)
                return verdict
            case Refuse(reason):
                if found is not None and reason == OTHER_KEY:
                    report_other_key(found, self.presented.jkt, self.caller, self.deps, now)
                raise self._refused(reason)
            case Overtaken():
                raise Unavailable(f"overtaken, {self._where}")
            case Reuse() as reuse:
                revoke_reused(reuse, self.caller, self.deps, now)
                raise self._refused("reuse")

    def next_generation(self, row: ActiveRow, policy: Policy, now: int) -> tuple[OpaqueToken, Rotation]:
        """The successor of a current token, and the write that makes it current. policy: the owner's. Moves the idle
        end only. Raises RateLimited: the token is not spent.

        The write records who rotates: evidence for the case that the spent token is presented again.
        """
        record, deps = row.record, self.deps
        before = metadata_of(record, deps.cipher)
        tat_ms = REFRESH_PER_SESSION.taken(before.refresh_tat_ms, now * 1000)
        due_at, events = observe_refresh(record, before, self.caller, policy.access_ttl_s, now)
        seen = before.seen_at(self.caller, due_at, tat_ms)
        successor = deps.codec.successor(self.token, deps.keys.chain_epoch())
        idle_ttl_s = policy.lifetimes(record.kind).idle_ttl_s
        rotation = Rotation(
            generation=successor.generation,
            token_hash=deps.codec.store_hash(successor),
            key_epoch=successor.epoch,
            retry_key_hash=self.presented.retry_key_hash,
            at=now,
            expires_at=min(now + idle_ttl_s, record.absolute_expires_at),
            metadata=seen.sealed(deps.cipher, record.id, record.user_id, successor.generation),
            access_expires_at=policy.access_expires_at(record.kind, now),
            events=events,
        )
        return successor, rotation

    def successor_again(self, row: ActiveRow) -> OpaqueToken:
        """The successor of a spent token, derived again and checked against the row: no copy is kept."""
        codec, epoch = self.deps.codec, row.record.key_epoch
        try:
            successor = codec.successor(self.token, epoch)
        except MalformedToken as exc:
            if epoch <= self.deps.keys.chain_epoch() and not codec.has_epoch(epoch):
                raise self._refused("epoch withdrawn") from exc
            raise Unavailable("an epoch this environment has not seen yet") from exc
        if not hmac.compare_digest(codec.store_hash(successor), row.token_hash):
            raise InvalidGrant("superseded")
        return successor

    def again(self, attempt: int) -> "Presentation":
        """For another read, after another call changed the row first. The winner has committed, so the second read
        comes at once; further ones mean contention, and wait."""
        if attempt > 0:
            self.deps.pause(attempt)
        return replace(self, presented=replace(self.presented, raced=True))

    @property
    def _where(self) -> str:
        return f"session {uuid_text(self.token.id)}"

    def _refused(self, why: str) -> InvalidGrant:
        return InvalidGrant(f"{why}, {self._where}")


def present(shown: PresentedToken, caller: Caller, deps: IssueDeps) -> Presentation:
    """Parse a token; a forged one, and a genuine one that is presented too often, are refused before any I/O.
    Raises InvalidGrant, RateLimited."""
    try:
        token = deps.codec.parse(shown.text, shown.kind)
    except MalformedToken as exc:
        raise InvalidGrant(f"malformed: {exc}", is_forged=True) from exc
    deps.presentations.hit(PRESENTED_PER_TOKEN, token.id.hex())
    presented = Presented(
        generation=token.generation,
        epoch=token.epoch,
        store_hash=deps.codec.store_hash(token),
        client_id=shown.client_id,
        retry_key_hash=deps.keys.retry_key_hash(token, shown.retry_key) if shown.retry_key else None,
        arrived_at=caller.arrived_at,
        jkt=shown.jkt,
    )
    return Presentation(token, presented, caller, deps)
