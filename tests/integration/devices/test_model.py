"""Random lives of remembered devices and their sessions against the real store and a small model of what must happen.

As refresh/test_model.py does for refresh tokens. After each step the store must agree row by row and event by event
(design invariants 1, 2, 4 and 5), and the limits of sessions and devices hold.
"""

import uuid
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.errors import InvalidGrant, InvalidRequest
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.end_session import SessionEnd, end_session, forget_device
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.revoke_user import revoke_user
from tests.support.chain_model import ALWAYS_THE_SAME, Chain, crashing
from tests.support.world import CALLER, World

SELECT_ROWS = "SELECT * FROM auth_user_tokens WHERE user_id = %s"
SELECT_TOLD = "SELECT type, COUNT(*) AS times FROM auth_token_events WHERE user_id = %s GROUP BY type"
IDLE_S, ABSOLUTE_S = 1000, 3000
DEVICE_IDLE_S, DEVICE_ABSOLUTE_S = 2000, 5000
MAX_SESSIONS, MAX_DEVICES = 3, 4
KEYS = st.sampled_from([None, "key-a", "key-b"])
KINDS = st.sampled_from([TokenKind.REFRESH, TokenKind.REFRESH, TokenKind.SESSION])
CRASHES = st.sampled_from([None, None, None, "before the write", "after the commit", "signing"])
# All that an exchange may come to, by the model: each is to be met.
VERDICTS = {"rotate", "repeat", "reuse", "superseded", "dead", "over", "other mode"}


@dataclass(kw_only=True)
class Session(Chain):
    """On a device."""

    device: "Device"
    kind: TokenKind
    last_used_at: int


@dataclass(kw_only=True)
class Device(Chain):
    """opened: the session that the token of a generation was exchanged for."""

    last_used_at: int
    opened: dict[int, Session] = field(default_factory=dict)


