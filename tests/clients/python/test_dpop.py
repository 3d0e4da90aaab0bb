"""Sessions that are bound to a key: what the client proves, and what it makes of answers about its proofs."""

import asyncio
import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from auth_user_tokens import (
    AuthError,
    FileStore,
    MemoryStore,
    Requirement,
    Session,
    SignedOut,
    StepUp,
    StoreError,
)
from auth_user_tokens.proofs import base64url
from auth_user_tokens.wire import Reply
from tests.clients.python.lab import API, ISSUER, NONE, OVER, Lab, answer, reply

START = 1_800_000_000
DATE = "Fri, 15 Jan 2027 09:00:00 GMT"  # an hour after START
BOUND = answer(0, token_type="DPoP")


def bound(lab: Lab, **options: Any) -> Session:
    made = lab.session(**{"dpop": MemoryStore(), **options})
    lab.answers.append(reply(200, BOUND))
    made.sign_in("alice", "secret")
    lab.events.clear()
    return made


def claims(proof: str) -> dict[str, Any]:
    """Of a proof whose signature is good."""
    header = jwt.get_unverified_header(proof)
    assert (header["typ"], header["alg"]) == ("dpop+jwt", "ES256")
    assert header["jwk"].keys() == {"kty", "crv", "x", "y"}
    key = jwt.PyJWK(header["jwk"]).key
    found: dict[str, Any] = jwt.decode(proof, key, ["ES256"], options={"verify_iat": False})
    return found


def proof(lab: Lab, number: int) -> dict[str, Any]:
    return claims(lab.sent[number].request.headers["DPoP"])


def ath(token: str) -> str:
    return base64url(hashlib.sha256(token.encode()).digest())


def nonce(value: str, **headers: str) -> Reply:
    return reply(400, {"error": "use_dpop_nonce"}, dpop_nonce=value, **headers)


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_sign_in_refresh_step_up_and_sign_out_are_proven_by_one_key(lab: Lab) -> None:
    session = bound(lab)
    lab.clock.passes(600)
    lab.answers = [reply(200, answer(n, token_type="DPoP")) for n in (1, 2)]
    session.access_token()
    session.step_up("secret")
    lab.answers = [reply(204)]
    session.sign_out("all")

    shown = [proof(lab, n) for n in range(4)]
    assert [(each["htm"], each["htu"]) for each in shown] == [
        ("POST", f"{ISSUER}/auth/{name}") for name in ("login", "token", "step-up", "logout")
    ]
    assert [each.get("ath") for each in shown] == [None, None, None, ath("access-2")]
    assert [each["iat"] for each in shown] == [START, *[START + 600] * 3]
    assert len({each["jti"] for each in shown}) == 4
    assert lab.sent[3].request.headers["Authorization"] == "DPoP access-2"


def test_the_thumbprint_is_that_of_the_key(lab: Lab) -> None:
    session = bound(lab)
    jwk = jwt.get_unverified_header(lab.sent[0].request.headers["DPoP"])["jwk"]
    text = json.dumps({name: jwk[name] for name in sorted(jwk)}, separators=(",", ":"))

    assert session.key_thumbprint() == base64url(hashlib.sha256(text.encode()).digest())
    with pytest.raises(ValueError, match="no key"):
        lab.session().key_thumbprint()


def test_a_refresh_that_wants_a_nonce_is_sent_again_with_it_and_the_same_key(lab: Lab) -> None:
    session = bound(lab)
    lab.clock.passes(600)
    lab.answers = [nonce("one"), NONE, reply(200, answer(1, token_type="DPoP"), dpop_nonce="two")]
    session.access_token()
    lab.clock.passes(600)
    lab.answers = [reply(200, answer(2, token_type="DPoP"))]
    session.access_token()

    assert [proof(lab, n).get("nonce") for n in (1, 2, 3, 4)] == [None, "one", "one", "two"]
    assert lab.key(1) == lab.key(2) == lab.key(3)
    assert lab.form(1) == lab.form(2) == lab.form(3)


def test_a_nonce_that_is_never_good_is_an_error_and_the_session_stays(lab: Lab) -> None:
    session = bound(lab)
    lab.clock.passes(600)
    lab.answers = [nonce(str(n)) for n in range(9)]
    with pytest.raises(AuthError, match="use_dpop_nonce"):
        session.access_token()

    assert len(lab.sent) == 4
    assert session.info() is not None


