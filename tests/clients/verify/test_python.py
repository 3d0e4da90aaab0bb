"""auth_tokens_verify: its answers, what it knows of keys and revocations, and what it does when it does not know."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from auth_tokens.domain.ids import uuid_bytes, uuid_time
from auth_tokens_verify import InvalidAccessToken, Refusal, Verifier
from auth_tokens_verify.asgi import RequireToken as AsgiRequireToken
from auth_tokens_verify.wsgi import RequireToken as WsgiRequireToken
from tests.clients.verify.world import FEED, JWKS, SESSION, Answer, World, as_json, away
from tests.security.kit import API, JTI, SID, forged, good_header
from tests.support.proofs import prover
from tests.support.world import START

REALM = 'Bearer realm="auth-user-tokens"'
SID_S = uuid_time(uuid_bytes(SID))
OTHER = "01900000-0000-7000-8000-0000000000aa"


@pytest.fixture
def world() -> World:
    return World()


def refused(world: World, scope: str = "", **requirements: Any) -> tuple[int, str]:
    verdict = world.verdict(None, scope, **requirements)
    assert isinstance(verdict, Refusal)
    return verdict.status, verdict.headers.get("WWW-Authenticate", "")


def test_a_good_token_gives_its_claims(world: World) -> None:
    assert not isinstance(verdict := world.verdict(None, "portal:read", acr=["", "x"], max_age_s=0), Refusal)
    assert (verdict.sid, verdict.scope) == (SID, "portal:read")


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Cookie": "__Host-session=x"}], ids=repr)
def test_without_a_credential_the_challenge_names_no_error(world: World, headers: dict[str, str]) -> None:
    verdict = world.verifier.check(headers)

    assert isinstance(verdict, Refusal)
    assert (verdict.status, verdict.headers["WWW-Authenticate"], verdict.body) == (401, REALM, b"")


@pytest.mark.parametrize(
    "fields",
    [
        [("authorization", "Basic YTpi")],
        [("authorization", "Bearer a.b.c"), ("Authorization", "Bearer a.b.c")],
        [("authorization", "Bearer a.b.c, Bearer a.b.c")],
        [("authorization", "Bearer")],
    ],
    ids=["another scheme", "two fields", "two in one", "no token"],
)
def test_another_credential_is_invalid_and_nothing_is_asked_for(
    world: World, fields: list[tuple[str, str]]
) -> None:
    verdict = world.verifier.check(fields)

    assert isinstance(verdict, Refusal)
    assert (verdict.status, json.loads(verdict.body)["error"], world.asked) == (401, "invalid_token", [])


def test_too_little_scope_is_403_with_the_scope_that_is_needed(world: World) -> None:
    assert refused(world, "a b") == (403, f'{REALM}, error="insufficient_scope", scope="a b"')


def test_too_weak_or_too_old_an_authentication_says_what_is_asked(world: World) -> None:
    challenge = f'{REALM}, error="insufficient_user_authentication"'

    assert refused(world, acr=["gold"]) == (401, f'{challenge}, acr_values="gold"')
    world.at(11)
    assert refused(world, max_age_s=10) == (401, f'{challenge}, max_age="10"')
    assert world.status(max_age_s=11) == 200


def test_no_read_yet_and_the_service_away_is_503_with_retry_after(world: World) -> None:
    world.answers[FEED] = away

    verdict = world.verdict()

    assert isinstance(verdict, Refusal)
    assert (verdict.status, verdict.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize("revoked", [SID, JTI])
def test_a_read_of_3_s_is_renewed_before_the_answer_and_one_of_2_s_beside_it(
    world: World, revoked: str
) -> None:
    assert world.status() == 200
    world.revoked = [revoked]

    world.at(1.9)
    assert (world.status(), len(world.aside)) == (200, 0)
    world.at(2)
    assert (world.status(), len(world.aside), world.count(FEED)) == (200, 1, 1)
    world.at(3)
    assert (world.status(), world.count(FEED)) == (401, 2)


def test_a_read_beside_the_requests_counts(world: World) -> None:
    world.status()
    world.revoked = [SID]
    world.at(2)
    world.status()

    world.run_aside()

    assert (world.status(), world.count(FEED)) == (401, 2)


def test_the_service_may_be_away_for_60_s_then_503_never_401(world: World) -> None:
    assert world.status() == 200
    world.answers[FEED] = away

    for second in (5, 30, 59):
        world.at(second)
        assert world.status() == 200
    world.at(60)
    assert world.status() == 503
    world.answers[FEED] = world.document
    world.at(62)
    assert world.status() == 200


def test_while_the_service_is_away_it_is_asked_once_a_second(world: World) -> None:
    world.answers[FEED] = away

    assert {world.status() for _ in range(10)} == {503}
    assert world.count(FEED) == 1


def test_an_id_is_remembered_for_memory_s_and_at_most_a_span_longer(world: World) -> None:
    world.stated, world.revoked = {"memory_s": 100}, [SID]
    assert world.status() == 401
    world.revoked = []

    world.at(99)
    assert world.status() == 401
    world.at(300)
    assert world.status() == 200


CUTOFF = {"client_id": "portal-web", "before": START, "decided_at": START - 5}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 401),
        ({"decided_at": START - 6}, 200),
        ({"before": SID_S - 1}, 200),
        ({"before": SID_S}, 401),
        ({"client_id": "other"}, 200),
        ({"client_id": ""}, 401),
    ],
    ids=repr,
)
def test_a_cut_off_refuses_what_began_before_it(world: World, change: dict[str, Any], status: int) -> None:
    world.stated = {"cutoffs": [{**CUTOFF, **change}]}

    assert world.status() == status


def test_by_iam_it_asks_at_the_route_for_that() -> None:
    world = World(revocations="iam")
    world.answers["/admin/revocations"] = world.document

    assert (world.status(), world.count("/admin/revocations"), world.count(FEED)) == (200, 1, 0)


def test_a_document_in_parts_is_read_to_its_end(world: World) -> None:
    def part(headers: Any, after: str) -> Answer:
        world.revoked = [SID] if after == "1" else []
        return world.document(headers, after, next="2" if after else "1", complete=bool(after))

    world.answers[FEED] = part

    assert (world.status(), world.count(FEED)) == (401, 2)


def test_with_another_history_what_is_known_is_kept_and_all_is_read_again(world: World) -> None:
    world.revoked = [SID]
    assert world.status() == 401
    world.revoked = []
    world.answers[FEED] = lambda headers, after: (410, {}, b"") if after else world.document(headers, after)

    world.at(10)

    assert (world.status(), world.count(FEED)) == (401, 3)


def test_more_revocations_than_fit_have_the_service_asked_about_each_token(world: World) -> None:
    world.stated = {"overflow": True}

    assert (world.status(), world.count(SESSION)) == (200, 1)


def test_without_the_feed_signature_and_claims_alone_count() -> None:
    world = World(revocations="none")
    world.revoked = [SID]

    assert (world.status(), world.count(FEED)) == (200, 0)


def test_what_a_cache_says_of_a_document_s_age_counts(world: World) -> None:
    world.answers[FEED] = lambda headers, after: as_json(world.told(after), Age="59")
    assert world.status() == 200
    world.answers[FEED] = away

    world.at(1)
    assert world.status() == 503


def test_a_document_that_a_cache_withholds_grows_old_by_its_own_time(world: World) -> None:
    world.stated = {"as_of": START}

    world.at(119)
    assert world.status() == 200
    world.at(123)
    assert world.status() == 503


NO_ANSWERS: dict[str, Callable[..., Answer]] = {
    "HTML of a proxy": lambda *_: (200, {"Content-Type": "text/html"}, b"<html>"),
    "HTML that says it is JSON": lambda *_: (200, {"Content-Type": "application/json"}, b"<html>"),
    "half an answer": lambda *_: (200, {"Content-Type": "application/json"}, b'{"keys": [{"kty"'),
    "a redirect": lambda *_: (302, {"Location": "https://elsewhere.test"}, b""),
    "another content type": lambda *_: (200, {"Content-Type": "text/plain"}, b"{}"),
    "an empty object": lambda *_: as_json({}),
    "a list": lambda *_: as_json([]),
    "401": lambda *_: (401, {"Content-Type": "application/json"}, b'{"error": "invalid_token"}'),
    "404": lambda *_: (404, {}, b""),
    "500": lambda *_: (500, {}, b"oops"),
    "204": lambda *_: (204, {}, b""),
    "no connection": away,
}
no_answers = pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS)


@no_answers
def test_something_else_for_the_keys_is_503_and_good_until_max_age_where_there_were_keys(
    world: World, answer: Callable[..., Answer]
) -> None:
    world.answers[JWKS] = answer
    assert world.status() == 503
    world.answers[JWKS] = world.keys
    world.at(1)
    assert world.status() == 200

    world.answers[JWKS] = answer
    world.at(300)
    assert world.status() == 200
    world.at(301)
    assert world.status() == 503


@no_answers
def test_something_else_for_the_revocations_is_503_and_good_for_60_s_where_there_was_a_read(
    world: World, answer: Callable[..., Answer]
) -> None:
    world.answers[FEED] = answer
    assert world.status() == 503
    world.answers[FEED] = world.document
    world.at(1)
    assert world.status() == 200

    world.answers[FEED] = answer
    world.at(60)
    assert world.status() == 200
    world.at(61)
    assert world.status() == 503


@no_answers
def test_something_else_for_the_token_s_own_session_is_503(
    world: World, answer: Callable[..., Answer]
) -> None:
    world.answers[SESSION] = answer

    assert world.status(strict=True) == 503


@pytest.mark.parametrize(
    "stated",
    [
        {"after": "7"},
        {"issuer": "https://other.test"},
        {"typ": "at+jwt"},
        {"ids_sha256": ""},
        {"as_of": None},
    ],
    ids=lambda stated: next(iter(stated)),
)
def test_a_statement_that_is_not_the_one_asked_for_is_no_answer(world: World, stated: dict[str, Any]) -> None:
    world.revoked = [OTHER]
    world.answers[FEED] = lambda headers, after: as_json({**world.told(after, **stated)})

    assert world.status() == 503


@pytest.mark.parametrize(
    "spoil", [{"ids": ""}, {"ids": 1}, {"statement": None}, {"statement": "x"}], ids=repr
)
def test_a_document_with_something_changed_is_no_answer(world: World, spoil: dict[str, Any]) -> None:
    world.revoked = [OTHER]
    world.answers[FEED] = lambda headers, after: as_json({**world.told(after), **spoil})

    assert world.status() == 503


def test_keys_are_renewed_beside_the_requests_from_three_quarters_of_their_life_on(world: World) -> None:
    world.status()
    world.at(224)
    world.status()
    world.run_aside()
    assert world.count(JWKS) == 1

    world.at(225)
    world.status()
    world.run_aside()
    assert world.count(JWKS) == 2


def test_an_unknown_kid_earns_one_look_in_30_s(world: World) -> None:
    def strangers() -> set[int]:
        return {world.status(forged(good_header(kid=str(number)))) for number in range(100)}

    assert world.status() == 200
    world.at(29)
    assert (strangers(), world.count(JWKS)) == ({401}, 1)
    world.at(30)
    assert (strangers(), world.count(JWKS)) == ({401}, 2)


def test_a_new_key_that_cannot_be_looked_for_is_503_and_no_forgery(world: World) -> None:
    world.status()
    world.algorithms.append("EdDSA")
    world.answers[JWKS] = away
    world.at(40)
    assert world.status(world.token("EdDSA")) == 503

    world.answers[JWKS] = world.keys
    world.at(42)
    assert world.status(world.token("EdDSA")) == 200


def test_strict_asks_the_service_with_the_caller_s_token(world: World) -> None:
    shown: list[str] = []
    world.answers[SESSION] = lambda headers, after: (
        shown.append(headers["Authorization"]) or world.session(headers, after)
    )
    token = world.token()

    assert (world.status(token, strict=True), shown) == (200, [f"Bearer {token}"])


def test_the_service_s_own_refusal_is_401_and_somebody_else_s_is_not(world: World) -> None:
    challenge = {"WWW-Authenticate": f'{REALM}, error="invalid_token"'}
    world.answers[SESSION] = lambda *_: (401, challenge, b"")
    assert world.status(strict=True) == 401

    world.answers[SESSION] = lambda *_: as_json({"session_id": OTHER})
    assert world.status(strict=True) == 503


def test_verify_raises(world: World) -> None:
    with pytest.raises(InvalidAccessToken, match="form"):
        world.verifier.verify("x")


@pytest.mark.parametrize("issuer", ["https://tokens.test/", "file:///etc/passwd", ""])
def test_an_issuer_that_is_none_is_refused_when_the_verifier_is_made(issuer: str) -> None:
    with pytest.raises(ValueError, match="issuer"):
        Verifier(issuer, "portal")


def asgi(
    world: World, kind: str, line: dict[str, Any] | None = None, **headers: str
) -> tuple[list[Any], list[Any]]:
    """What an ASGI application behind the middleware saw, and what was sent. line: members of the scope."""
    seen: list[Any] = []
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope.get("auth"))

    async def send(message: Any) -> None:
        sent.append(message)

    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    guarded = AsgiRequireToken(app, world.verifier, scope="portal:read")
    asyncio.run(guarded({"type": kind, "headers": fields, **(line or {})}, send, send))
    return seen, sent


def test_the_asgi_middleware_hands_on_the_claims_or_answers(world: World) -> None:
    [claims], sent = asgi(world, "http", authorization=f"Bearer {world.token()}")
    assert (claims.sid, sent) == (SID, [])

    seen, [start, body] = asgi(world, "http", authorization="Bearer x")
    assert (seen, start["status"], json.loads(body["body"])["error"]) == ([], 401, "invalid_token")
    assert (b"content-type", b"application/json") in start["headers"]


def test_the_asgi_middleware_opens_no_websocket_without_a_token_and_minds_nothing_else(world: World) -> None:
    assert asgi(world, "websocket") == ([], [{"type": "websocket.close", "code": 1008}])
    assert asgi(world, "lifespan") == ([None], [])


def test_the_wsgi_middleware_hands_on_the_claims_or_answers(world: World) -> None:
    answered: list[Any] = []
    app = WsgiRequireToken(lambda environ, _: [environ["auth"].sid.encode()], world.verifier)

    good = app({"HTTP_AUTHORIZATION": f"Bearer {world.token()}"}, lambda *args: answered.append(args))
    assert (list(good), answered) == ([SID.encode()], [])

    [body] = app({}, lambda *args: answered.append(args))
    [(status, headers)] = answered
    assert (status, dict(headers)["WWW-Authenticate"], body) == ("401 Unauthorized", REALM, b"")


@pytest.fixture
def public() -> World:
    """A verifier that is told by which URL clients know its API."""
    return World(public_urls=[f"{API}/"])


def line(target: str, method: str = "GET") -> dict[str, str]:
    return {"method": method, "target": target}


def test_a_key_bound_token_gives_its_claims_with_the_key_and_the_proof_s_id(public: World) -> None:
    verdicts = [public.verifier.check(public.bound(jti=jti), **line("/jobs?of=me")) for jti in ("1", "2")]

    first, second = verdicts
    assert not isinstance(first, Refusal)
    assert not isinstance(second, Refusal)
    assert first.jkt == second.jkt == prover().jkt
    assert len(first.proof_id or "") == 22
    assert first.proof_id != second.proof_id
    assert not isinstance(bearer := public.verdict(), Refusal)
    assert (bearer.jkt, bearer.proof_id) == (None, None)


def test_without_public_urls_no_key_bound_token_is_taken_whatever_host_says(world: World) -> None:
    fields = {
        **world.bound(),
        "host": "api.test",
        "x-forwarded-host": "api.test",
        "x-forwarded-proto": "https",
    }

    verdict = world.verifier.check(fields, **line("/jobs"))

    assert isinstance(verdict, Refusal)
    assert (verdict.status, verdict.detail) == (401, f"htu: {API}, not known here")


@pytest.mark.parametrize(
    ("bases", "named", "target", "status"),
    [
        (["https://a.test/v1", API], f"{API}/jobs", "/jobs", 200),
        (["https://a.test/v1", API], "https://a.test/v1/jobs", "/jobs", 200),
        (["https://a.test/v1"], "https://a.test/jobs", "/jobs", 401),
        ([API], f"{API}/j%6Fbs", "/jobs", 200),
        ([API], f"{API}/jobs", "/j%6fbs", 200),
        ([API], f"{API}/a%2Fb", "/a/b", 200),
        ([API], f"{API}/jobs", "/jobs/", 401),
        ([API], f"{API}/jobs", "/a/../jobs", 401),
        ([API], f"{API}/jobs", "/jobs%", 401),
        ([API], f"{API}/jobs", "jobs", 401),
        ([API], f"{API}/jobs", "*", 401),
        (["https://a.test/v1"], "https://a.test/v1jobs", "jobs", 401),
        ([API], f"{API}/jobs", "", 401),
        ([API], f"{API}/%C3%BC", "/\u00fc", 200),
        ([API], f"{API}/%25", "/%2525", 401),
        ([API], f"{API}.evil.test/jobs", ".evil.test/jobs", 401),
        ([API], "wss://api.test/jobs", "/jobs", 200),
    ],
)
def test_a_proof_names_a_public_url_and_the_request_s_path(
    bases: list[str], named: str, target: str, status: int
) -> None:
    world = World(public_urls=bases)

    verdict = world.verifier.check(world.bound(url=named), **line(target))

    assert (verdict.status if isinstance(verdict, Refusal) else 200) == status


@pytest.mark.parametrize(
    "url",
    ["api.test", "/jobs", "https://api.test?a", "https://api.test#a", "ftp://api.test", "https://u@api.test"],
)
def test_a_public_url_that_is_none_is_refused_when_the_verifier_is_made(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|host|query"):
        World(public_urls=[url])


@pytest.mark.parametrize(
    ("bases", "challenge"),
    [([], REALM), ([API], f'{REALM}, DPoP realm="auth-user-tokens", algs="ES256 EdDSA Ed25519"')],
)
def test_without_a_credential_the_schemes_that_are_taken_are_offered(
    bases: list[str], challenge: str
) -> None:
    verdict = World(public_urls=bases).verifier.check({})

    assert isinstance(verdict, Refusal)
    assert verdict.headers["WWW-Authenticate"] == challenge


def test_what_a_key_bound_token_lacks_is_said_by_its_own_scheme(public: World) -> None:
    verdict = public.verifier.check(public.bound(), "admin", **line("/jobs"))

    assert isinstance(verdict, Refusal)
    assert verdict.headers["WWW-Authenticate"] == (
        'DPoP realm="auth-user-tokens", error="insufficient_scope", scope="admin", algs="ES256 EdDSA Ed25519"'
    )


def test_a_revoked_key_bound_token_is_refused_and_a_repeat_is_counted(public: World) -> None:
    fields = public.bound()
    verdicts = [public.verifier.check(fields, **line("/jobs")) for _ in range(2)]
    assert [isinstance(verdict, Refusal) for verdict in verdicts] == [False, True]
    assert public.counts == ["DpopReplay"]

    public.revoked = [SID]
    public.at(3)
    verdict = public.verifier.check(public.bound(), **line("/jobs"))
    assert isinstance(verdict, Refusal)
    assert (verdict.status, verdict.detail) == (401, "revoked")


def test_verify_takes_no_key_bound_token(public: World) -> None:
    with pytest.raises(InvalidAccessToken, match="bound to a key"):
        public.verifier.verify(public.token(cnf={"jkt": prover().jkt}))


@pytest.mark.parametrize(
    ("introspect", "status"),
    [
        (None, 503),
        (lambda token: {"active": True}, 200),
        (lambda token: {"active": False}, 401),
        (lambda token: {}, 503),
        (lambda token: 1 / 0, 503),
    ],
    ids=["none", "active", "inactive", "no answer", "a fault"],
)
@pytest.mark.parametrize("overflow", [False, True])
def test_strict_asks_about_a_key_bound_token_by_introspection(
    introspect: Any, status: int, overflow: bool
) -> None:
    world = World(public_urls=[API], introspect=introspect)
    world.stated = {"overflow": overflow}

    verdict = world.verifier.check(world.bound(), **line("/jobs"), strict=not overflow)

    assert (verdict.status if isinstance(verdict, Refusal) else 200, world.count(SESSION)) == (status, 0)


@pytest.mark.parametrize(
    ("scope", "url"),
    [
        ({"method": "GET", "path": "/a b/ü", "raw_path": b"/a%20b/%c3%bc"}, f"{API}/a%20b/%C3%BC"),
        ({"method": "GET", "path": "/a b/ü", "raw_path": None}, f"{API}/a%20b/%C3%BC"),
        ({"method": "GET", "path": "/50%"}, f"{API}/50%25"),
        ({"method": "GET", "path": "/a?b", "raw_path": b"/a%3Fb"}, f"{API}/a%3Fb"),
        ({"method": "GET", "path": "/a?b"}, f"{API}/a%3Fb"),
    ],
    ids=repr,
)
def test_the_asgi_middleware_takes_the_path_as_it_was_sent(
    public: World, scope: dict[str, Any], url: str
) -> None:
    [claims], sent = asgi(public, "http", scope, **public.bound(url=url))

    assert (claims.jkt, sent) == (prover().jkt, [])
    assert asgi(public, "http", {**scope, "method": "POST"}, **public.bound(url=url))[0] == []


def test_the_asgi_middleware_opens_a_websocket_by_a_proof(public: World) -> None:
    [claims], _ = asgi(public, "websocket", {"path": "/jobs"}, **public.bound(url="wss://api.test/jobs"))

    assert claims.proof_id


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"PATH_INFO": "/jobs"}, f"{API}/jobs"),
        ({"SCRIPT_NAME": "/v1", "PATH_INFO": "/jobs"}, f"{API}/v1/jobs"),
        ({"PATH_INFO": "/ü".encode().decode("latin-1")}, f"{API}/%C3%BC"),
        ({"PATH_INFO": "/50%?"}, f"{API}/50%25%3F"),
    ],
    ids=repr,
)
def test_the_wsgi_middleware_checks_proofs(public: World, environ: dict[str, str], url: str) -> None:
    app = WsgiRequireToken(lambda given, _: [given["auth"].jkt.encode()], public.verifier)

    def asked(method: str) -> list[bytes]:
        fields = {f"HTTP_{name.upper()}": value for name, value in public.bound(url=url).items()}
        return list(app({"REQUEST_METHOD": method, **environ, **fields}, lambda *_: None))

    assert asked("GET") == [prover().jkt.encode()]
    assert json.loads(asked("POST")[0])["error"] == "invalid_dpop_proof"
