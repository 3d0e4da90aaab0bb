"""Signature Version 4: what AWS's own signer makes passes, everything else does not."""

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.http.messages import GatewayRequest
from local.http.sigv4 import LOCAL_KEY, LOCAL_ROLE_KEY, MissingSignature, SignatureError, SigningKey, verify

KEYS = (LOCAL_KEY, LOCAL_ROLE_KEY)
NOW = 1_795_521_600.0
HOST = "127.0.0.1:3000"


def signed(
    method: str = "POST",
    target: str = "/auth/issue",
    body: bytes = b'{"user_id": 1}',
    headers: dict[str, str] | None = None,
    signer: Any = SigV4Auth,
    secret: str = "local-secret",
    service: str = "execute-api",
    region: str = "eu-west-1",
    access_key: str = "local",
    token: str | None = None,
) -> GatewayRequest:
    """A request as botocore signs it at NOW."""
    request = AWSRequest(method, f"http://{HOST}{target}", data=body, headers=headers or {})
    instant = datetime.fromtimestamp(NOW, UTC)
    with patch("botocore.auth.get_current_datetime", return_value=instant.replace(tzinfo=None)):
        signer(Credentials(access_key, secret, token), service, region).add_auth(request)
    path, _, query = request.url.removeprefix(f"http://{HOST}").partition("?")
    return GatewayRequest(method, path, query, (("Host", HOST), *request.headers.items()), body)


def without(request: GatewayRequest, name: str) -> GatewayRequest:
    kept = tuple(pair for pair in request.headers if pair[0].lower() != name)
    return replace(request, headers=kept)


@pytest.mark.parametrize(
    "request_",
    [
        signed(),
        signed("GET", "/admin/users/a%20b/sessions?limit=5&cursor=x%3D%3D&a=", b""),
        signed("GET", "/admin/security/events?b=2&a=1&a=0", b""),
        signed("GET", "//odd/./path/../x/", b""),
        signed(headers={"Content-Type": "application/json", "X-Amz-Meta": "  two   words "}),
        signed(headers={"X-Amz-Content-SHA256": hashlib.sha256(b'{"user_id": 1}').hexdigest()}),
        signed(body="é".encode()),
    ],
    ids=["post", "encoded", "unsorted", "dots", "headers", "declared hash", "utf-8"],
)
def test_a_request_signed_by_botocore_is_verified(request_: GatewayRequest) -> None:
    verify(request_, KEYS, NOW)


def by_role(token: str | None = LOCAL_ROLE_KEY.session_token, **options: Any) -> GatewayRequest:
    """Signed with the temporary credentials of an assumed role."""
    key = LOCAL_ROLE_KEY
    return signed(access_key=key.access_key, secret=key.secret_key, token=token, **options)


@pytest.mark.parametrize(
    ("request_", "key"),
    [
        (signed(), LOCAL_KEY),
        (by_role(), LOCAL_ROLE_KEY),
        (by_role(method="GET", target="/admin/x?a=1", body=b"", signer=SigV4QueryAuth), LOCAL_ROLE_KEY),
    ],
    ids=["user", "role", "role in the query"],
)
def test_the_owner_of_the_key_is_the_caller(request_: GatewayRequest, key: SigningKey) -> None:
    assert verify(request_, KEYS, NOW) == key


@pytest.mark.parametrize(
    "request_",
    [
        by_role(token=None),
        by_role(token="another"),
        signed(token=LOCAL_ROLE_KEY.session_token),
        replace(by_role(), headers=(*by_role().headers, ("X-Amz-Security-Token", "more"))),
    ],
    ids=["missing", "another", "of a user's key", "two"],
)
def test_a_session_token_that_does_not_belong_to_the_key_is_refused(request_: GatewayRequest) -> None:
    with pytest.raises(SignatureError):
        verify(request_, KEYS, NOW)


def test_a_request_signed_in_its_query_is_verified() -> None:
    verify(signed("GET", "/admin/x?limit=5", b"", signer=SigV4QueryAuth), KEYS, NOW)


def test_a_query_signature_lasts_as_long_as_it_says() -> None:
    request = signed("GET", "/admin/x", b"", signer=SigV4QueryAuth)  # expires after 3600 s

    verify(request, KEYS, NOW + 3600)
    with pytest.raises(SignatureError):
        verify(request, KEYS, NOW + 3601)


