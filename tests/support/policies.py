"""The policy of a deployment that sets nothing but what it must."""

from dataclasses import replace
from typing import Any

from auth_tokens.domain.policy import Policy
from auth_tokens.settings import Settings

REQUIRED = {
    "ISSUER": "https://tokens.example", "AUDIENCE": "a", "CLIENTS": '{"c": []}', "DB_HOST": "h", "DB_NAME": "n",
    "DB_USER": "u", "KMS_KEY_ID": "k",
}  # fmt: skip


def policy_of(env: dict[str, str]) -> Policy:
    """The policy of a deployment that sets these variables as well."""
    return Settings.from_env({**REQUIRED, **env}).policy()


def policy(**fields: Any) -> Policy:
    """The same policy with other fields."""
    return replace(policy_of({}), **fields)
