"""The Portal's tables in whatever character set it keeps them: a name that does not fit is nobody's."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pymysql
import pytest

from auth_tokens.adapters.mysql import connection, portal, token_table
from auth_tokens.adapters.mysql.connection import Transaction
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.ends import UserChange
from auth_tokens.domain.errors import AccessDenied, InvalidCredentials, InvalidGrant, NotFound
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.usernames import canonical_username
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.revoke_user import end_what_began_before, revoke_user
from auth_tokens.usecases.validate import validate
from local.servers.database.address import DatabaseAddress
from tests.conftest import LocalAws, new_world
from tests.support import wiring
from tests.support.portals import own_sql
from tests.support.sign_ins import HASH, PASSWORD, CheapPasswords, NoLimits
from tests.support.world import CALLER, World

# What a column is declared as, and the characters that it can hold.
COLUMNS = {
    "ascii": ("VARCHAR(255) CHARACTER SET ascii COLLATE ascii_general_ci", "ascii"),
    "latin1": ("VARCHAR(255) CHARACTER SET latin1 COLLATE latin1_swedish_ci", "cp1252"),
    "latin1 by bytes": ("VARCHAR(255) CHARACTER SET latin1 COLLATE latin1_bin", "cp1252"),
    "utf8mb3": ("VARCHAR(255) CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci", "utf-16-be"),
    "ucs2": ("VARCHAR(255) CHARACTER SET ucs2 COLLATE ucs2_general_ci", "utf-16-be"),
    "utf8mb4": ("VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "utf-8"),
    "utf8mb4 by bytes": ("VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "utf-8"),
    "MySQL's default": ("VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci", "utf-8"),
    "binary": ("VARBINARY(255)", "utf-8"),
}
BASIC_PLANE_ONLY = {"utf8mb3", "ucs2"}
# Each with a number in it, so that no two tests mean the same name.
NAMES = {
    "plain": "plain{}",
    "é": "é{}",
    "Ω": "Ω{}",
    "an emoji": "😀{}",
    "Arabic": "ب{}",
    "a lone NUL": "\0",
    "a NUL within": "a\0b{}",
    "longer than the column": "{}" + "x" * 300,
    "longer, and does not fit": "{}" + "Ω" * 300,
    "a letter and its accent apart": "e\u0301{}",
    "an accent alone": "\u0301{}",
    "ß": "ß{}",
    "full-width": "Ａ{}",
}
SPELLINGS = {
    "as it is": str,
    "upper case": str.upper,
    "blanks around it": lambda name: f"  {name} ",
    "full-width": lambda name: name.replace("a", "ａ"),
    "decomposed": lambda name: name.replace("é", "e\u0301"),
}


@dataclass
class Portal:
    """A world whose Portal keeps its texts otherwise, and what the service does there."""

    world: World
    case: str
    statements: list[str] = field(default_factory=list)
    verified: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shared = self.world.environment()
        deps = wiring.issuing(self.shared)
        self.issuing = replace(deps, passwords=Counted(self.verified), limiter=NoLimits())
        self.sessions = wiring.sessions(self.shared)

    def user(self, name: str, user_id: str = "") -> str:
        user_id = user_id or str(uuid.uuid4())
        self.world.sql(
            "INSERT INTO auth_users (id, username, password_hash, status, created_at)"
            " VALUES (%s, %s, %s, 'active', UTC_TIMESTAMP(6))",
            user_id,
            name,
            HASH,
        )
        return user_id

    def label(self, user_id: str, label: str) -> None:
        self.world.sql("INSERT INTO auth_user_label (user_id, label) VALUES (%s, %s)", user_id, label)

    def login(self, name: str, **options: Any) -> Any:
        chosen = SessionOptions(**options)
        return login(LoginRequest(name, PASSWORD, chosen), CALLER, self.issuing)

    def fits(self, name: str) -> bool:
        try:
            name.encode(COLUMNS[self.case][1])
        except UnicodeEncodeError:
            return False
        return self.case not in BASIC_PLANE_ONLY or max(map(ord, name)) < 0x10000


class Counted(CheapPasswords):
    def __init__(self, verified: list[str | None]) -> None:
        self._verified = verified

    def verify(self, password: str, password_hash: str | None) -> bool:
        self._verified.append(password_hash)
        return super().verify(password, password_hash)


def _convert(world: World, table: str, **columns: str) -> None:
    modified = ", ".join(f"MODIFY {name} {declared} NOT NULL" for name, declared in columns.items())
    world.sql(f"ALTER TABLE {table} {modified}")


@pytest.fixture(scope="module", params=COLUMNS)
def kept(request: pytest.FixtureRequest, database: DatabaseAddress, aws: LocalAws) -> Iterator[Portal]:
    """All texts of the Portal in one character set."""
    declared = COLUMNS[request.param][0]
    with new_world(database, aws) as world:
        if "_0900_" in declared and "MariaDB" in str(world.sql("SELECT VERSION() AS v")):
            pytest.skip("MariaDB has no such collation")
        short = declared.replace("255", "36")
        _convert(world, "auth_users", id=short, username=declared, status=short)
        world.sql(f"ALTER TABLE auth_users MODIFY password_hash {declared}")
        _convert(world, "auth_user_label", user_id=short, label=declared.replace("255", "64"))
        _convert(world, "user_config", user_id=short)
        world.sql(
            f"ALTER TABLE user_config MODIFY session_limit_action {declared}, MODIFY allowed_modes {declared}"
        )
        yield Portal(world, request.param)


@pytest.fixture
def counted(kept: Portal, monkeypatch: pytest.MonkeyPatch) -> Portal:
    """With the statements and connections written down."""
    kept.statements.clear()
    kept.verified.clear()

    def noting(call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            kept.statements.append(arguments[1] if len(arguments) > 1 else "")
            return call(*arguments)

        return noted

    for owner, name in ((Transaction, "query"), (Transaction, "execute"), (connection, "_connect")):
        monkeypatch.setattr(owner, name, noting(getattr(owner, name)))
    return kept


def unique(pattern: str) -> str:
    return pattern.format(uuid.uuid4().hex[:10])


# --- names


@pytest.mark.parametrize("pattern", NAMES.values(), ids=NAMES.keys())
def test_a_name_that_nobody_has_costs_the_same_whether_it_fits_or_not(counted: Portal, pattern: str) -> None:
    with pytest.raises(InvalidCredentials):
        counted.login(unique("nobody{}"))  # opens the connection, reads the keys
    counted.statements.clear()
    with pytest.raises(InvalidCredentials):
        counted.login(unique("nobody{}"))
    known_cost = list(counted.statements)
    counted.statements.clear()
    counted.verified.clear()

    with pytest.raises(InvalidCredentials):
        counted.login(unique(pattern))

    assert counted.statements == known_cost
    assert counted.verified == [None]


@pytest.mark.parametrize("case", [name for name in NAMES if "NUL" not in name and "longer" not in name])
def test_a_name_that_fits_signs_in_whatever_its_spelling(kept: Portal, case: str) -> None:
    pattern = NAMES[case]
    name = canonical_username(unique(pattern))
    if not kept.fits(name):
        with pytest.raises(pymysql.err.MySQLError):
            kept.user(name)
        return
    user_id = kept.user(name)

    for spelling in SPELLINGS.values():
        answer = kept.login(spelling(name))
        assert kept.world.row(answer.session_id)["user_id"] == user_id


def test_names_that_only_the_collation_folds_are_two_users(kept: Portal) -> None:
    """Of a column that holds them apart; where it does not, the second is nobody's name."""
    plain = unique("e{}")
    accented = "é" + plain[1:]
    user_id = kept.user(plain)
    try:
        other_id = kept.user(accented)
    except pymysql.err.MySQLError:
        with pytest.raises(InvalidCredentials):
            kept.login(accented)
    else:
        assert kept.world.row(kept.login(accented).session_id)["user_id"] == other_id
    assert kept.world.row(kept.login(plain).session_id)["user_id"] == user_id


