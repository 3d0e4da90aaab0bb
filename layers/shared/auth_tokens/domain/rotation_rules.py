"""The refresh decision for tokens that are used without being spent, as the token endpoint would make it."""

import hmac
from dataclasses import dataclass
from typing import Protocol

from auth_tokens.domain.policy import Policy
from auth_tokens.domain.rotation import Presented, Refuse, Repeat, Reuse, ReuseKind, Verdict, decide
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import OpaqueToken, TokenCodec


@dataclass(frozen=True, slots=True)
class RotationRules:
    """codec: the one that parsed the tokens."""

    codec: TokenCodec
    retry_window_s: int

    def verdict(
        self, record: TokenRecord, token: OpaqueToken, now: int, arrived_at: int | None = None
    ) -> Verdict:
        """Rotate for a current token; Repeat for its predecessor while requests that overlapped the rotation may
        arrive. arrived_at: as of Caller. No key is asked for: nothing is issued here."""
        codec = self.codec
        if not (codec.has_epoch(token.epoch) and codec.has_epoch(record.key_epoch)):
            return Refuse("epoch withdrawn")  # the row's SELECT showed it
        store_hash = codec.store_hash(token)
        presented = Presented(
            token.generation, token.epoch, store_hash, client_id=None, arrived_at=arrived_at, jkt=record.jkt
        )
        verdict = decide(record, presented, now, self.retry_window_s)
        if isinstance(verdict, Repeat):
            successor = codec.store_hash(codec.successor(token, record.key_epoch))
            if not hmac.compare_digest(successor, verdict.row.token_hash):
                return Refuse("superseded")
        if isinstance(verdict, Reuse) and _may_be_asked_for_again(verdict):
            return Refuse("spent")
        return verdict


class CodecAndPolicy(Protocol):
    """The dependencies of a use case that reads tokens."""

    @property
    def codec(self) -> TokenCodec: ...

    @property
    def policy(self) -> Policy: ...


def rotation_rules(deps: CodecAndPolicy) -> RotationRules:
    """The decision for tokens that a use case uses without spending them."""
    return RotationRules(deps.codec, deps.policy.retry_window_s)


def _may_be_asked_for_again(reuse: Reuse) -> bool:
    """A client that lost the answer to that rotation may retry by its Idempotency-Key at any time."""
    return reuse.kind is ReuseKind.RECENT_PREDECESSOR and bool(reuse.row.record.retry_key_hash)