def test_a_query_signature_that_was_stretched_is_refused() -> None:
    request = signed("GET", "/admin/x", b"", signer=SigV4QueryAuth)
    stretched = replace(request, query=request.query.replace("Expires=3600", "Expires=7200"))

    with pytest.raises(SignatureError):
        verify(stretched, KEYS, NOW)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_signature_is_good_for_five_minutes_around_its_time(seconds: int) -> None:
    verify(signed(), KEYS, NOW + seconds)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_outside_its_five_minutes_is_refused(seconds: int) -> None:
    with pytest.raises(SignatureError):
        verify(signed(), KEYS, NOW + seconds)


@pytest.mark.parametrize(
    "request_",
    [
        signed(secret="another-secret"),
        signed(access_key="somebody"),
        signed(service="lambda"),
        signed(region="us-east-1"),
        replace(signed(), body=b'{"user_id": 2}'),
        replace(signed(), method="PUT"),
        replace(signed(), path="/auth/issues"),
        replace(signed(), query="admin=1"),
        replace(signed(), headers=(("Host", "evil.example"), *signed().headers[1:])),
        replace(signed(), headers=(*signed().headers, ("X-Amz-Security-Token", "added"))),
        replace(signed(), headers=(*signed().headers, ("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD"))),
        replace(signed(), headers=(*signed().headers, ("Authorization", "Bearer x"))),
        replace(signed(), headers=(("Host", HOST), *signed().headers)),
        signed(headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}),
        signed(headers={"X-Amz-Content-SHA256": hashlib.sha256(b"other").hexdigest()}),
        without(signed(), "x-amz-date"),
        without(signed(), "host"),
    ],
    ids=[
        "wrong secret",
        "unknown key",
        "other service",
        "other region",
        "changed body",
        "changed method",
        "changed path",
        "added query",
        "changed host",
        "added amz header",
        "unsigned payload marker",
        "second authorization",
        "second host",
        "unsigned payload",
        "hash of another body",
        "no date",
        "no host",
    ],
)
def test_a_request_that_is_not_the_signed_one_is_refused(request_: GatewayRequest) -> None:
    with pytest.raises(SignatureError):
        verify(request_, KEYS, NOW)


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer token",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=local",
        "AWS4-HMAC-SHA256 Credential=local/x, SignedHeaders=host, Signature=",
        "AWS4-HMAC-SHA512 Credential=a, SignedHeaders=host, Signature=" + "0" * 64,
        "",
    ],
)
def test_an_authorization_header_that_is_no_signature_is_refused(authorization: str) -> None:
    request = GatewayRequest("GET", "/", headers=(("Host", HOST), ("Authorization", authorization)))

    with pytest.raises(SignatureError):
        verify(request, KEYS, NOW)


@pytest.mark.parametrize("date", ["", "now", "20261399T000000Z", "2026-11-24T12:00:00Z"])
def test_a_date_that_is_none_is_refused(date: str) -> None:
    request = without(signed(), "x-amz-date")

    with pytest.raises(SignatureError):
        verify(replace(request, headers=(*request.headers, ("X-Amz-Date", date))), KEYS, NOW)


def test_a_request_without_a_signature_is_told_apart() -> None:
    with pytest.raises(MissingSignature):
        verify(GatewayRequest("GET", "/", headers=(("Host", HOST),)), KEYS, NOW)


def test_a_signature_that_does_not_cover_the_host_is_refused() -> None:
    with pytest.raises(SignatureError, match="not signed"):
        verify(_raw_signed("x-amz-date"), KEYS, NOW)


def test_a_signature_written_by_hand_is_verified() -> None:
    verify(_raw_signed("host;x-amz-date"), KEYS, NOW)


def _raw_signed(covered: str) -> GatewayRequest:
    """A client's own signing code, straight from AWS's description."""
    stamp, scope = "20261124T120000Z", "20261124/eu-west-1/execute-api/aws4_request"
    values = {"host": HOST, "x-amz-date": stamp}
    headers = "".join(f"{name}:{values[name]}\n" for name in covered.split(";"))
    body_hash = hashlib.sha256(b"").hexdigest()
    canonical = f"GET\n/admin/x\nlimit=5\n{headers}\n{covered}\n{body_hash}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = b"AWS4local-secret"
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential=local/{scope}, SignedHeaders={covered}, Signature={signature}"
    )
    sent = (("Host", HOST), ("X-Amz-Date", stamp), ("Authorization", authorization))
    return GatewayRequest("GET", "/admin/x", "limit=5", sent)
