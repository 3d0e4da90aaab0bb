"""Scheduled daily: moves all keys from published to in use, retired and gone. Invoked with a kid: withdraws it.

For operators by signed requests: the same, and what keys there are.
"""

from typing import Any

from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.memory_limits import memory_limiter
from auth_tokens.bootstrap.powertools import powertools
from auth_tokens.bootstrap.rotating import rotating
from auth_tokens.domain.key_steps import Step
from auth_tokens.time_left import timed
from auth_tokens.usecases.rotate_keys import rotate_keys, withdraw_key
from auth_tokens.web.handler import http_handler, is_http
from auth_tokens.web.key_routes import MAX_KID, get_keys, post_rotate, post_withdraw, steps_view
from auth_tokens.web.rate_limits import limited_by_principal
from auth_tokens.web.request_body import BodyParameters
from auth_tokens.web.requests import direct_caller

SHARED = Container(powertools(), may_create_keys=True)
DEPS = rotating(SHARED)
LIMITER = memory_limiter(SHARED)

http = http_handler(
    {
        "GET /admin/keys": limited_by_principal(get_keys(DEPS), LIMITER),
        "POST /admin/keys/rotate": limited_by_principal(post_rotate(DEPS), LIMITER),
        "POST /admin/keys/withdraw": limited_by_principal(post_withdraw(DEPS), LIMITER),
    },
    SHARED.telemetry,
    SHARED.settings.allowed_origins,
    SHARED.settings.edge(),
)


@timed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP event, or answers the steps taken. `{"withdraw": kid}` (lambda:InvokeFunction) ends a key at once."""
    if is_http(event):
        return http(event, context)
    caller = direct_caller(context)
    if "withdraw" not in event:
        return _answer(rotate_keys(DEPS), None, caller.request_id)
    kid = BodyParameters(event).required_text("withdraw", MAX_KID)
    return _answer(withdraw_key(kid, DEPS, caller), kid, caller.request_id, **caller.act)


def _answer(taken: list[Step], withdrawn: str | None, request_id: str, **act: str) -> dict[str, Any]:
    steps = steps_view(taken)
    SHARED.telemetry.outcome("rotate_keys", steps=steps, withdrawn=withdrawn, request_id=request_id, **act)
    return {"steps": steps, "withdrawn": withdrawn}
