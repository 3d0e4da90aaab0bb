"""The deploy step: brings the schema up to this code's. Safe to run twice and from two places at once."""

from pathlib import Path
from typing import Any

from auth_tokens import bootstrap
from auth_tokens.time_left import timed
from auth_tokens.web.handler import is_http

TELEMETRY = bootstrap.powertools()
MIGRATE = bootstrap.migrating(Path(__file__).parent / "sql")


@timed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers the names of the migrations it applied."""
    if is_http(event):
        raise ValueError("migrate is not reachable through an API")
    applied = MIGRATE()
    TELEMETRY.outcome("migrate", applied=applied)
    return {"applied": applied}
