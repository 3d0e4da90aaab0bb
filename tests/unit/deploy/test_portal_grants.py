"""The rights on the Portal's tables follow from the mapping: columns alone; a write only where hashes are upgraded."""

import json
from pathlib import Path

import pytest

from deploy.database_users import CLASSES, Login, grants_sql
from deploy.portal_grants import NoMapping, portal_grants, read_document
from deploy.rights import Right, missing, needed_by, rights_in, surplus

FOLDER = Path(__file__).parents[3] / "portal"
LOGINS = {name: Login(name, "x" * 16) for name in CLASSES}
KNEX = read_document(FOLDER / "knex-integer.json")


def test_a_portal_with_a_schema_of_its_own_gives_columns_alone() -> None:
    assert list(portal_grants(KNEX, "auth_tokens")) == [
        *(
            f"GRANT SELECT ({columns}) ON portal.`auth_users` TO {{{user_class}}}@'%'"
            for user_class, columns in (
                ("reader", "`id`, `email`, `is_active`, `deleted_at`, `created_at`, `password_changed_at`"),
                (
                    "writer",
                    "`id`, `email`, `is_active`, `deleted_at`, `created_at`, `password_changed_at`, `password`",
                ),
            )
        ),
        "GRANT SELECT (`user_id`, `preferences`) ON portal.`user_config` TO {reader}@'%'",
        "GRANT SELECT (`user_id`, `preferences`) ON portal.`user_config` TO {writer}@'%'",
        "GRANT SELECT (`user_id`, `label_id`) ON portal.`auth_user_label` TO {reader}@'%'",
        "GRANT SELECT (`user_id`, `label_id`) ON portal.`auth_user_label` TO {writer}@'%'",
        "GRANT SELECT (`id`, `name`) ON portal.`auth_labels` TO {reader}@'%'",
        "GRANT SELECT (`id`, `name`) ON portal.`auth_labels` TO {writer}@'%'",
        *(
            f"GRANT {privilege} ON portal.`auth_user_tokens` TO {{writer}}@'%'"
            for privilege in (
                "SELECT (`id`, `user_id`, `token`, `type`, `revoked_at`, `expires_at`, `created_at`, `user_agent`)",
                "UPDATE (`expires_at`)",
            )
        ),
    ]


def test_a_write_is_given_only_where_hashes_are_upgraded() -> None:
    default = read_document(FOLDER / "default.json")
    written = [grant for grant in portal_grants(default, "s") if "UPDATE" in grant]

    assert written == ["GRANT UPDATE (`password_hash`) ON s.`auth_users` TO {writer}@'%'"]
    assert not [grant for grant in portal_grants(KNEX, "s") if "UPDATE" in grant and "auth_users" in grant]


def test_a_table_of_tokens_that_is_left_alone_is_read_only() -> None:
    left = read_document(FOLDER / "uuid-bytes.json")

    assert not [grant for grant in portal_grants(left, "s") if "UPDATE" in grant]


def test_with_a_mapping_nothing_is_given_on_the_tables_that_local_mode_makes() -> None:
    statements = grants_sql("auth_tokens", LOGINS, KNEX)
    without = grants_sql("auth_tokens", LOGINS)

    assert not [
        sql for sql in statements if "auth_tokens.auth_users" in sql or "auth_tokens.user_config" in sql
    ]
    assert len(without) - 6 == len(statements) - len(list(portal_grants(KNEX, "auth_tokens")))
    assert {sql.split(" ON ")[1].split()[0] for sql in set(without) - set(statements)} == {
        *("auth_tokens.auth_users", "auth_tokens.user_config", "auth_tokens.auth_user_label")
    }


def test_what_a_class_needs_and_what_it_has_too_much_is_by_the_mapping() -> None:
    needed = needed_by("reader", "auth_tokens", KNEX)
    had = rights_in(
        [
            {"privileges": "SELECT (id, email, password)", "on": "portal.auth_users"},
            {"privileges": "USAGE", "on": "*.*"},
        ]
    )

    assert Right("SELECT", "portal.auth_users", "is_active") in missing(needed, had)
    assert surplus(needed, had) == [Right("SELECT", "portal.auth_users", "password")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"users": 1}',
        json.dumps({**KNEX, "users": {**KNEX["users"], "table": "a`; DROP TABLE b"}}),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "map.json").write_text(text)

    with pytest.raises(NoMapping, match=r"map\.json is no mapping .*: look at docs"):
        read_document(tmp_path / "map.json")
