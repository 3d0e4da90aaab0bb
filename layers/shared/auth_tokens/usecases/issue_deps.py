"""Dependencies of the use cases that issue tokens; the composition root fills them."""

from collections.abc import Callable
from dataclasses import dataclass

from auth_tokens.domain.policy import Policy
from auth_tokens.domain.sessions import User
from auth_tokens.domain.tokens import TokenCodec
from auth_tokens.ports.accounts import PasswordHasher, Portal
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.events import EventLog
from auth_tokens.ports.keys import Cipher, Keys, Signer
from auth_tokens.ports.limits import AccountLimiter, Limiter
from auth_tokens.ports.reporter import Reporter
from auth_tokens.ports.tokens import TokenStore


@dataclass(frozen=True, slots=True)
class IssueDeps:
    """To issue tokens. presentations: counts without a statement; new_id: a UUIDv7, 16 bytes; entropy: n → n random
    bytes; pause: waits after the nth lost race."""

    store: TokenStore
    portal: Portal
    keys: Keys
    codec: TokenCodec
    cipher: Cipher
    signer: Signer
    passwords: PasswordHasher
    limiter: AccountLimiter
    presentations: Limiter
    events: EventLog
    clock: Clock
    clock_ms: Clock
    new_id: Callable[[], bytes]
    entropy: Callable[[int], bytes]
    pause: Callable[[int], None]
    policy: Policy
    issuer: str
    audience: str
    telemetry: Reporter

    def client(self, client_id: str | None) -> str:
        """The client of a sign-in: the one named, else the first. Raises InvalidClient."""
        return self.policy.known_client(client_id) or next(iter(self.policy.clients))

    def policy_for(self, user: User) -> Policy:
        """What holds for a user; a preference out of bounds is reported, never refused."""
        policy = self.policy.for_user(user.config)
        if policy.out_of_bounds:
            self.telemetry.count("PreferenceOutOfBounds")
            names = " ".join(policy.out_of_bounds)
            self.telemetry.outcome("preference_out_of_bounds", user_id=user.id, preferences=names)
        return policy

    def report_labels(self, user: User, policy: Policy) -> None:
        """Report how many of a user's labels the new session will not carry; never which."""
        left_out = len(set(user.labels)) - len(policy.carried_labels(user))
        if left_out:
            self.telemetry.count("LabelsLeftOut", left_out)
            self.telemetry.outcome("labels_left_out", user_id=user.id, left_out=left_out)
