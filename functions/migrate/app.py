"""The deploy step: brings the schema up to this code's. Safe to run twice and from two places at once."""

from pathlib import Path
from typing import Any

from auth_tokens.bootstrap.checking_schema import checking_schema
from auth_tokens.bootstrap.migrating import migrating
from auth_tokens.bootstrap.powertools import powertools
from auth_tokens.time_left import timed
from auth_tokens.web.handler import is_http

TELEMETRY = powertools()
MIGRATIONS = Path(__file__).parent / "sql"
MIGRATE = migrating(MIGRATIONS)
CHECK = checking_schema(MIGRATIONS)


@timed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Returns the names of the migrations it applied. {"check": true}: reports the state and changes nothing."""
    if is_http(event):
        raise ValueError("migrate is not reachable through an API")
    if event.get("check") is True:
        return CHECK()
    applied = MIGRATE()
    TELEMETRY.outcome("migrate", applied=applied)
    return {"applied": applied}
