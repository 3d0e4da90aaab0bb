"""SIGNING_MODE=kms on moto's KMS (MessageType=RAW, where moto and AWS agree): bootstrap, walk, withdrawal."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.rotate_keys import rotate_keys, withdraw_signing_key
from auth_tokens.usecases.validate import validate
from tests.support import wiring
from tests.support.kms import watched
from tests.support.world import CALLER, PASSWORD, World, kid_of

DAY = 86_400


@pytest.fixture
def kms_keys(aws: Any) -> list[str]:
    """Two asymmetric keys."""
    kms = boto3.client("kms")
    keys = [kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY") for _ in range(2)]
    return [key["KeyMetadata"]["Arn"] for key in keys]


@pytest.fixture
def by_kms(fresh_world: World, kms_keys: list[str]) -> Iterator[World]:
    """A world whose environments sign by the first of them."""
    fresh_world.settings = replace(
        fresh_world.settings, signing_mode="kms", signing_kms_key_ids=(kms_keys[0],)
    )
    yield fresh_world


def test_each_token_is_one_signature_and_the_authorizer_calls_kms_never(by_kms: World) -> None:
    environment = by_kms.environment()
    kms = watched(environment)
    issuing = wiring.issuing(environment)
    answer = login(LoginRequest(by_kms.user(), PASSWORD), CALLER, issuing)
    kms.calls.clear()

    for _ in range(5):
        answer = refresh(RefreshRequest(answer.token), CALLER, issuing)
    verifying = by_kms.environment()
    idle = watched(verifying)
    validated = validate(
        Credential(Transport.BEARER, answer.access_token or ""), wiring.authorizing(verifying)
    )

    assert kms.calls == ["sign"] * 5
    assert idle.calls == []
    assert validated.claims.sid == answer.session_id
    assert [jwk["kid"] for jwk in verifying.public_keys.jwks()] == [kid_of(answer.access_token)]


def test_a_key_named_to_follow_is_published_first_and_then_signs(by_kms: World, kms_keys: list[str]) -> None:
    world = by_kms
    answer = login(
        LoginRequest(world.user(access_ttl_s=3600), PASSWORD), CALLER, wiring.issuing(world.environment())
    )
    rotate_keys(wiring.rotating(world.environment()))
    world.settings = replace(world.settings, signing_kms_key_ids=tuple(kms_keys))

    rotate_keys(wiring.rotating(world.environment()))
    before = refresh(RefreshRequest(answer.token), CALLER, wiring.issuing(world.environment()))
    world.clock.now += DAY
    rotate_keys(wiring.rotating(world.environment()))
    after = refresh(RefreshRequest(before.token), CALLER, wiring.issuing(world.environment()))

    assert kid_of(before.access_token) == kid_of(answer.access_token) != kid_of(after.access_token)


def test_changing_over_from_wrapped_keys_skips_no_wait(fresh_world: World, kms_keys: list[str]) -> None:
    world = fresh_world
    name = world.user(access_ttl_s=3600)
    world.login(name)
    rotate_keys(wiring.rotating(world.environment()))
    world.settings = replace(world.settings, signing_mode="kms", signing_kms_key_ids=tuple(kms_keys))
    deps = wiring.authorizing(world.environment())

    for _ in range(4):
        world.clock.now += DAY
        rotate_keys(wiring.rotating(world.environment()))
        answer = login(LoginRequest(name, PASSWORD), CALLER, wiring.issuing(world.environment()))
        assert validate(Credential(Transport.BEARER, answer.access_token or ""), deps)
        world.clock.now += 3599
        assert validate(Credential(Transport.BEARER, answer.access_token or ""), deps)

    [row] = world.sql(
        "SELECT wrapped_key FROM auth_token_keys WHERE purpose = 'signing' AND state = 'signing'"
    )
    assert row["wrapped_key"] is None


def test_a_withdrawn_kms_key_with_none_to_follow_leaves_users_signed_in(by_kms: World) -> None:
    world = by_kms
    answer = login(LoginRequest(world.user(), PASSWORD), CALLER, wiring.issuing(world.environment()))

    withdraw_signing_key(kid_of(answer.access_token), wiring.rotating(world.environment()))
    refreshed = refresh(RefreshRequest(answer.token), CALLER, wiring.issuing(world.environment()))

    deps = wiring.authorizing(world.environment())
    assert validate(Credential(Transport.BEARER, refreshed.access_token or ""), deps)
    assert kid_of(refreshed.access_token) != kid_of(answer.access_token)
    assert rotate_keys(wiring.rotating(world.environment())) == []  # a withdrawn KMS key never comes back
