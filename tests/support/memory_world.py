"""What World is on a database, in memory: users, and the use cases on the same ports."""

import uuid
from dataclasses import replace
from itertools import count
from typing import Any, cast

from auth_tokens.adapters.access_jwt.proofs import ProofVerifier
from auth_tokens.adapters.memory_limits import MemoryLimiter
from auth_tokens.adapters.replay_memory import ReplayMemory
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.sessions import User, UserConfig
from auth_tokens.domain.sign_ins import Account
from auth_tokens.settings import Settings
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.proofs import ProofChecks
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.session_deps import SessionDeps
from tests.support.fakes import codec
from tests.support.memory_store import (
    MemoryBuckets,
    MemoryEvents,
    MemoryKeys,
    MemoryTokens,
    MemoryUsers,
    OpenCipher,
    PlainPasswords,
    PlainSigner,
    PlainVerifier,
)
from tests.support.world import CALLER, PASSWORD, Clock, RecordedTelemetry, World

ISSUER, AUDIENCE = "https://tokens.test", "portal"
# The defaults, as the tests on a database have them.
POLICY = Settings(
    issuer=ISSUER,
    audience=AUDIENCE,
    clients={"portal-web": "portal:read portal:write", "portal-app": "portal:read"},
    db_host="none",
    db_name="none",
    db_user="none",
    kms_key_id="none",
).policy()


class MemoryWorld:
    """Without a database, KMS or wall clock. Its members are those of World that tests of use cases need."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.telemetry = RecordedTelemetry()
        self.users = MemoryUsers()
        self.store = MemoryTokens(self.users)
        self.passwords = PlainPasswords()
        numbers, keys = count(1), codec()
        self.issuing = IssueDeps(
            store=self.store,
            portal=self.users,
            keys=MemoryKeys(),
            codec=keys,
            cipher=OpenCipher(),
            signer=PlainSigner(),
            passwords=self.passwords,
            limiter=MemoryBuckets(self.clock.milliseconds),
            presentations=MemoryLimiter(self.clock.milliseconds),
            events=MemoryEvents(self.store.events),
            clock=self.clock,
            clock_ms=self.clock.milliseconds,
            new_id=lambda: next(numbers).to_bytes(16, "big"),
            entropy=lambda size: next(numbers).to_bytes(size, "big"),
            pause=lambda attempt: None,
            policy=POLICY,
            issuer=ISSUER,
            audience=AUDIENCE,
            telemetry=self.telemetry,
        )
        self.sessions = SessionDeps(
            codec=keys,
            store=self.store,
            policy=POLICY,
            verifier=PlainVerifier(ISSUER, AUDIENCE),
            clock=self.clock,
            cipher=self.issuing.cipher,
            issuer=ISSUER,
            audience=AUDIENCE,
            keys=self.issuing.keys,
            proofs=ProofChecks(ProofVerifier(), ReplayMemory(lambda: None), self.telemetry),
        )

    def user(self, **config: int | str) -> str:
        """A new active user's name; config: preferences."""
        user_id = str(uuid.uuid4())
        name = f"{user_id}@example.com"
        user = User(user_id, name, is_active=True, config=UserConfig(config))
        self.users.accounts[user_id] = Account(user, f"new:{PASSWORD}")
        return name

    def user_id(self, name: str) -> str:
        [found] = [id for id, account in self.users.accounts.items() if account.user.username == name]
        return found

    def disable(self, name: str) -> None:
        account = self.users.accounts[self.user_id(name)]
        self.users.accounts[account.user.id] = replace(account, user=replace(account.user, is_active=False))

    def login(self, name: str, device: DeviceRequest | None = None, **options: Any) -> TokenAnswer:
        chosen = SessionOptions(device=device or DeviceRequest(), **options)
        return login(LoginRequest(name, PASSWORD, chosen), CALLER, self.issuing)

    def refresh(self, token: str, **fields: Any) -> TokenAnswer:
        return refresh(RefreshRequest(token, **fields), CALLER, self.issuing)

    def events(self, name: str) -> list[str]:
        """The types of a user's events, oldest first."""
        user_id = self.user_id(name)
        return [event.type.value for event in self.store.events if event.user_id == user_id]


def memory_world() -> World:
    """As the type that tests on a database have."""
    return cast(World, MemoryWorld())
