"""The SQL of the service's database users: deploy/users.sql and deploy/grants.sql, with names and passwords put in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.portal_grants import portal_grants

FOLDER = Path(__file__).parent
CLASSES = ("reader", "writer", "migrator")
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
# The Portal's tables as local mode makes them.
_OWN_PORTAL = re.compile(r"\.(auth_users|user_config|auth_user_label) TO ")
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


def grants_sql(
    schema: str, logins: Mapping[str, Login], portal: Mapping[str, Any] | None = None
) -> list[str]:
    """The statements of grants.sql. portal: a mapping, whose tables stand in for those of the file. Raises ValueError
    as above."""
    statements = _statements("grants.sql", schema, logins, "")
    if portal is None:
        return statements
    users = {name: logins[name].user for name in CLASSES}
    theirs = [grant.format(**users) for grant in portal_grants(portal, schema)]
    return [*theirs, *(sql for sql in statements if not _OWN_PORTAL.search(sql))]


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
