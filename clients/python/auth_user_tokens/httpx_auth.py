"""`httpx.Client(auth=session.httpx_auth())`: for httpx2, and for httpx, which it continues. Needs the extra `httpx`."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from auth_user_tokens.calls import Calls, Target
from auth_user_tokens.clock import Clock
from auth_user_tokens.drivers import Driver, Run
from auth_user_tokens.errors import AuthError, Late, NoAnswer
from auth_user_tokens.sender import USER_AGENT, Sender, check
from auth_user_tokens.steps import Call, Send
from auth_user_tokens.wire import Reply

if TYPE_CHECKING:
    import httpx2

_LIBRARIES = ("httpx2", "httpx")


def httpx_auth(calls: Calls, driver: Driver, clock: Clock) -> httpx2.Auth:
    """For clients of every line that is installed, synchronous and asynchronous. Raises ImportError: none is."""
    bases = tuple(library.Auth for library in _installed())
    if not bases:
        raise ImportError("pip install auth-user-tokens[httpx]")
    kind = type("SessionAuth", (_Flow, *bases), {})
    made: httpx2.Auth = kind(calls, driver, clock)
    return made


def httpx_sender(client: Any, clock: Clock) -> Sender:
    """By a client of the caller's, with its proxies and TLS, but without its auth, headers, cookies and redirects."""
    library = _library_of(client)

    def send(step: Send) -> Reply:
        request = _token_request(library, step, clock)
        try:
            response = client.send(request, auth=None, follow_redirects=False)
        except library.HTTPError as error:
            raise NoAnswer(type(error).__name__) from None
        return _reply(response)

    return send


class _Flow:
    """What is needed now goes through the caller's own client. A token that is merely due is refreshed by the session's
    sender, as a failure here would be the caller's, whose token is still good."""

    def __init__(self, calls: Calls, driver: Driver, clock: Clock) -> None:
        self._calls, self._driver, self._clock = calls, driver, clock

    def __repr__(self) -> str:
        return "SessionAuth()"

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        ours: list[Any] = []
        with contextlib.closing(self._run(request)) as run:
            while run.step is not None:
                match run.step:
                    case Call(headers):
                        response = yield _with(request, headers)
                        if response.status_code == 403:
                            response.read()
                        _answered(run, response, ours)
                    case Send(is_needed=True) as step:
                        ours.append((yield self._token_request(request, step)))
                        try:
                            ours[-1].read()
                        except _library_of(request).HTTPError as error:
                            run.resume(failure=NoAnswer(type(error).__name__))
                        else:
                            run.resume(_reply(ours[-1]))
                    case step:
                        self._driver.advance(run, step)

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        ours: list[Any] = []
        with contextlib.closing(self._run(request)) as run:
            while run.step is not None:
                match run.step:
                    case Call(headers):
                        response = yield _with(request, headers)
                        if response.status_code == 403:
                            await response.aread()
                        _answered(run, response, ours)
                    case Send(is_needed=True) as step:
                        ours.append((yield self._token_request(request, step)))
                        try:
                            await ours[-1].aread()
                        except _library_of(request).HTTPError as error:
                            run.resume(failure=NoAnswer(type(error).__name__))
                        else:
                            run.resume(_reply(ours[-1]))
                    case step:
                        await self._driver.aadvance(run, step)

    def _run(self, request: Any) -> Run[None]:
        """A body that streams cannot be sent twice."""
        can_repeat = isinstance(request.stream, _library_of(request).ByteStream)
        url = str(request.url)
        self._calls.apis.origin(url)
        return Run(self._calls.call(Target(request.method, url, can_repeat)))

    def _token_request(self, request: Any, step: Send) -> Any:
        return _token_request(_library_of(request), step, self._clock)


def _with(request: Any, headers: Mapping[str, str]) -> Any:
    request.headers.update(headers)
    return request


def _answered(run: Run[None], response: Any, ours: list[Any]) -> None:
    """The answers with tokens in them are nobody's history."""
    response.history = [each for each in response.history if not any(each is own for own in ours)]
    run.resume(_reply(response, is_whole=response.status_code == 403))


def _token_request(library: Any, step: Send, clock: Clock) -> Any:
    """The body leaves once, and in time: a client that follows redirects cannot send it elsewhere."""
    asked = step.request
    timeout = dict.fromkeys(("connect", "read", "write", "pool"), step.timeout_s)
    headers = {"User-Agent": USER_AGENT, **asked.headers}
    request = library.Request(
        asked.method, asked.url, headers=headers, content=asked.body, extensions={"timeout": timeout}
    )

    def once() -> Iterator[bytes]:
        try:
            check(step, clock)
        except Late:
            raise AuthError("unreachable", "connecting took too long") from None
        yield asked.body

    kind = type("Once", (_Once, library.SyncByteStream, library.AsyncByteStream), {})
    request.stream = kind(once())
    return request


class _Once:
    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts: Iterator[bytes] | None = parts

    def __iter__(self) -> Iterator[bytes]:
        parts, self._parts = self._parts, None
        if parts is None:
            raise AuthError("bad_answer", "a request with a token in it was redirected, and is not sent on")
        yield from parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


def _reply(response: Any, is_whole: bool = True) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, response.content if is_whole else b"")


def _installed() -> list[Any]:
    found = []
    for name in _LIBRARIES:
        with contextlib.suppress(ImportError):
            found.append(importlib.import_module(name))
    return found


def _library_of(thing: Any) -> Any:
    """The line that a request or a client belongs to."""
    names = {kind.__module__.partition(".")[0] for kind in type(thing).__mro__}
    return next(library for library in _installed() if library.__name__ in names)
