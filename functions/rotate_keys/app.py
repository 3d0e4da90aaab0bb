"""Scheduled daily: moves all keys from published to in use, retired and gone. Invoked with a kid: withdraws it."""

from typing import Any

from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.powertools import powertools
from auth_tokens.bootstrap.rotating import rotating
from auth_tokens.domain.key_steps import Add, Step
from auth_tokens.time_left import timed
from auth_tokens.usecases.rotate_keys import rotate_keys, withdraw_data_key, withdraw_signing_key
from auth_tokens.web.handler import is_http
from auth_tokens.web.request_body import BodyParameters
from auth_tokens.web.requests import direct_caller

SHARED = Container(powertools(), may_create_keys=True)
DEPS = rotating(SHARED)
MAX_KID = 64


@timed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers the steps taken. `{"withdraw": kid}` (IAM: lambda:InvokeFunction) ends a key at once."""
    if is_http(event):
        raise ValueError("rotate_keys is not reachable through an API")
    caller = direct_caller(context)
    if "withdraw" not in event:
        return _answer(rotate_keys(DEPS), None, caller.request_id)
    kid = BodyParameters(event).required_text("withdraw", MAX_KID)
    # Data keys are named by purpose and epoch, as `token-chain.3`; a thumbprint has no dot.
    withdraw = withdraw_data_key if "." in kid else withdraw_signing_key
    return _answer(withdraw(kid, DEPS, caller), kid, caller.request_id, **caller.act)


def _answer(taken: list[Step], withdrawn: str | None, request_id: str, **act: str) -> dict[str, Any]:
    steps = [
        f"{step.purpose.value} {step.epoch} {step.state.value}"
        if isinstance(step, Add)
        else f"{step.kid} {step.after.value}"
        for step in taken
    ]
    SHARED.telemetry.outcome("rotate_keys", steps=steps, withdrawn=withdrawn, request_id=request_id, **act)
    return {"steps": steps, "withdrawn": withdrawn}
