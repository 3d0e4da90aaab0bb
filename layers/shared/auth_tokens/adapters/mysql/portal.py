"""The Portal's tables: how auth_users, user_config and auth_user_label map to a User.

A deployment whose Portal names its tables or columns otherwise changes this module only.
The service reads them, and writes nothing but an upgraded password hash.
"""

import json
from typing import Any

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.domain.sessions import User, UserConfig
from auth_tokens.domain.usernames import canonical_username
from auth_tokens.usecases.ports import Account

ACTIVE = "active"

OWNER_COLUMNS = """u.id AS owner_id,
  u.username AS owner_username,
  u.status AS owner_status,
  c.access_ttl_s AS config_access_ttl_s,
  c.refresh_idle_ttl_s AS config_refresh_idle_ttl_s,
  c.refresh_absolute_ttl_s AS config_refresh_absolute_ttl_s,
  c.session_idle_ttl_s AS config_session_idle_ttl_s,
  c.session_absolute_ttl_s AS config_session_absolute_ttl_s,
  c.device_idle_ttl_s AS config_device_idle_ttl_s,
  c.device_absolute_ttl_s AS config_device_absolute_ttl_s,
  c.max_sessions AS config_max_sessions,
  (SELECT JSON_ARRAYAGG(l.label) FROM auth_user_label AS l WHERE l.user_id = u.id) AS owner_labels"""

# Index: primary keys of both. At most one row, as user_config is keyed by user_id.
CONFIG_JOIN = "LEFT JOIN user_config AS c ON c.user_id = u.id"
OWNER_JOIN = f"LEFT JOIN auth_users AS u ON u.id = t.user_id\n{CONFIG_JOIN}"

# In a write: the owner is active now, not just when the row was read. MySQL takes a shared lock on the
# user's row, so a disable and a rotation come one after the other, and the later one sees the earlier.
IS_ACTIVE_OWNER = f"""EXISTS (
    SELECT 1 FROM auth_users AS u WHERE u.id = auth_user_tokens.user_id AND u.status = '{ACTIVE}')"""

# Index: ux_username. The collation may find several spellings; canonical_username decides.
SELECT_ACCOUNT_BY_NAME = f"""
SELECT u.password_hash, {OWNER_COLUMNS}
FROM auth_users AS u
{CONFIG_JOIN}
WHERE u.username = %s
"""

# Index: primary key.
SELECT_ACCOUNT_BY_ID = f"""
SELECT u.password_hash, {OWNER_COLUMNS}
FROM auth_users AS u
{CONFIG_JOIN}
WHERE u.id = %s
"""

# Index: primary key. Row count 0: the password was changed meanwhile, whose hash must stay.
UPGRADE_PASSWORD_HASH = """
UPDATE auth_users
SET password_hash = %s
WHERE id = %s AND password_hash = %s
"""


class MySqlPortal:
    """Port usecases.ports.Portal on the Portal's own tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def account_by_name(self, canonical_name: str) -> Account | None:
        rows = self._database.query(SELECT_ACCOUNT_BY_NAME, (canonical_name,))
        accounts = [account_from(row) for row in rows]
        return next((a for a in accounts if canonical_username(a.user.username) == canonical_name), None)

    def account_by_id(self, user_id: str) -> Account | None:
        rows = self._database.query(SELECT_ACCOUNT_BY_ID, (user_id,))
        accounts = [account_from(row) for row in rows]
        # The comparison again, exactly: a collation may ignore case and trailing blanks.
        return next((a for a in accounts if a.user.id == user_id), None)

    def upgrade_password_hash(self, user_id: str, old_hash: str, new_hash: str) -> None:
        self._database.execute(UPGRADE_PASSWORD_HASH, (new_hash, user_id, old_hash))


def account_from(row: dict[str, Any]) -> Account:
    """A row of one of the account queries."""
    user = owner_from(row)
    assert user is not None
    return Account(user=user, password_hash=row["password_hash"])


def owner_from(row: dict[str, Any]) -> User | None:
    """The user in a row with OWNER_COLUMNS; None where the Portal has none."""
    if row["owner_id"] is None:
        return None
    config = {name: row[f"config_{name}"] for name in UserConfig.__dataclass_fields__}
    labels = json.loads(row["owner_labels"]) if row["owner_labels"] else []
    return User(
        id=row["owner_id"],
        username=row["owner_username"],
        is_active=row["owner_status"] == ACTIVE,
        labels=tuple(sorted(labels)),
        config=UserConfig(**config),
    )
