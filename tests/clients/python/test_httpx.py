"""The httpx auth, for both lines of the library, synchronous and asynchronous."""

import asyncio
from collections.abc import Callable
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest

from auth_user_tokens import AuthError, StepUp
from tests.clients.python.lab import API, ISSUER, NONE, Lab, answer

STEP_UP = 'Bearer error="insufficient_user_authentication", acr_values="mfa", max_age="300"'


class Stage:
    """One line of httpx, one way to call: a client whose network is a function."""

    def __init__(self, library: ModuleType, is_async: bool) -> None:
        self.library, self.is_async = library, is_async
        self.lab = Lab()
        self.seen: list[Any] = []
        self.shown: list[str] = []
        self.answers: list[Callable[[Any], Any]] = []
        self.session = self.lab.signed_in()

    def network(self, request: Any) -> Any:
        self.seen.append(request)
        self.shown.append(request.headers.get("Authorization", "-").removeprefix("Bearer "))
        if self.answers:
            return self.answers.pop(0)(request)
        return self.library.Response(200, text="done")

    def says(self, status: int, **options: Any) -> Callable[[Any], Any]:
        return lambda request: self.library.Response(status, **options)

    def token(self, n: int) -> Callable[[Any], Any]:
        return self.says(200, json=answer(n))

    def fails(self, request: Any) -> Any:
        raise self.library.ConnectError("no route", request=request)

    def request(self, method: str = "GET", url: str = f"{API}/jobs", **options: Any) -> Any:
        follow = options.pop("follow_redirects", False)
        if self.is_async:
            return asyncio.run(self._arequest(method, url, follow, options))
        transport = self.library.MockTransport(self.network)
        with self.library.Client(
            transport=transport, auth=self.session.httpx_auth(), follow_redirects=follow
        ) as client:
            return client.request(method, url, **options)

    async def _arequest(self, method: str, url: str, follow: bool, options: Any) -> Any:
        async def network(request: Any) -> Any:
            return self.network(request)

        transport = self.library.MockTransport(network)
        async with self.library.AsyncClient(
            transport=transport, auth=self.session.httpx_auth(), follow_redirects=follow
        ) as client:
            return await client.request(method, url, **options)

    def stream(self) -> Any:
        """A body that can be read once."""
        if not self.is_async:
            return iter([b"part"])

        async def parts() -> Any:
            yield b"part"

        return parts()

    def bearers(self) -> list[str]:
        return self.shown


@pytest.fixture(params=[(httpx2, False), (httpx2, True), (httpx, False), (httpx, True)], ids=str)
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage(*request.param)


def test_a_call_carries_the_access_token(stage: Stage) -> None:
    assert stage.request().text == "done"
    assert stage.bearers() == ["access-0"]


def test_a_refused_token_is_refreshed_in_the_callers_flow_and_the_call_repeated(stage: Stage) -> None:
    stage.lab.clock.passes(300)
    stage.answers = [stage.says(401), stage.token(1)]

    reply = stage.request("POST", json={"name": "night tram"})

    assert reply.status_code == 200
    assert stage.bearers() == ["access-0", "-", "access-1"]
    assert [each.url.path for each in stage.seen] == ["/jobs", "/auth/token", "/jobs"]
    assert stage.seen[2].content == stage.seen[0].content
    assert stage.lab.sent == [], "the session's own sender is not asked"


def test_an_expired_token_is_refreshed_before_the_call_in_the_callers_flow(stage: Stage) -> None:
    stage.lab.clock.passes(600)
    stage.answers = [stage.token(1)]

    assert stage.request().status_code == 200
    assert stage.bearers() == ["-", "access-1"]
    token_request = stage.seen[0]
    assert set(token_request.extensions["timeout"].values()) == {10.0}
    assert stage.request().status_code == 200
    assert len(stage.seen) == 3


def test_answers_with_tokens_are_not_in_the_history_of_the_reply(stage: Stage) -> None:
    stage.lab.clock.passes(300)
    stage.answers = [stage.says(401), stage.token(1)]

    reply = stage.request()

    assert [each.status_code for each in reply.history] == [401]


def test_a_due_token_is_used_while_the_service_is_out_of_reach(stage: Stage) -> None:
    stage.lab.clock.passes(500)
    stage.lab.answers = [NONE]

    assert stage.request().status_code == 200
    assert stage.bearers() == ["access-0"]


def test_503_within_the_flow_is_waited_for(stage: Stage) -> None:
    stage.lab.clock.passes(600)
    stage.answers = [
        stage.says(503, headers={"Retry-After": "0"}),
        stage.says(200, text="<html>"),
        stage.token(1),
    ]

    assert stage.request().status_code == 200
    assert stage.bearers() == ["-", "-", "-", "access-1"]
    assert len({each.headers["Idempotency-Key"] for each in stage.seen[:3]}) == 1


