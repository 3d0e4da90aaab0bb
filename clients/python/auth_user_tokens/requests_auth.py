"""`requests.get(…, auth=session.requests_auth())`. Needs the extra `requests`."""

from __future__ import annotations

from typing import Any

import requests
from requests.auth import AuthBase

from auth_user_tokens.calls import Calls, Target
from auth_user_tokens.clock import Clock
from auth_user_tokens.drivers import Driver, Run
from auth_user_tokens.errors import NoAnswer
from auth_user_tokens.sender import USER_AGENT, Sender, check
from auth_user_tokens.steps import Call, Send
from auth_user_tokens.wire import Reply, origin_of


def requests_sender(http: requests.Session, clock: Clock) -> Sender:
    """By a session of the caller's, with its proxies and TLS, but without its auth, headers and redirects."""

    def send(step: Send) -> Reply:
        asked = step.request
        headers = {"User-Agent": USER_AGENT, **asked.headers}
        request = requests.Request(asked.method, asked.url, headers, data=asked.body).prepare()
        settings = http.merge_environment_settings(asked.url, {}, False, None, None)
        check(step, clock)
        try:
            response = http.send(request, timeout=step.timeout_s, allow_redirects=False, **settings)
        except requests.RequestException as error:
            raise NoAnswer(type(error).__name__) from None
        return _reply(response)

    return send


class SessionAuth(AuthBase):
    def __init__(self, calls: Calls, driver: Driver) -> None:
        self._calls, self._driver = calls, driver

    def __repr__(self) -> str:
        return "SessionAuth()"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Of a request that is about to be sent. A body that streams is not sent twice."""
        url = request.url or ""
        origin = self._calls.apis.origin(url)
        can_repeat = request.body is None or isinstance(request.body, (bytes, str))
        run = Run(self._calls.call(Target(request.method or "GET", url, can_repeat)))
        self._until_call(run)
        _put_token(request, run)
        hook = _Answered(self._until_call, run, origin)
        request.register_hook("response", hook)  # type: ignore[no-untyped-call]
        return request

    def _until_call(self, run: Run[None]) -> None:
        while run.step is not None and not isinstance(run.step, Call):
            self._driver.advance(run, run.step)


class _Answered:
    """The hook of one request. It sees the answers to its redirects as well: only one of its own origin counts."""

    def __init__(self, until_call: Any, run: Run[None], origin: str) -> None:
        self._until_call, self._run, self._origin = until_call, run, origin

    def __call__(self, response: requests.Response, **kwargs: Any) -> requests.Response:
        if self._run.step is None or response.is_redirect or not self._is_own(response.url):
            return response
        self._run.resume(_reply(response, is_whole=response.status_code == 403))
        self._until_call(self._run)
        while self._run.step is not None:
            response = self._again(response, kwargs)
            self._until_call(self._run)
        return response

    def _again(self, response: requests.Response, kwargs: dict[str, Any]) -> requests.Response:
        _ = response.content  # read, so that its connection can be used again
        response.close()
        request = response.request.copy()
        _put_token(request, self._run)
        again: requests.Response = response.connection.send(request, **kwargs)
        again.history.append(response)
        again.request = request
        self._run.resume(_reply(again, is_whole=again.status_code == 403))
        return again

    def _is_own(self, url: str) -> bool:
        try:
            return origin_of(url) == self._origin
        except ValueError:
            return False


def _put_token(request: requests.PreparedRequest, run: Run[None]) -> None:
    if isinstance(run.step, Call):
        request.headers.update(run.step.headers)


def _reply(response: requests.Response, is_whole: bool = True) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, response.content if is_whole else b"")
