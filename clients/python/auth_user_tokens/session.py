"""One user's session, as an application holds it."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from auth_user_tokens.answers import DeviceOptions, LoginRequest, StepUpRequest, token_answer
from auth_user_tokens.calls import Apis, Calls, Requirement
from auth_user_tokens.clock import Clock, SystemClock
from auth_user_tokens.drivers import Driver
from auth_user_tokens.events import Callback, Event, StepUp
from auth_user_tokens.keeper import Keeper
from auth_user_tokens.outage import Outage
from auth_user_tokens.proofs import NoProofs, Proofs, Signing
from auth_user_tokens.refresher import Asking, Limits, Refresher, Want
from auth_user_tokens.sender import Sender, StandardSender
from auth_user_tokens.sign_ins import SignIns
from auth_user_tokens.steps import Steps
from auth_user_tokens.stores import MemoryStore, Store
from auth_user_tokens.wire import Endpoints, origin_of

if TYPE_CHECKING:
    import httpx2
    from requests.auth import AuthBase

Scope = Literal["current", "others", "all"]


@dataclass(frozen=True, slots=True)
class Info:
    """What may be shown of a session. scope: space-separated."""

    session_id: str
    scope: str
    device_id: str | None


class Session:
    """For all threads and event loops of a process; processes share it by its store.

    issuer: the service's address. client_id, scope: sent along where they are given. apis: addresses of the APIs that
    get the access token, beside the issuer; any other is refused. http_apis: those among them behind an HTTP API's
    authorizer, whose bare 403 counts as 401. http: an httpx.Client, a requests.Session or a Sender, by which the
    session's own requests go; by default the standard library, with the environment's proxies. refresh_at, jitter:
    from which part of its life an access token is refreshed, give or take. timeout_s: of one try; retry_for_s: of all
    tries that a call waits for.

    dpop: a store for a key, not the session's own. New sessions are bound to that key (RFC 9449), and every request is
    signed with it. Without it, nothing is bound. on_step_up: called where an API asks for a stronger or fresher
    sign-in; gives True, or for an event loop a coroutine of it, once there is one, and the call is repeated. requires:
    by the start of an address, what an API asks for whose gateway cannot say so.

    Every method that talks to the service raises AuthError; SignedOut, one of them, says that only a sign-in helps.
    """

    def __init__(
        self,
        issuer: str,
        store: Store | None = None,
        *,
        client_id: str | None = None,
        scope: str | None = None,
        apis: Collection[str] = (),
        http_apis: Collection[str] = (),
        http: Any = None,
        dpop: Store | None = None,
        requires: Mapping[str, Requirement] | None = None,
        on_step_up: Callable[[StepUp], Any] | None = None,
        refresh_at: float = 0.75,
        jitter: float = 0.10,
        timeout_s: float = 10.0,
        retry_for_s: float = 60.0,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock = clock or SystemClock()
        self._callbacks: list[Callback] = []
        sender = _sender(http, clock)
        self._driver = Driver(MemoryStore() if store is None else store, sender, dpop, on_step_up)
        own = [origin_of(url) for url in (issuer, *apis, *http_apis)]
        self._issuer = issuer.rstrip("/")
        limits, chance, emit = Limits(timeout_s, retry_for_s), random.Random(), self._emit
        endpoints = Endpoints(self._issuer, client_id, scope)
        outage = Outage(clock, emit, chance)
        signing: Signing = NoProofs() if dpop is None else Proofs(clock, timeout_s)
        asking = Asking(clock, outage, signing, timeout_s)
        self._keeper = keeper = Keeper(self._issuer, clock, emit, chance, refresh_at, jitter)
        self._refresher = Refresher(keeper, endpoints, asking, outage, clock, emit, limits)
        self._sign_ins = SignIns(
            keeper, endpoints, outage, self._refresher, asking, signing, clock, emit, limits
        )
        apis_ = Apis(frozenset(own), frozenset(origin_of(url) for url in http_apis))
        self._signing = signing
        required = dict(requires or {})
        self._calls = Calls(self._refresher, endpoints, signing, required, timeout_s, apis_, clock, emit)

    def __repr__(self) -> str:
        return f"Session({self._issuer!r})"

    def on(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Calls back with each event, in the thread where it happens; what the callback raises goes to that thread's
        caller. Returns what takes it back."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def access_token(self, min_life_s: float = 0.0) -> str:
        """One that is good for at least so many seconds, where a new one is."""
        return self._driver.run(self._refresher.access_token(Want(min_life_s)))

    async def aaccess_token(self, min_life_s: float = 0.0) -> str:
        return await self._driver.arun(self._refresher.access_token(Want(min_life_s)))

    def httpx_auth(self) -> httpx2.Auth:
        """For httpx2 and httpx, synchronous and asynchronous."""
        from auth_user_tokens.httpx_auth import httpx_auth

        return httpx_auth(self._calls, self._driver, self._clock)

    def requests_auth(self) -> AuthBase:
        from auth_user_tokens.requests_auth import SessionAuth

        return SessionAuth(self._calls, self._driver)

    def sign_in(
        self,
        username: str,
        password: str,
        *,
        device_name: str | None = None,
        platform: str | None = None,
        remember: bool = False,
    ) -> None:
        """remember: asks for a device token, for `sign_in_with_device`."""
        self._driver.run(
            self._sign_ins.by_password(_login(username, password, device_name, platform, remember))
        )

    async def asign_in(
        self,
        username: str,
        password: str,
        *,
        device_name: str | None = None,
        platform: str | None = None,
        remember: bool = False,
    ) -> None:
        body = _login(username, password, device_name, platform, remember)
        await self._driver.arun(self._sign_ins.by_password(body))

    def sign_in_with_device(self) -> None:
        """By the device token of an earlier sign-in, which outlives its sessions. Raises SignedOut: there is none."""
        self._driver.run(self._sign_ins.by_device())

    async def asign_in_with_device(self) -> None:
        await self._driver.arun(self._sign_ins.by_device())

    def step_up(self, password: str, *, acr_values: str | None = None, max_age_s: int | None = None) -> None:
        """Raises this session to a sign-in by password of now, as its access tokens from here on say. acr_values
        (space-separated), max_age_s: what an API asked for (RFC 9470). Raises AuthError: `invalid_credentials`,
        `rate_limited`, `unmet_authentication_requirements` …; the session stays as it was."""
        self._driver.run(self._refresher.step_up(_step_up(password, acr_values, max_age_s)))

    async def astep_up(
        self, password: str, *, acr_values: str | None = None, max_age_s: int | None = None
    ) -> None:
        await self._driver.arun(self._refresher.step_up(_step_up(password, acr_values, max_age_s)))

    def adopt(self, answer: Any) -> None:
        """Keeps a session that somebody else began a moment ago, such as a backend by `POST /auth/issue`: the token
        answer, parsed. Raises ValueError: it is none."""
        self._driver.run(self._adopted(answer))

    async def aadopt(self, answer: Any) -> None:
        await self._driver.arun(self._adopted(answer))

    def sign_out(self, scope: Scope = "current", *, keep_devices: bool = False) -> None:
        """Ends this session, the user's `others`, or `all`; the last two need the account scope. keep_devices: the
        others' device tokens live on. Raises AuthError where the service was not told; this session's tokens are gone
        from the store all the same, but with `others`."""
        self._driver.run(self._sign_ins.end(scope, keep_devices))

    async def asign_out(self, scope: Scope = "current", *, keep_devices: bool = False) -> None:
        await self._driver.arun(self._sign_ins.end(scope, keep_devices))

    def key_thumbprint(self) -> str:
        """Of the key of `dpop` (RFC 7638), for `dpop_jkt` of `POST /auth/issue`. Raises ValueError: there is none."""
        return self._driver.run(self._signing.thumbprint())

    def info(self) -> Info | None:
        """None: nobody is signed in. Reads the store."""
        return self._driver.run(self._info())

    async def ainfo(self) -> Info | None:
        return await self._driver.arun(self._info())

    def _info(self) -> Steps[Info | None]:
        saved = (yield from self._keeper.load()).saved
        if saved.session is None:
            return None
        device_id = saved.device.id if saved.device else None
        return Info(saved.session.session_id, saved.session.scope, device_id)

    def _adopted(self, answer: Any) -> Steps[None]:
        known = token_answer(answer)
        if known is None:
            raise ValueError("no token answer")
        yield from self._sign_ins.adopt(known, self._clock.now())

    def _emit(self, event: Event) -> None:
        for callback in tuple(self._callbacks):
            callback(event)


def _login(
    username: str, password: str, device_name: str | None, platform: str | None, remember: bool
) -> LoginRequest:
    device: DeviceOptions = {"remember": remember}
    if device_name is not None:
        device["name"] = device_name
    if platform is not None:
        device["platform"] = platform
    return {"username": username, "password": password, "device": device}


def _step_up(password: str, acr_values: str | None, max_age_s: int | None) -> StepUpRequest:
    body: StepUpRequest = {"password": password}
    if acr_values:
        body["acr_values"] = acr_values
    if max_age_s is not None:
        body["max_age"] = max_age_s
    return body


def _sender(http: Any, clock: Clock) -> Sender:
    if http is None:
        return StandardSender(clock)
    kinds = {kind.__module__.partition(".")[0] for kind in type(http).__mro__}
    if kinds & {"httpx", "httpx2"}:
        from auth_user_tokens.httpx_auth import httpx_sender

        return httpx_sender(http, clock)
    if "requests" in kinds:
        from auth_user_tokens.requests_auth import requests_sender

        return requests_sender(http, clock)
    given: Sender = http
    return given
