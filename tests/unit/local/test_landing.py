"""The landing page: what it says of a run, and that no text of anybody's becomes markup."""

from dataclasses import replace
from pathlib import Path

import pytest

from local.landing import Landing, log_names
from local.parameters import own_parameters
from local.running import Mark
from local.seed import PASSWORD, USERS

MARK = Mark(3001, 7, "0011")
LANDING = Landing(MARK, "MariaDB, portal on 127.0.0.1:3306", own_parameters(MARK.base_url), USERS, None, True)


def test_the_users_are_named_with_their_password_and_what_each_is_good_for() -> None:
    page = LANDING.page()

    assert PASSWORD in page
    assert [user.username for user in USERS if user.username in page and user.about in page] == [
        user.username for user in USERS
    ]


def test_where_the_users_are_the_portal_s_no_password_is_shown() -> None:
    page = replace(LANDING, users=()).page()

    assert PASSWORD not in page
    assert "The Portal's own users" in page
    assert not [user.username for user in USERS if user.username in page]


def test_settings_unlike_the_template_are_shown_and_the_port_is_in_the_command() -> None:
    parameters = {**LANDING.parameters, "AccessTtlS": "60", "AllowedOrigins": "http://localhost:5173"}

    page = replace(LANDING, parameters=parameters).page()

    assert "AccessTtlS=60 (default: 600)" in page
    assert "May call now: http://localhost:5173" in page
    assert "AllowedOrigins=http://localhost:5173&quot; PORT=3001" in page


def test_the_command_of_operators_and_the_attacks_are_named() -> None:
    page = LANDING.page()

    assert f"-m tokens_command --local --url {MARK.base_url} keys" in page
    assert "make traffic" in page
    assert "make traffic" not in replace(LANDING, users=()).page()


def test_without_its_renderer_the_api_is_said_to_need_a_command() -> None:
    assert "after `make docs`" in replace(LANDING, has_renderer=False).page()
    assert "make docs" not in LANDING.page()


@pytest.mark.parametrize("name", ["AdminLabel", "AllowedOrigins", "Audience"])
def test_a_text_of_anybody_s_is_no_markup(name: str) -> None:
    parameters = {**LANDING.parameters, name: "<script>$url</script>"}

    page = replace(LANDING, database="<b>$pid", parameters=parameters).page()

    assert "<script" not in page
    assert "&lt;script&gt;$url&lt;/script&gt;" in page
    assert "&lt;b&gt;$pid" in page


def test_logs_are_files_of_the_folder_itself(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "IssueFunction.log").write_text("{}\n")
    (logs / "other.txt").write_text("x")
    (logs / "folder.log").mkdir()
    (tmp_path / "kms-key.json").write_text("secret")
    (logs / "link.log").symlink_to(tmp_path / "kms-key.json")

    assert log_names(logs) == ["IssueFunction.log"]
    assert '<a href="/_local/logs/IssueFunction.log">' in replace(LANDING, logs=logs).page()
    assert "none yet" in replace(LANDING, logs=tmp_path / "none").page()
