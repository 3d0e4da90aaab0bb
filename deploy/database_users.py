"""The SQL of the service's database users: deploy/users.sql and deploy/grants.sql, with names and passwords put in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent
CLASSES = ("reader", "writer", "migrator")
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
# What Secrets Manager makes without punctuation, and what tests make.
_PASSWORD = re.compile(r"[A-Za-z0-9_-]{16,}")


@dataclass(frozen=True, slots=True)
class Login:
    """A database user of the service."""

    user: str
    password: str = field(repr=False)


def users_sql(schema: str, logins: Mapping[str, Login], tls: str = "SSL") -> list[str]:
    """The statements of users.sql. logins: by class (CLASSES); tls: `NONE` for a local server without it.

    Raises ValueError for a name or password that would need quoting.
    """
    return _statements("users.sql", schema, logins, tls)


def grants_sql(schema: str, logins: Mapping[str, Login]) -> list[str]:
    """The statements of grants.sql. Raises ValueError as above."""
    return _statements("grants.sql", schema, logins, "")


def _statements(file: str, schema: str, logins: Mapping[str, Login], tls: str) -> list[str]:
    places = {"schema": _checked(_NAME, schema), "tls": tls}
    for name in CLASSES:
        places[name] = _checked(_NAME, logins[name].user)
        places[f"{name}_password"] = f"'{_checked(_PASSWORD, logins[name].password)}'"
    lines = [line for line in (FOLDER / file).read_text("utf-8").splitlines() if not line.startswith("--")]
    return [
        statement.strip().format(**places) for statement in "\n".join(lines).split(";") if statement.strip()
    ]


def _checked(form: re.Pattern[str], text: str) -> str:
    if not form.fullmatch(text):
        raise ValueError("a name or password has characters that would need quoting")
    return text