# --- ids, states, labels, preferences


def test_every_way_in_and_every_end_works_on_such_tables(kept: Portal) -> None:
    name = unique("alice{}")
    user_id = kept.user(name)
    other_id = kept.user(unique("bob{}"))
    kept.label(user_id, "admin")
    kept.label(other_id, "other")
    kept.world.sql("INSERT INTO user_config (user_id, access_ttl_s) VALUES (%s, 77)", user_id)
    kept.world.sql("UPDATE user_config SET session_limit_action = 'deny'")
    remembered = SessionOptions(device=DeviceRequest(remember=True))

    answer = kept.login(name, device=DeviceRequest(remember=True))
    issued = issue(IssueRequest(user_id, ("sso",), options=remembered), CALLER, kept.issuing)
    exchanged = exchange_device_token(ExchangeRequest(issued.device_token or ""), CALLER, kept.issuing)
    refreshed = kept.world.refresh(answer.token)

    claims = validate(
        Credential(Transport.BEARER, refreshed.access_token or ""), kept.sessions.validation
    ).claims
    assert (claims.sub, claims.labels, claims.exp - claims.iat) == (user_id, ("admin",), 77)
    listed = list_sessions(user_id, 10, None, kept.sessions)
    assert {uuid_text(view.record.id) for view in listed.sessions} == {
        answer.session_id,
        exchanged.session_id,
    }
    assert revoke_user(user_id, RevokeReason.ADMIN, "", kept.sessions) == 4
    again = issue(IssueRequest(user_id, ("sso",)), CALLER, kept.issuing)
    at = kept.world.clock.now
    assert end_what_began_before(UserChange(user_id, RevokeReason.USER_DISABLED, at), kept.sessions) == 2
    with pytest.raises(InvalidGrant):
        kept.world.refresh(again.token)


