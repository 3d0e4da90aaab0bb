"""KMS away: what holds its keys goes on until their age bound, what does not answers 503, nothing goes unprotected.

moto encrypts and signs with disabled keys, so the faults are injected where the boto3 client stands.
"""

import json
from collections.abc import Sequence

import pytest

from auth_tokens.adapters.mysql.connection import Transaction
from auth_tokens.domain.errors import Unavailable
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.rotate_keys import rotate_keys
from auth_tokens.web.handler import http_handler
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response, token_response
from tests.support import wiring
from tests.support.kms import FAULTS, watched
from tests.support.world import CALLER, PASSWORD, World

each_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


@each_fault
def test_an_environment_that_holds_its_keys_works_until_their_age_bound(
    world: World, fault: Exception
) -> None:
    environment = world.environment()
    kms = watched(environment)
    issuing = wiring.issuing(environment)
    name = world.user(refresh_idle_ttl_s=1_000_000, refresh_absolute_ttl_s=1_000_000)
    answer = login(LoginRequest(name, PASSWORD), CALLER, issuing)
    kms.fault = fault

    for _ in range(11):
        world.clock.now += world.settings.key_max_age_s // 12
        answer = refresh(RefreshRequest(answer.token), CALLER, issuing)
    assert login(LoginRequest(name, PASSWORD), CALLER, issuing)
    world.clock.now += world.settings.key_max_age_s // 12
    with pytest.raises(Unavailable, match="kms decrypt"):
        refresh(RefreshRequest(answer.token), CALLER, issuing)
    kms.fault = None

    assert refresh(RefreshRequest(answer.token), CALLER, issuing).session_id == answer.session_id
    assert world.telemetry.counts["KeyRenewalFailed"] > 0


@each_fault
def test_a_new_environment_answers_503_with_retry_after_and_recovers(world: World, fault: Exception) -> None:
    name = world.user()
    world.login(name)
    environment = world.environment()
    kms = watched(environment)
    kms.fault = fault
    issuing = wiring.issuing(environment)

    def post_login(request: Request) -> Response:
        return token_response(login(LoginRequest(name, PASSWORD), CALLER, issuing))

    handler = http_handler({"POST /auth/login": post_login}, world.telemetry, ())
    event = {"routeKey": "POST /auth/login", "requestContext": {"http": {"method": "POST"}}}
    answer = handler(event, None)
    kms.fault = None

    assert answer["statusCode"] == 503
    assert int(answer["headers"]["Retry-After"]) >= 1
    assert json.loads(answer["body"])["error"] == "temporarily_unavailable"
    assert handler(event, None)["statusCode"] == 200


def test_kms_is_never_waited_for_with_a_row_locked(world: World) -> None:
    name = world.user()
    world.login(name)
    environment = world.environment()
    kms = watched(environment)
    with pytest.MonkeyPatch.context() as patch:
        execute = Transaction.execute

        def noted(self: Transaction, sql: str, parameters: Sequence[object] = ()) -> int:
            kms.calls.append(sql.split()[0])
            return execute(self, sql, parameters)

        patch.setattr(Transaction, "execute", noted)
        login(LoginRequest(name, PASSWORD), CALLER, wiring.issuing(environment))

    transaction = kms.calls[kms.calls.index("BEGIN") : kms.calls.index("COMMIT")]
    assert [call for call in transaction if call.startswith("decrypt")] == []
    assert [call for call in kms.calls if call.startswith("decrypt")][-1] == "decrypt signing"


@each_fault
def test_before_the_first_key_nothing_is_stored_or_signed_instead(
    fresh_world: World, fault: Exception
) -> None:
    world = fresh_world
    name = world.user()
    environment = world.environment()
    watched(environment).fault = fault
    issuing = wiring.issuing(environment)

    with pytest.raises(Unavailable):
        login(LoginRequest(name, PASSWORD), CALLER, issuing)
    with pytest.raises(Unavailable):
        issuing.signer.sign({})
    with pytest.raises(Unavailable):
        issuing.cipher.seal(b"address", b"r" * 16, "u")

    for table in ("auth_token_keys", "auth_user_tokens", "auth_token_events"):
        assert world.sql(f"SELECT 1 FROM {table}") == []


@each_fault
def test_a_rotation_that_cannot_wrap_leaves_the_keys_as_they_are(
    fresh_world: World, fault: Exception
) -> None:
    world = fresh_world
    world.login(world.user())
    world.sql("DELETE FROM auth_token_keys WHERE state = 'published'")  # so that new ones are due
    before = world.sql("SELECT * FROM auth_token_keys ORDER BY kid")
    environment = world.environment()
    watched(environment).fault = fault

    with pytest.raises(Unavailable):
        rotate_keys(wiring.rotating(environment))

    assert world.sql("SELECT * FROM auth_token_keys ORDER BY kid") == before


def test_while_kms_is_away_a_renewal_is_tried_only_now_and_then(world: World) -> None:
    environment = world.environment()
    kms = watched(environment)
    issuing = wiring.issuing(environment)
    answer = login(LoginRequest(world.user(), PASSWORD), CALLER, issuing)
    kms.fault = FAULTS["region out"]
    world.clock.now += world.settings.key_max_age_s // 2
    kms.calls.clear()

    for _ in range(10):
        answer = refresh(RefreshRequest(answer.token), CALLER, issuing)

    assert sorted(kms.calls) == ["decrypt metadata", "decrypt signing", "decrypt token-chain"]


def test_with_kms_at_hand_a_key_in_use_is_renewed_once_in_half_its_bound(world: World) -> None:
    world.shared.keys.chain_epoch()  # there are keys, whichever test is first
    environment = world.environment()
    kms = watched(environment)
    keys = environment.keys
    step_s = world.settings.key_max_age_s // 24

    for _ in range(48):
        assert keys.chain_keys(keys.chain_epoch())
        world.clock.now += step_s

    assert kms.calls == ["decrypt token-chain"] * 4
