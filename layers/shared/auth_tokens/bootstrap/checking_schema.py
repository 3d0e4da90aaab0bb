"""For migrate, which changes nothing then: its own rights, the state of schema and keys, and the two clocks."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from auth_tokens.adapters.mysql import checks
from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.migrations import migrations_in, wanted
from auth_tokens.adapters.portal_map import mapping_of
from auth_tokens.bootstrap.container import database_config, now_s
from auth_tokens.domain.key_steps import schedules
from auth_tokens.settings import load_settings


def checking_schema(folder: Path) -> Callable[[], dict[str, object]]:
    """folder: of the migrations."""
    settings = load_settings()
    database = Database(database_config(settings))
    migrations = wanted(migrations_in(folder), mapping_of(settings.portal_map))
    turns = schedules(
        jwks_max_age_s=settings.jwks_max_age_s,
        cleanup_retention_s=settings.cleanup_retention_s,
        signs_by_kms=settings.signing_mode == "kms",
    )
    use_for_s = {purpose.value: schedule.use_for_s for purpose, schedule in turns.items()}

    def check() -> dict[str, object]:
        return {
            "grants": checks.own_grants(database),
            **asdict(checks.schema_state(migrations, database)),
            "keys": checks.key_ages(database, use_for_s),
            "now_s": now_s(),
            "database_now_s": checks.database_clock(database),
        }

    return check