def test_a_password_hash_is_upgraded_and_a_disabled_user_refused_on_such_tables(kept: Portal) -> None:
    name = unique("alice{}")
    user_id = kept.user(name)
    real = wiring.issuing(kept.world.environment())

    login(LoginRequest(name, PASSWORD), CALLER, replace(real, limiter=NoLimits()))

    [row] = kept.world.sql(
        "SELECT CONVERT(password_hash USING utf8mb4) AS h FROM auth_users WHERE id = %s", user_id
    )
    assert row["h"].startswith("$argon2id$")
    kept.world.sql("UPDATE auth_users SET status = 'disabled' WHERE id = %s", user_id)
    with pytest.raises(InvalidCredentials):
        login(LoginRequest(name, PASSWORD), CALLER, replace(real, limiter=NoLimits()))


def test_an_id_in_another_case_is_another_users(kept: Portal) -> None:
    """A collation that ignores case finds a row by it; the session would serve whoever has that row."""
    name = unique("alice{}")
    user_id = kept.user(name, user_id=unique("a{}"))
    other = user_id.upper()
    kept.login(name)

    with pytest.raises(AccessDenied):
        issue(IssueRequest(other, ("sso",)), CALLER, kept.issuing)
    with pytest.raises(NotFound):
        revoke_user(other, RevokeReason.ADMIN, "", kept.sessions)
    at = kept.world.clock.now
    assert end_what_began_before(UserChange(other, RevokeReason.USER_DISABLED, at), kept.sessions) == 0


def test_a_session_serves_nobody_whose_id_differs_by_case(kept: Portal) -> None:
    name = unique("alice{}")
    user_id = kept.user(name, user_id=unique("a{}"))
    answer = kept.login(name)
    kept.world.sql("UPDATE auth_users SET id = %s WHERE id = %s", user_id.upper(), user_id)

    with pytest.raises(InvalidGrant):
        kept.world.refresh(answer.token)


def test_no_label_or_preference_is_taken_from_an_id_in_another_case(kept: Portal) -> None:
    name = unique("alice{}")
    user_id = kept.user(name, user_id=unique("a{}"))
    kept.label(user_id.upper(), "admin")
    kept.world.sql("INSERT INTO user_config (user_id, access_ttl_s) VALUES (%s, 77)", user_id.upper())

    answer = kept.login(name)

    claims = validate(
        Credential(Transport.BEARER, answer.access_token or ""), kept.sessions.validation
    ).claims
    assert (claims.labels, claims.exp - claims.iat) == ((), kept.world.settings.access_ttl_s)


LABELS = ["admin", "é", 'quoted " and \\', "back\\slash"]


def test_labels_come_as_they_are_kept(kept: Portal) -> None:
    name = unique("alice{}")
    user_id = kept.user(name)
    wanted = [label for label in [*LABELS, "Ω", "😀"] if kept.fits(label)]
    for label in wanted:
        kept.label(user_id, label)

    account = kept.issuing.portal.account_by_id(user_id)

    assert account is not None
    assert account.user.labels == tuple(sorted(wanted))


@pytest.mark.parametrize(
    "statement",
    [portal.SELECT_ACCOUNT_BY_NAME, portal.SELECT_ACCOUNT_BY_ID, token_table.SELECT_TOKEN],
    ids=["by name", "by id", "of a token"],
)
def test_each_look_up_goes_by_an_index(kept: Portal, statement: str) -> None:
    rows = [(str(uuid.uuid4()), f"many{i}{uuid.uuid4().hex[:8]}", HASH) for i in range(60)]
    for user_id, name, _ in rows:
        kept.user(name, user_id)
        kept.label(user_id, "x")
        kept.world.sql("INSERT INTO user_config (user_id) VALUES (%s)", user_id)
    answer = kept.login(rows[30][1])
    kept.world.sql("ANALYZE TABLE auth_users, user_config, auth_user_label, auth_user_tokens")
    wanted: object = {
        portal.SELECT_ACCOUNT_BY_NAME: rows[30][1],
        portal.SELECT_ACCOUNT_BY_ID: rows[30][0],
        token_table.SELECT_TOKEN: uuid.UUID(answer.session_id).bytes,
    }[statement]

    plan = kept.world.sql(f"EXPLAIN FORMAT=TRADITIONAL {own_sql(statement).replace('%(id)s', '%s')}", wanted)

    read = {row["table"]: row["type"] for row in plan if row["table"] in ("t", "u", "c", "l")}
    assert set(read) >= {"u", "c", "l"}
    assert set(read.values()) <= {"const", "eq_ref", "ref"}, read
