"""Where the Portal keeps its users, their preferences and their labels (docs/reference/portal.md has the members).

Names of tables and columns, and constants to compare with: never SQL. adapters.portal_map reads and checks them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from auth_tokens.domain.legacy_tokens import LegacyTokens
from auth_tokens.domain.policy import PREFERENCES
from auth_tokens.domain.portal_columns import Condition, TimeColumn
from auth_tokens.domain.user_ids import IdForm


@dataclass(frozen=True, slots=True)
class UserTable:
    """name, password: columns. upgrades_passwords: whether an older hash is replaced at a login. active: all must
    hold. created: a column that distinguishes two users of one id; None without one."""

    table: str
    id: str
    id_form: IdForm
    name: str
    password: str
    upgrades_passwords: bool
    active: tuple[Condition, ...]
    created: str | None = None
    tokens_valid_after: TimeColumn | None = None


@dataclass(frozen=True, slots=True)
class PreferenceColumns:
    """A column for each preference, by its name. The table may lack some of them."""

    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PreferenceDocument:
    """A column of JSON, and the path of each preference in it."""

    column: str
    paths: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PreferenceRows:
    """A row for each preference. names: preference → its key."""

    key: str
    value: str
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PreferenceTable:
    """user: the column of the user's id, kept as UserTable.id is."""

    table: str
    user: str
    kept_as: PreferenceColumns | PreferenceDocument | PreferenceRows


@dataclass(frozen=True, slots=True)
class JoinedLabels:
    """Labels are in a table of their own. column: of the table that joins; it refers to `id`."""

    column: str
    table: str
    id: str
    label: str


@dataclass(frozen=True, slots=True)
class LabelTable:
    """One row a label of a user. label: a column, or where the labels are."""

    table: str
    user: str
    label: str | JoinedLabels


@dataclass(frozen=True, slots=True)
class PortalMapping:
    """schema: of the Portal's tables; None where they are in the service's own. preferences, labels: None for a Portal
    that has none. legacy_tokens: those from before this service; None where none is taken over."""

    users: UserTable
    preferences: PreferenceTable | None = None
    labels: LabelTable | None = None
    schema: str | None = None
    legacy_tokens: LegacyTokens | None = None

    @property
    def is_of_own_tables(self) -> bool:
        """Whether these are the tables that local mode makes, in the service's own schema."""
        users = replace(self.users, upgrades_passwords=OWN_TABLES.users.upgrades_passwords)
        return replace(self, users=users) == OWN_TABLES

    @property
    def tables(self) -> tuple[str, ...]:
        """All tables of the Portal that the service reads."""
        named = [self.users.table]
        named += [self.preferences.table] if self.preferences else []
        if self.labels:
            named.append(self.labels.table)
            named += [self.labels.label.table] if isinstance(self.labels.label, JoinedLabels) else []
        named += [self.legacy_tokens.table] if self.legacy_tokens else []
        return tuple(named)


# Without a file: the tables that local mode makes (functions/migrate/sql/0001_portal_tables.sql).
OWN_TABLES = PortalMapping(
    users=UserTable(
        table="auth_users",
        id="id",
        id_form=IdForm.TEXT,
        name="username",
        password="password_hash",  # noqa: S106 - a column
        upgrades_passwords=True,
        active=(Condition("status", "active"),),
        created="created_at",
    ),
    preferences=PreferenceTable(
        "user_config", "user_id", PreferenceColumns({name: name for name in PREFERENCES})
    ),
    labels=LabelTable("auth_user_label", "user_id", "label"),
)
