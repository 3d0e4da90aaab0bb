"""Scheduled daily: walks the signing keys from published to signing, retired and gone."""

from typing import Any

from auth_tokens import bootstrap
from auth_tokens.domain.keys import Add
from auth_tokens.usecases.rotate_keys import rotate_keys
from auth_tokens.web.handler import is_http

SHARED = bootstrap.parts(bootstrap.powertools(), may_create_keys=True)
DEPS = bootstrap.rotating(SHARED)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers the steps taken."""
    if is_http(event):
        raise ValueError("rotate_keys is not reachable through an API")
    steps = [
        f"add {step.state.value}" if isinstance(step, Add) else f"{step.kid} {step.after.value}"
        for step in rotate_keys(DEPS)
    ]
    SHARED.telemetry.outcome("rotate_keys", steps=steps)
    return {"steps": steps}
