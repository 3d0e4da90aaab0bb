"""Each kind of credential in each other's place: refused like an unknown one, without a look at the store."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from auth_tokens.adapters.memory_limits import MemoryLimiter
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import InvalidAccessToken, InvalidGrant, TokenServiceError
from auth_tokens.domain.tokens import OpaqueToken, TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.introspect import introspect
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.validate import validate
from auth_tokens.web.authorizer import Unauthorized
from tests.security.kit import ARN, AUDIENCE, ISSUER, POLICY, Kit, forged, raw_of
from tests.support.fakes import ROW_ID, session_record

Place = Callable[[str, Kit], object]


def token_of(kind: TokenKind, kit: Kit) -> str:
    """A genuine token of a kind whose row is live in the kit's store."""
    if kind is TokenKind.ACCESS:
        return forged()
    token = OpaqueToken(kind, 1, ROW_ID, 0, bytes(range(32)))
    row = session_record(kind=kind, token_hash=kit.codec.store_hash(token))
    kit.store.records[ROW_ID] = row
    return kit.codec.encode(token)


def issuing(kit: Kit) -> IssueDeps:
    """Enough for a token endpoint that refuses."""
    unused: Any = None
    return IssueDeps(
        store=kit.store,  # type: ignore[arg-type]
        portal=unused,
        keys=unused,
        codec=kit.codec,
        cipher=unused,
        signer=unused,
        passwords=unused,
        limiter=unused,
        presentations=MemoryLimiter(kit.clock.milliseconds),
        events=unused,
        clock=kit.clock,
        clock_ms=kit.clock.milliseconds,
        new_id=lambda: ROW_ID,
        entropy=bytes,
        pause=unused,
        policy=POLICY,
        issuer=ISSUER,
        audience=AUDIENCE,
        telemetry=unused,
    )


def as_bearer(text: str, kit: Kit) -> object:
    return validate(Credential(Transport.BEARER, text), kit.sessions.validation)


def as_cookie(text: str, kit: Kit) -> object:
    return validate(Credential(Transport.COOKIE, text), kit.sessions.validation)


def as_refresh_token(text: str, kit: Kit) -> object:
    return refresh(RefreshRequest(text), Caller(), issuing(kit))


def as_device_token(text: str, kit: Kit) -> object:
    return exchange_device_token(ExchangeRequest(text), Caller(), issuing(kit))


PLACES: dict[TokenKind, tuple[Place, type[TokenServiceError]]] = {
    TokenKind.ACCESS: (as_bearer, InvalidAccessToken),
    TokenKind.SESSION: (as_cookie, InvalidAccessToken),
    TokenKind.REFRESH: (as_refresh_token, InvalidGrant),
    TokenKind.DEVICE: (as_device_token, InvalidGrant),
}
PAIRS = [(kind, place) for kind in TokenKind for place in TokenKind]


@pytest.mark.parametrize(
    ("kind", "place"), PAIRS, ids=[f"{kind.value} as {place.value}" for kind, place in PAIRS]
)
def test_sixteen_pairs_of_kind_and_place(kit: Kit, kind: TokenKind, place: TokenKind) -> None:
    text = token_of(kind, kit)
    present, refusal = PLACES[place]

    if kind is place:
        _assert_known(present, text, kit)
        return
    with pytest.raises(refusal) as genuine:
        present(text, kit)
    assert kit.store.reads == 0
    with pytest.raises(refusal) as unknown:
        present(text[:30] + "A" * 70, kit)
    assert (genuine.value.code, genuine.value.description) == (unknown.value.code, unknown.value.description)


def _assert_known(present: Place, text: str, kit: Kit) -> None:
    """It gets as far as the store: accepted, or (the token endpoint) on to the parts left out here."""
    with contextlib.suppress(AttributeError):
        present(text, kit)
    assert kit.store.reads == 1


OPAQUE = [TokenKind.REFRESH, TokenKind.DEVICE, TokenKind.SESSION]


@pytest.mark.parametrize("kind", OPAQUE)
def test_the_authorizer_takes_no_opaque_token_in_the_header(kit: Kit, kind: TokenKind) -> None:
    header = f"Bearer {token_of(kind, kit)}"

    with pytest.raises(Unauthorized):
        kit.authorized({"type": "TOKEN", "authorizationToken": header, "methodArn": ARN})
    event = {"version": "2.0", "headers": {"authorization": header}, "routeArn": ARN}
    assert kit.authorized(event) == {"isAuthorized": False}
    assert kit.store.reads == 0


@pytest.mark.parametrize("kind", [TokenKind.ACCESS, TokenKind.REFRESH, TokenKind.DEVICE])
def test_the_session_cookie_takes_only_a_session_token(kit: Kit, kind: TokenKind) -> None:
    event = {"version": "2.0", "cookies": [f"__Host-session={token_of(kind, kit)}"], "routeArn": ARN}

    assert kit.authorized(event) == {"isAuthorized": False}
    assert kit.store.reads == 0


def test_a_live_session_cookie_is_let_in(kit: Kit) -> None:
    cookie = f"__Host-session={token_of(TokenKind.SESSION, kit)}"

    answer = kit.authorized({"version": "2.0", "cookies": [cookie], "routeArn": ARN})

    assert answer["isAuthorized"] is True
    assert answer["context"]["token_type"] == "session"


@pytest.mark.parametrize("kind", OPAQUE)
@pytest.mark.parametrize("row_kind", OPAQUE)
def test_a_genuine_token_whose_row_is_of_another_kind(kit: Kit, kind: TokenKind, row_kind: TokenKind) -> None:
    text = token_of(kind, kit)
    kit.store.records[ROW_ID] = replace(kit.store.records[ROW_ID], kind=row_kind)

    assert introspect(text, kit.sessions)["active"] is (kind is row_kind)
    if kind is TokenKind.SESSION and row_kind is not kind:
        with pytest.raises(InvalidAccessToken):
            as_cookie(text, kit)
    if kind is TokenKind.REFRESH and row_kind is not kind:
        with pytest.raises(InvalidGrant):
            as_refresh_token(text, kit)
    if kind is TokenKind.DEVICE and row_kind is not kind:
        with pytest.raises(InvalidGrant):
            as_device_token(text, kit)


@pytest.mark.parametrize("kind", OPAQUE)
def test_introspection_never_names_an_opaque_token_an_access_token(kit: Kit, kind: TokenKind) -> None:
    answer = introspect(token_of(kind, kit), kit.sessions)

    assert answer["token_use"] == kind.value
    assert "token_type" not in answer


def test_a_refresh_token_wrapped_in_a_jwt_of_ours(kit: Kit) -> None:
    text = token_of(TokenKind.REFRESH, kit)
    wrapped = forged(payload=text.encode())

    for present, refusal in PLACES.values():
        with pytest.raises(refusal):
            present(wrapped, kit)


def test_the_bytes_of_an_opaque_token_are_no_jwt(kit: Kit) -> None:
    text = token_of(TokenKind.SESSION, kit)

    with pytest.raises(InvalidAccessToken):
        as_bearer(raw_of(text[7:]).hex(), kit)
