"""`users` and `grants`: the SQL of the database users, run by the Data API, or printed for an administrator."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from deploy.aws import Aws, Failed
from deploy.database_users import CLASSES, Login, grants_sql, users_sql
from deploy.stack import Stack


def apply(
    what: str, stack: Stack, secrets: Sequence[str], aws: Aws, portal: Mapping[str, Any] | None = None
) -> None:
    """Runs the statements in the stack's own database, or prints them where it has none.

    what: `users` or `grants`; secrets: names or ARNs of the proxy's owner, in the order of CLASSES, or none;
    portal: a mapping of the Portal's tables, for grants. Raises Failed.
    """
    logins = _logins(_named(stack, secrets), aws)
    schema = stack.output("DatabaseName")
    try:
        statements = users_sql(schema, logins) if what == "users" else grants_sql(schema, logins, portal)
    except ValueError as exc:
        raise Failed(
            f"The SQL cannot be written: {exc}. Names may have letters, digits and _, passwords - too, 16 at least."
        ) from exc
    if "DatabaseArn" not in stack.outputs:
        print("".join(f"{statement};\n" for statement in statements), end="")
        return
    if what == "users":
        statements = [f"CREATE DATABASE IF NOT EXISTS {schema}", *statements]
    _run(statements, stack, aws)
    print(f"{len(statements)} statements run", file=sys.stderr)


def _named(stack: Stack, secrets: Sequence[str]) -> Sequence[str]:
    if secrets:
        return secrets
    if "DatabaseUserSecrets" not in stack.outputs:
        raise Failed(
            f"The stack {stack.name} has no secrets of its own, as its proxy is another's: name the three of its owner"
            f" ({', '.join(CLASSES)}) behind the command."
        )
    return stack.outputs["DatabaseUserSecrets"].split(",")


def _logins(secrets: Sequence[str], aws: Aws) -> dict[str, Login]:
    return {name: _login(secret, aws) for name, secret in zip(CLASSES, secrets, strict=True)}


def _login(secret: str, aws: Aws) -> Login:
    try:
        kept = aws.call("secretsmanager", "get_secret_value", SecretId=secret)
    except Failed as exc:
        if exc.code == "ResourceNotFoundException":
            raise Failed(
                f"There is no secret {secret} in {aws.region}: look at its name and the Region."
            ) from exc
        raise
    try:
        found = json.loads(kept["SecretString"])
        return Login(str(found["username"]), str(found["password"]))
    except (KeyError, TypeError, ValueError):
        # Without the cause, which would show the secret's text.
        raise Failed(f"The secret {secret} is not JSON with username and password: put them in.") from None


def _run(statements: Sequence[str], stack: Stack, aws: Aws) -> None:
    for number, statement in enumerate(statements, 1):
        try:
            aws.call(
                "rds-data",
                "execute_statement",
                resourceArn=stack.output("DatabaseArn"),
                secretArn=stack.output("DatabaseAdminSecretArn"),
                sql=statement,
            )
        except Failed as exc:
            raise Failed(
                f"Statement {number} of {len(statements)} was not run. {exc} Repeat the command: it may be."
            ) from exc