def test_a_wrong_clock_is_seen_by_the_answers_date(lab: Lab) -> None:
    lab.answers = [reply(400, {"error": "invalid_dpop_proof"}, date=DATE), nonce("one", date=DATE)]
    bound(lab)

    shown = [proof(lab, n) for n in range(3)]
    assert [each["iat"] - START for each in shown] == [0, 3600, 3600]
    assert [each.get("nonce") for each in shown] == [None, None, "one"]


def test_an_answer_of_a_cache_tells_no_time(lab: Lab) -> None:
    session = bound(lab)
    lab.clock.passes(600)
    old = reply(200, answer(1, token_type="DPoP"), date=DATE, age="100")
    lab.answers = [old, reply(200, answer(2, token_type="DPoP"))]
    session.access_token()
    session.step_up("secret")

    assert proof(lab, 2)["iat"] == START + 600


def test_a_session_that_was_bound_to_no_key_goes_on_and_a_new_one_has_to_be_bound(lab: Lab) -> None:
    lab.signed_in()
    session = lab.session(dpop=MemoryStore())
    lab.clock.passes(600)

    assert session.access_token() == "access-1"
    lab.answers = [reply(200, answer(2))]
    with pytest.raises(AuthError, match="not_bound"):
        session.sign_in("alice", "secret")


def test_a_session_that_is_bound_is_none_for_a_client_without_a_key(lab: Lab) -> None:
    with pytest.raises(AuthError, match="not_bound"):
        lab.session().adopt(BOUND)