def test_a_failure_of_the_network_within_the_flow_is_the_callers_and_signs_nobody_out(stage: Stage) -> None:
    stage.lab.clock.passes(600)
    stage.answers = [stage.fails]

    with pytest.raises(stage.library.ConnectError):
        stage.request()
    stage.lab.clock.passes(1)
    stage.answers = [stage.token(1)]

    assert stage.request().status_code == 200
    assert "SignedOutEvent" not in stage.lab.told()
    keys = [each.headers["Idempotency-Key"] for each in stage.seen if each.url.path == "/auth/token"]
    assert len(keys) == 2 and len(set(keys)) == 1


def test_a_streamed_body_is_not_sent_twice_but_the_next_call_has_a_new_token(stage: Stage) -> None:
    stage.lab.clock.passes(300)
    stage.answers = [stage.says(401)]

    reply = stage.request("POST", content=stage.stream())
    stage.answers = [stage.token(1)]
    stage.request()

    assert reply.status_code == 401
    assert stage.bearers() == ["access-0", "-", "access-1"]


def test_a_young_token_that_is_refused_is_no_reason_for_a_refresh(stage: Stage) -> None:
    stage.lab.clock.passes(29)
    stage.answers = [stage.says(401)]

    assert stage.request().status_code == 401
    assert len(stage.seen) == 1


def test_an_api_that_always_refuses_makes_no_loop(stage: Stage) -> None:
    def network(request: Any) -> Any:
        if request.url.path == "/auth/token":
            return stage.library.Response(200, json=answer(len(stage.seen)))
        return stage.library.Response(401)

    for _ in range(50):
        stage.answers = [network] * 9
        stage.lab.clock.passes(5)
        assert stage.request().status_code == 401

    assert len([each for each in stage.seen if each.url.path == "/auth/token"]) == 1


def test_a_bare_403_counts_where_it_is_said_to(stage: Stage) -> None:
    stage.session = stage.lab.signed_in(http_apis=[API])
    stage.lab.clock.passes(300)
    forbidden = {"message": "Forbidden"}
    stage.answers = [stage.says(403, json=forbidden), stage.token(1)]

    assert stage.request().status_code == 200
    stage.lab.clock.passes(300)
    stage.answers = [stage.says(403, json={"error": "insufficient_scope"})]
    assert stage.request().json() == {"error": "insufficient_scope"}


def test_a_bare_403_is_left_alone_elsewhere(stage: Stage) -> None:
    stage.lab.clock.passes(300)
    stage.answers = [stage.says(403, json={"message": "Forbidden"})]

    assert stage.request().status_code == 403
    assert len(stage.seen) == 1


def test_a_wish_for_a_stronger_sign_in_is_an_event_and_no_refresh(stage: Stage) -> None:
    stage.lab.clock.passes(300)
    stage.answers = [stage.says(401, headers={"WWW-Authenticate": STEP_UP})]

    assert stage.request().status_code == 401
    assert len(stage.seen) == 1
    [told] = stage.lab.events
    assert isinstance(told, StepUp)
    assert told.challenge["acr_values"] == "mfa"


@pytest.mark.parametrize("url", ["https://elsewhere.test/", "https://api.test:8443/", "http://api.test/jobs"])
def test_an_origin_that_was_not_named_gets_no_token_and_no_call(stage: Stage, url: str) -> None:
    with pytest.raises(AuthError) as error:
        stage.request(url=url)

    assert error.value.code == "foreign_origin"
    assert stage.seen == []


def test_a_redirect_to_elsewhere_takes_no_token_along(stage: Stage) -> None:
    stage.answers = [stage.says(302, headers={"Location": "https://elsewhere.test/"})]

    stage.request(follow_redirects=True)

    assert stage.bearers() == ["access-0", "-"]


@pytest.mark.parametrize("library", [httpx2, httpx], ids=lambda library: library.__name__)
def test_a_token_request_that_is_redirected_is_not_sent_on(library: ModuleType) -> None:
    lab, hosts = Lab(), []
    session = lab.signed_in()
    lab.clock.passes(600)

    class Wire(library.BaseTransport):  # type: ignore[misc, name-defined]
        def handle_request(self, request: Any) -> Any:
            body = b"".join(request.stream)
            hosts.append((request.url.host, bool(body)))
            return library.Response(307, headers={"Location": "https://elsewhere.test/"})

    with (
        library.Client(transport=Wire(), auth=session.httpx_auth(), follow_redirects=True) as client,
        pytest.raises(AuthError),
    ):
        client.get(f"{API}/jobs")

    assert hosts == [("tokens.test", True)]
    assert "SignedOutEvent" not in lab.told()


def test_the_sessions_own_requests_go_by_a_client_of_the_callers(stage: Stage) -> None:
    lab, seen = Lab(), []

    def network(request: Any) -> Any:
        seen.append(request)
        return stage.library.Response(307, headers={"Location": "https://elsewhere.test/"})

    client = stage.library.Client(
        transport=stage.library.MockTransport(network), auth=("name", "password"), follow_redirects=True
    )
    session = lab.session(http=client)
    with client, pytest.raises(AuthError):
        session.sign_in("alice@example.com", "a password")

    [request] = seen
    assert request.url.host == ISSUER.removeprefix("https://")
    assert "Authorization" not in request.headers
