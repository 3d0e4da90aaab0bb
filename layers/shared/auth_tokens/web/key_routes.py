"""Keys for operators: what there is, what is due now, and the end of one at once."""

from collections.abc import Sequence
from typing import Any

from auth_tokens.domain.key_steps import Add, Step
from auth_tokens.domain.keys import Purpose
from auth_tokens.usecases.rotate_keys import (
    KeyTurn,
    RotateKeysDeps,
    begin_epoch,
    list_keys,
    rotate_keys,
    withdraw_key,
)
from auth_tokens.web.handler import Route
from auth_tokens.web.reasons import reason_in
from auth_tokens.web.request_body import parse_body
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response

MAX_KID = 64


def get_keys(deps: RotateKeysDeps) -> Route:
    """GET /admin/keys."""

    def route(request: Request) -> Response:
        return Response(body={"keys": [_view(turn) for turn in list_keys(deps)]})

    return route


def post_rotate(deps: RotateKeysDeps) -> Route:
    """POST /admin/keys/rotate: what is due, or with a purpose, its published key at once."""

    def route(request: Request) -> Response:
        parameters = parse_body(request)
        reason = reason_in(parameters)
        if parameters.text("purpose") is None:
            return _taken(rotate_keys(deps, request.caller, reason))
        purpose = Purpose(parameters.choice("purpose", tuple(each.value for each in Purpose)))
        return _taken(begin_epoch(purpose, deps, request.caller, reason))

    return route


def post_withdraw(deps: RotateKeysDeps) -> Route:
    """POST /admin/keys/withdraw."""

    def route(request: Request) -> Response:
        parameters = parse_body(request)
        kid, reason = parameters.required_text("kid", MAX_KID), reason_in(parameters)
        return _taken(withdraw_key(kid, deps, request.caller, reason), withdrawn=kid)

    return route


def steps_view(taken: Sequence[Step]) -> list[str]:
    """For people: each key and its new state."""
    return [
        f"{step.purpose.value} {step.epoch} {step.state.value}"
        if isinstance(step, Add)
        else f"{step.kid} {step.after.value}"
        for step in taken
    ]


def _taken(steps: Sequence[Step], **about: str) -> Response:
    return Response(body={"steps": steps_view(steps), **about}, about=about)


def _view(turn: KeyTurn) -> dict[str, Any]:
    key = turn.key
    return {
        "kid": key.kid,
        "purpose": key.purpose.value,
        "epoch": key.epoch,
        "state": key.state.value,
        "algorithm": key.algorithm,
        "changed_at": key.changed_at,
        "next_state": turn.next_state.value if turn.next_state else None,
        "next_at": turn.next_at,
    }