def test_a_key_is_made_once_for_all_processes_and_is_its_owners_alone(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "key"
    one, other = (lab.session(dpop=FileStore(path)) for _ in range(2))

    assert one.key_thumbprint() == other.key_thumbprint()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "PRIVATE" not in repr(one) + repr(one._signing)


@pytest.mark.parametrize("text", ["", "-----BEGIN", "x"])
def test_a_key_that_cannot_be_read_is_an_error_and_is_left_alone(lab: Lab, text: str) -> None:
    keys = MemoryStore()
    session = bound(lab, dpop=keys)
    keys.swap(keys.get(), text)
    other = lab.session(dpop=keys)
    lab.clock.passes(600)
    with pytest.raises(StoreError):
        other.access_token()

    assert keys.get() == text
    assert session.info() is not None


def test_a_key_that_is_lost_ends_the_session_by_the_services_word(lab: Lab) -> None:
    bound(lab)
    session = lab.session(dpop=MemoryStore())
    lab.clock.passes(600)
    lab.answers = [OVER]

    with pytest.raises(SignedOut):
        session.access_token()


# Calls


class Api:
    """answers: of the API, one a request; of_service: to a refresh, which goes through the call's own client. seen: the
    headers of the requests to the API."""

    def __init__(self, *answers: httpx2.Response, of_service: Reply | None = None) -> None:
        self.answers, self.seen = list(answers), list[dict[str, str]]()
        self.of_service = of_service

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if str(request.url).startswith(ISSUER) and self.of_service:
            told = self.of_service
            return httpx2.Response(told.status, headers=dict(told.headers), content=told.body)
        self.seen.append(dict(request.headers))
        return self.answers.pop(0) if self.answers else httpx2.Response(200)

    def client(self, session: Session) -> httpx2.Client:
        return httpx2.Client(transport=httpx2.MockTransport(self), auth=session.httpx_auth())


def test_a_call_is_signed_for_its_method_its_address_and_its_token(lab: Lab) -> None:
    session, api = bound(lab), Api()
    with api.client(session) as client:
        client.patch(f"{API}/jobs?of=me", json={})

    shown = claims(api.seen[0]["dpop"])
    assert (shown["htm"], shown["htu"], shown["ath"]) == ("PATCH", f"{API}/jobs", ath("access-0"))
    assert api.seen[0]["authorization"] == "DPoP access-0"


def test_a_call_that_wants_a_nonce_is_signed_again_a_stream_is_not(lab: Lab) -> None:
    wants = {"www-authenticate": 'DPoP error="use_dpop_nonce"', "dpop-nonce": "a1"}
    session, api = bound(lab), Api(httpx2.Response(401, headers=wants))
    lab.clock.passes(100)
    with api.client(session) as client:
        assert client.post(f"{API}/jobs", content=iter([b"{}"])).status_code == 401
        assert client.post(f"{API}/jobs", content=b"{}").status_code == 200
        api.answers = [httpx2.Response(401, headers={**wants, "dpop-nonce": "a2"})]
        assert client.post(f"{API}/jobs", content=b"{}").status_code == 200

    assert [claims(each["dpop"]).get("nonce") for each in api.seen] == [None, "a1", "a1", "a2"]
    assert len(lab.sent) == 1, "no refresh helps"


def test_a_refused_token_is_refreshed_and_the_call_signed_anew(lab: Lab) -> None:
    newer = reply(200, answer(1, token_type="DPoP"))
    session, api = bound(lab), Api(httpx2.Response(401), of_service=newer)
    lab.clock.passes(100)
    with api.client(session) as client:
        assert client.get(f"{API}/jobs").status_code == 200

    one, other = (claims(each["dpop"]) for each in api.seen)
    assert (one["jti"] != other["jti"], other["ath"]) == (True, ath("access-1"))


CHALLENGE = 'DPoP error="insufficient_user_authentication", acr_values="urn:a", max_age="900"'


def test_a_challenge_asks_the_user_and_the_call_is_made_again(lab: Lab) -> None:
    asked: list[StepUp] = []
    api = Api(httpx2.Response(401, headers={"www-authenticate": CHALLENGE}))

    def ask(step_up: StepUp) -> bool:
        asked.append(step_up)
        lab.answers = [reply(200, answer(1, token_type="DPoP"))]
        session.step_up("secret")
        return True

    session = bound(lab, on_step_up=ask)
    with api.client(session) as client:
        assert client.get(f"{API}/jobs").status_code == 200

    assert [(each.challenge["acr_values"], each.challenge["max_age"]) for each in asked] == [("urn:a", "900")]
    assert claims(api.seen[1]["dpop"])["ath"] == ath("access-1")


def test_in_an_event_loop_a_coroutine_asks_the_user(lab: Lab) -> None:
    api = Api(httpx2.Response(401, headers={"www-authenticate": CHALLENGE}))

    async def ask(step_up: StepUp) -> bool:
        lab.answers = [reply(200, answer(1, token_type="DPoP"))]
        await session.astep_up("secret")
        return True

    session = bound(lab, on_step_up=ask)

    async def called() -> int:
        transport = httpx2.MockTransport(api)
        async with httpx2.AsyncClient(transport=transport, auth=session.httpx_auth()) as client:
            return (await client.get(f"{API}/jobs")).status_code

    assert asyncio.run(called()) == 200


@pytest.mark.parametrize(
    ("has", "is_asked"),
    [
        ({"acr": "urn:a", "auth_time": START - 901}, True),
        ({"acr": "urn:b", "auth_time": START}, True),
        ({"acr": "urn:a", "auth_time": START - 900}, False),
    ],
)
def test_a_gateways_bare_403_is_compared_with_the_session(
    lab: Lab, has: dict[str, Any], is_asked: bool
) -> None:
    asked: list[StepUp] = []
    requires = {f"{API}/admin": Requirement("urn:a", 900)}
    session = bound(lab, requires=requires, on_step_up=lambda step_up: not asked.append(step_up))
    api = Api(httpx2.Response(403, json={"message": "Forbidden"}))
    lab.answers = [reply(200, has)]
    with api.client(session) as client:
        status = client.get(f"{API}/admin/users").status_code

    assert (status, len(asked)) == ((200, 1) if is_asked else (403, 0))
    assert proof(lab, 1)["htu"] == f"{ISSUER}/auth/session"


def test_a_403_of_an_api_that_asks_for_nothing_is_its_answer(lab: Lab) -> None:
    session, api = bound(lab, requires={f"{API}/admin": Requirement("urn:a")}), Api(httpx2.Response(403))
    with api.client(session) as client:
        assert client.get(f"{API}/jobs").status_code == 403

    assert len(lab.sent) == 1