class Devices(RuleBasedStateMachine):
    """Sign-ins, exchanges, retries, second windows, thefts, ends of all kinds, crashes and the passing of time."""

    world: World
    steps = 0
    met: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.devices: list[Device] = []
        self.sessions: list[Session] = []
        self.stolen: list[tuple[Device, int]] = []
        self.told: Counter[str] = Counter()
        lifetimes = {
            f"{kind}_{end}_ttl_s": seconds
            for kind in ("refresh", "session")
            for end, seconds in (("idle", IDLE_S), ("absolute", ABSOLUTE_S))
        }
        user = self.world.user(
            **lifetimes,
            device_idle_ttl_s=DEVICE_IDLE_S,
            device_absolute_ttl_s=DEVICE_ABSOLUTE_S,
            max_sessions=MAX_SESSIONS,
        )
        self.user_id = self.world.user_id(user)

    @property
    def now(self) -> int:
        return self.world.clock.now

    @property
    def remembered(self) -> list[Device]:
        return [device for device in self.devices if device.tokens]

    @property
    def going_on(self) -> list[Session]:
        return [session for session in self.sessions if session.is_live(self.now)]

    # --- what starts sessions

    @rule(data=st.data(), remember=st.sampled_from([True, True, False]), kind=KINDS)
    def sign_in(self, data: st.DataObject, remember: bool, kind: TokenKind) -> None:
        """On a new device, or on one from before, which may be over by now."""
        named = data.draw(st.sampled_from([None, *self.devices]))
        wanted = DeviceRequest(id=named.id if named else None, remember=remember)
        request = IssueRequest(self.user_id, ("mfa",), options=SessionOptions(kind=kind, device=wanted))
        answer = issue(request, CALLER, self.world.issuing)

        is_known = named is not None and named.is_live(self.now)
        device = named if named is not None and is_known else self._new_device(answer)
        assert (answer.device_id, answer.device_token is not None) == (device.id, remember)
        self._start(answer, kind, device, is_new=not is_known)
        device.last_used_at = self.now
        device.idle_ends_at, device.absolute_ends_at = self.now + DEVICE_IDLE_S, self.now + DEVICE_ABSOLUTE_S
        if answer.device_token is not None:
            device.is_restarted = bool(device.tokens)
            device.rotated_at, device.retry_key = (self.now if device.tokens else None), None
            device.tokens.append(answer.device_token)
        self._tick()

    @precondition(lambda self: self.remembered)
    @rule(data=st.data(), behind=st.sampled_from([0, 0, 1, 1, 2]), key=KEYS, kind=KINDS, crash=CRASHES)
    def exchange(
        self, data: st.DataObject, behind: int, key: str | None, kind: TokenKind, crash: str | None
    ) -> None:
        """The owner's window opens, or another one of the device; the service may break on the way, and the owner
        retries."""
        device = self._some_device(data)
        kind = TokenKind.REFRESH if crash == "signing" else kind  # a cookie session needs no signature
        generation = max(0, len(device.tokens) - 1 - behind)
        if crash is not None and self._verdict(device, generation, key, kind) == "rotate":
            with crashing(self.world.issuing, "start_session", crash):
                self._exchange(device.tokens[generation], key, kind)
            if crash != "before the write":
                retried = self._exchange(device.tokens[generation], key, kind)
                assert retried is not None
                self._opened(device, retried, key, kind)
        self._present(device, generation, key, kind)

    @precondition(lambda self: self.remembered)
    @rule(data=st.data(), keys=st.tuples(KEYS, KEYS), seconds=st.sampled_from([0, 5, 8, 9, 300]), kind=KINDS)
    def two_windows(
        self, data: st.DataObject, keys: tuple[str | None, str | None], seconds: int, kind: TokenKind
    ) -> None:
        """Both are restored with one token, the second some time after the first, which may have refreshed the
        session."""
        device = self._some_device(data)
        generation = len(device.tokens) - 1
        if self._present(device, generation, keys[0], kind):
            session = device.opened[generation]
            for _ in range(data.draw(st.integers(0, 2))):
                answer = self.world.refresh(session.tokens[-1], kind=kind, retry_key=keys[0])
                self._refreshed(session, answer, keys[0])
        self.world.clock.now += seconds
        self._present(device, generation, keys[1], kind)

    @precondition(lambda self: self.going_on)
    @rule(data=st.data(), behind=st.sampled_from([0, 0, 0, 1]), key=KEYS)
    def refresh(self, data: st.DataObject, behind: int, key: str | None) -> None:
        """One window of a session goes on: another that is restored later must still find the session."""
        session = data.draw(st.sampled_from(self.going_on))
        generation = max(0, len(session.tokens) - 1 - behind)
        expected = session.verdict(generation, key, self.now)
        try:
            answer = self.world.refresh(session.tokens[generation], kind=session.kind, retry_key=key)
        except InvalidGrant:
            assert expected == "reuse"
            self._end([session], "token_reuse_detected")
            return
        assert expected in {"rotate", "repeat"}
        if expected == "rotate":
            self._refreshed(session, answer, key)
        assert answer.token == session.tokens[-1]

    # --- thieves

    @precondition(lambda self: self.remembered)
    @rule(data=st.data())
    def steal(self, data: st.DataObject) -> None:
        """A thief copies a device's token of the moment, to use it later."""
        device = self._some_device(data)
        self.stolen.append((device, len(device.tokens) - 1))

    @precondition(lambda self: self.stolen)
    @rule(data=st.data(), key=KEYS)
    def replay(self, data: st.DataObject, key: str | None) -> None:
        """The thief shows what was stolen, and if that works holds what it was answered."""
        device, generation = data.draw(st.sampled_from(self.stolen[-3:]))
        if self._present(device, generation, key, TokenKind.REFRESH):
            self.stolen.append((device, len(device.tokens) - 1))

    @precondition(lambda self: self.remembered)
    @rule(data=st.data())
    def dump(self, data: st.DataObject) -> None:
        """What the database holds is good for nothing, even put into a token with a right tag."""
        device = data.draw(st.sampled_from(self.remembered))
        current = self.world.shared.codec.parse(device.tokens[-1], TokenKind.DEVICE)
        forged = replace(current, secret=self.world.row(device.id)["token_hash"])
        assert self._exchange(self.world.shared.codec.encode(forged), None, TokenKind.REFRESH) is None

    # --- ends

    @precondition(lambda self: self.remembered and self.going_on)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        """Rare among the rules, else nothing lives for long."""
        ends = [
            self._forget,
            self._revoke_device_token,
            self._revoke_session_token,
            self._end_from_elsewhere,
            self._log_out,
            self._operator_ends_all,
        ]
        data.draw(st.sampled_from(ends))(data)

    def _forget(self, data: st.DataObject) -> None:
        device = data.draw(st.sampled_from(self.devices))
        forget_device(device.id, self.user_id, CALLER, self.world.sessions)
        self._end(self._with_sessions(device), "device_revoked")

    def _revoke_device_token(self, data: st.DataObject) -> None:
        """A spent one ends the device, too."""
        device = self._some_device(data)
        token = data.draw(st.sampled_from(device.tokens[-2:]))
        revoke_token(token, None, CALLER, self.world.sessions)
        self._end(self._with_sessions(device), "device_revoked")

    def _revoke_session_token(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.going_on))
        revoke_token(session.tokens[-1], None, CALLER, self.world.sessions)
        self._end([session], "session_revoked")

    def _end_from_elsewhere(self, data: st.DataObject) -> None:
        """A session of the list, which may have been replaced meanwhile, and mostly its device."""
        session = data.draw(st.sampled_from(self.sessions))
        keeps = data.draw(st.sampled_from(["nothing", "own device", "device"]))
        end_session(
            session.id,
            self.user_id,
            CALLER,
            self.world.sessions,
            SessionEnd(
                own_device=session.device.id if keeps == "own device" else "",
                keep_device=keeps == "device",
            ),
        )
        if keeps != "nothing":
            self._end([session], "session_revoked")
        else:
            kinds = ["device_revoked"] if session.is_revoked else ["session_revoked", "device_revoked"]
            self._end(self._with_sessions(session.device), *kinds)

    def _log_out(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.going_on))
        scope = data.draw(st.sampled_from([LogoutScope.OTHERS, LogoutScope.ALL]))
        keep_devices = data.draw(st.booleans())
        logout(scope, self._claims(session), CALLER, self.world.sessions, keep_devices=keep_devices)

        ending: list[Chain] = [*self.sessions, *([] if keep_devices else self.devices)]
        kept = (session, session.device) if scope is LogoutScope.OTHERS else ()
        self._end([chain for chain in ending if chain not in kept], "session_revoked")

    def _operator_ends_all(self, _: st.DataObject) -> None:
        revoke_user(self.user_id, RevokeReason.ADMIN, "", self.world.sessions)
        self._end([*self.sessions, *self.devices], "user_revoked")

    @rule(seconds=st.sampled_from([1, 5, 9, 10, 11, 11, 300, 300, 999, 1000, 2000]))
    def wait(self, seconds: int) -> None:
        self.world.clock.now += seconds

    # --- what must be true after each step

    @invariant()
    def the_store_agrees(self) -> None:
        type(self).steps += 1
        rows = self.world.database.query(SELECT_ROWS, (self.user_id,))
        stored = {str(uuid.UUID(bytes=row["id"])): row for row in rows}
        assert stored.keys() == {chain.id for chain in (*self.devices, *self.sessions)}
        for chain in (*self.devices, *self.sessions):
            row = stored[chain.id]
            assert row["generation"] == max(0, len(chain.tokens) - 1)
            assert (row["revoked_at"] is not None) == chain.is_revoked
            kind = TokenKind.DEVICE if isinstance(chain, Device) else TokenKind(row["type"])
            matching = [text for text in chain.tokens if self._hash(text, kind) == row["token_hash"]]
            assert matching == chain.tokens[-1:]

    @invariant()
    def the_limits_hold(self) -> None:
        devices = [session.device.id for session in self.going_on]
        assert len(devices) == len(set(devices)) <= MAX_SESSIONS
        assert sum(device.is_live(self.now) for device in self.devices) <= MAX_DEVICES

    @invariant()
    def each_event_is_told_once(self) -> None:
        rows = self.world.database.query(SELECT_TOLD, (self.user_id,))
        assert {row["type"]: row["times"] for row in rows} == +self.told

    # --- the model

    def _some_device(self, data: st.DataObject) -> Device:
        """Mostly one that lives."""
        live = [device for device in self.remembered if device.is_live(self.now)]
        return data.draw(st.sampled_from([*live * 3, *self.remembered]))

    def _claims(self, session: Session) -> AccessClaims:
        """Of a session that has just been validated."""
        return AccessClaims(
            sub=self.user_id,
            sid=session.id,
            jti=None,
            client_id="portal-web",
            scope="",
            device_id=session.device.id,
            auth_time=self.now,
            acr="",
            amr=(),
            labels=(),
            iat=self.now,
            exp=self.now + 60,
        )

    def _verdict(self, device: Device, generation: int, key: str | None, kind: TokenKind) -> str:
        verdict = device.verdict(generation, key, self.now)
        if verdict != "repeat":
            return verdict
        session = device.opened[generation]
        if not session.is_live(self.now):
            return "over"
        return "repeat" if session.kind is kind else "other mode"

    def _present(self, device: Device, generation: int, key: str | None, kind: TokenKind) -> bool:
        expected = self._verdict(device, generation, key, kind)
        self.met[expected] += 1
        if expected == "other mode":
            with pytest.raises(InvalidRequest):
                self._exchange(device.tokens[generation], key, kind)
            return False
        answer = self._exchange(device.tokens[generation], key, kind)
        if expected == "rotate":
            assert answer is not None
            self._opened(device, answer, key, kind)
        elif expected == "repeat":
            assert answer is not None
            session = device.opened[generation]
            assert (answer.session_id, answer.token) == (session.id, session.tokens[-1])
            assert answer.device_token == device.tokens[-1]
        else:
            assert answer is None
            if expected == "reuse":
                self._end(self._with_sessions(device), "token_reuse_detected")
        return answer is not None

    def _exchange(self, token: str, key: str | None, kind: TokenKind) -> TokenAnswer | None:
        request = ExchangeRequest(token, SessionOptions(kind=kind), key)
        try:
            return exchange_device_token(request, CALLER, self.world.issuing)
        except InvalidGrant:
            return None

    def _opened(self, device: Device, answer: TokenAnswer, key: str | None, kind: TokenKind) -> None:
        """An exchange has spent the device's token."""
        assert answer.device_id == device.id
        assert answer.device_token is not None
        assert answer.device_token not in device.tokens
        generation = len(device.tokens) - 1
        device.opened[generation] = self._start(answer, kind, device, is_new=False)
        device.rotated(answer.device_token, key, self.now, DEVICE_IDLE_S)
        device.last_used_at = self.now
        self._tick()

    def _refreshed(self, session: Session, answer: TokenAnswer, key: str | None) -> None:
        session.rotated(answer.token, key, self.now, IDLE_S)
        session.last_used_at = self.now
        self._tick()

    def _tick(self) -> None:
        """Each use has a second of its own: so chance does not decide which session is evicted."""
        self.world.clock.now += 1

    def _new_device(self, answer: TokenAnswer) -> Device:
        return Device(answer.device_id, 0, 0, last_used_at=self.now)

    def _start(self, answer: TokenAnswer, kind: TokenKind, device: Device, *, is_new: bool) -> Session:
        """A session begins: the device's ends, and those beyond the limit are evicted."""
        assert answer.session_id not in {session.id for session in self.sessions}
        others = [session for session in self.going_on if session.device is not device]
        for session in self.going_on:
            session.is_revoked = session.is_revoked or session.device is device
        evicted = sorted(others, key=lambda session: (session.last_used_at, session.id))
        for session in evicted[: max(0, len(others) + 1 - MAX_SESSIONS)]:
            self._end([session], "session_evicted")
        if is_new:
            self._forget_some()
            self.devices.append(device)
            self.told["new_device"] += 1
        self.told["session_issued"] += 1
        ends = (self.now + IDLE_S, self.now + ABSOLUTE_S)
        session = Session(
            answer.session_id,
            *ends,
            [answer.token],
            device=device,
            kind=kind,
            last_used_at=self.now,
        )
        self.sessions.append(session)
        return session

    def _forget_some(self) -> None:
        live = [device for device in self.devices if device.is_live(self.now)]
        in_use = [session.device for session in self.going_on]
        idle = [device for device in live if device not in in_use]
        idle.sort(key=lambda device: (bool(device.tokens), device.last_used_at, device.id))
        for device in idle[: max(0, len(live) + 1 - MAX_DEVICES)]:
            self._end([device], "device_revoked")

    def _with_sessions(self, device: Device) -> list[Chain]:
        return [device, *(session for session in self.sessions if session.device is device)]

    def _end(self, chains: list[Chain] | list[Session] | list[Device], *told: str) -> None:
        """What ends, and the events that tell it, unless all of it had ended before."""
        if any(not chain.is_revoked for chain in chains):
            self.told.update(told)
        for chain in chains:
            chain.is_revoked = True

    def _hash(self, text: str, kind: TokenKind) -> bytes:
        codec = self.world.shared.codec
        return codec.store_hash(codec.parse(text, kind))


@pytest.mark.slow
def test_the_store_does_what_the_model_of_devices_says(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    small = World(replace(world.settings, max_devices=MAX_DEVICES))
    machine = type("DevicesHere", (Devices,), {"world": small, "steps": 0, "met": Counter()})

    chosen = settings(ALWAYS_THE_SAME, max_examples=130, stateful_step_count=40)
    run_state_machine_as_test(machine, settings=chosen)

    with capsys.disabled():
        print(f"\nmodel test of devices: {machine.steps} steps, {dict(machine.met)}")
    assert machine.steps > 3000
    assert machine.met.keys() == VERDICTS
