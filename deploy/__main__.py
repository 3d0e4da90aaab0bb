"""`python -m deploy STACK users|grants [READER WRITER MIGRATOR]`: makes our database users, or gives them their rights.

With a database of the stack's own (DatabaseKind new) the statements are run there, by its Data API. With
another one they are printed, to be piped into a client of its administrator:

    python -m deploy auth-tokens users | mysql --host … --user admin --password portal

With an existing proxy (DatabaseKind existing-proxy) the stack has no secrets: name those of its owner, in this order.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from deploy.database_users import CLASSES, Login, grants_sql, users_sql


def main(arguments: list[str]) -> int:
    """0 when done; 2 for wrong arguments."""
    if len(arguments) not in (2, 2 + len(CLASSES)) or arguments[1] not in ("users", "grants"):
        print(__doc__, file=sys.stderr)
        return 2
    stack, what, *named = arguments
    outputs = _outputs(stack)
    secrets = named or outputs.get("DatabaseUserSecrets", "").split(",")
    if len(secrets) != len(CLASSES):
        print(
            f"{stack} has no secrets of its own: name those of the proxy's owner\n\n{__doc__}",
            file=sys.stderr,
        )
        return 2
    logins = _logins(secrets)
    schema = outputs["DatabaseName"]
    statements = users_sql(schema, logins) if what == "users" else grants_sql(schema, logins)
    if "DatabaseArn" in outputs:
        if what == "users":
            _run([f"CREATE DATABASE IF NOT EXISTS {schema}"], outputs)
        _run(statements, outputs)
        print(f"{len(statements)} statements run", file=sys.stderr)
    else:
        print("".join(f"{statement};\n" for statement in statements), end="")
    return 0


def _client(service: str) -> Any:
    import boto3

    return boto3.client(service)


def _outputs(stack: str) -> dict[str, str]:
    [found] = _client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def _logins(secrets: list[str]) -> dict[str, Login]:
    """secrets: names or ARNs, in the order of CLASSES."""
    manager = _client("secretsmanager")
    kept = [json.loads(manager.get_secret_value(SecretId=secret)["SecretString"]) for secret in secrets]
    return {
        name: Login(secret["username"], secret["password"])
        for name, secret in zip(CLASSES, kept, strict=True)
    }


def _run(statements: list[str], outputs: dict[str, str]) -> None:
    data = _client("rds-data")
    for statement in statements:
        data.execute_statement(
            resourceArn=outputs["DatabaseArn"],
            secretArn=outputs["DatabaseAdminSecretArn"],
            sql=statement,
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
