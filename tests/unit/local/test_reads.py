"""What local mode serves to a GET: the landing page, the run's id, metrics, logs, and the API's reference page."""

import json
from pathlib import Path

import pytest

from local.landing import Landing
from local.parameters import own_parameters
from local.reads import Reference, log_file, reads
from local.running import Mark
from local.seed import USERS

MARK = Mark(3000, 7, "0011")
LANDING = Landing(MARK, "MariaDB", own_parameters(MARK.base_url), USERS, None, True)
NO_REFERENCE = Reference(Path("/nowhere"), Path("/nowhere"))


def test_the_id_of_the_run_is_served_and_nothing_else_of_it() -> None:
    response = reads(LANDING, None, NO_REFERENCE)["/_local/running"]("")

    assert (response.status, json.loads(response.body)) == (200, {"id": "0011"})


def test_the_page_of_metrics_is_text() -> None:
    response = reads(LANDING, lambda: "größte 1\n", NO_REFERENCE)["/_local/metrics"]("")

    assert (response.status, response.body) == (200, "größte 1\n".encode())
    assert dict(response.headers)["Content-Type"] == "text/plain; charset=utf-8"


def test_a_runner_without_metrics_has_no_page_of_them() -> None:
    assert "/_local/metrics" not in reads(LANDING, None, NO_REFERENCE)


@pytest.mark.parametrize("path", ["/", "/_local/landing.css", "/_local/metrics"])
def test_a_page_runs_no_script_is_in_no_frame_and_is_read_by_no_other_origin(path: str) -> None:
    headers = dict(reads(LANDING, lambda: "", NO_REFERENCE)[path]("").headers)

    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert headers["Cross-Origin-Resource-Policy"] == headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers


def test_a_log_is_text_and_of_a_long_one_the_end_is_shown(tmp_path: Path) -> None:
    (tmp_path / "IssueFunction.log").write_bytes(b"x" * 300_000 + b"the end\n")

    response = log_file(tmp_path, "IssueFunction.log")

    assert (response.status, len(response.body)) == (200, 262_144)
    assert response.body.endswith(b"xthe end\n")
    assert dict(response.headers)["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../secret.log",
        "logs/../../secret.log",
        "%2e%2e/secret.log",
        "..\\secret.log",
        "/etc/passwd",
        "link.log",
        "folder.log",
        "other.txt",
        "IssueFunction.log\0",
        "IssueFunction.log/",
    ],
)
def test_what_is_no_log_of_the_folder_is_not_found(tmp_path: Path, name: str) -> None:
    logs = tmp_path / "logs"
    (logs / "folder.log").mkdir(parents=True)
    (logs / "IssueFunction.log").write_text("{}\n")
    (logs / "other.txt").write_text("secret")
    (tmp_path / "secret.log").write_text("secret")
    (logs / "link.log").symlink_to(tmp_path / "secret.log")

    assert log_file(logs, name).status == 404


def test_the_reference_page_is_served_with_its_files(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<h1>größte</h1>", "utf-8")
    (tmp_path / "start.js").write_text("1", "utf-8")
    reference = Reference(tmp_path, Path("/nowhere"))

    page, script = reference.file(""), reference.file("start.js")

    assert (page.status, page.body.decode()) == (200, "<h1>größte</h1>")
    assert dict(page.headers)["Content-Type"] == "text/html; charset=utf-8"
    assert "frame-ancestors 'none'" in dict(page.headers)["Content-Security-Policy"]
    assert dict(script.headers)["Content-Type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize("name", ["", "index.html", "../secret.html", "a/b.html", "..", "."])
def test_a_reference_page_without_its_renderer_says_what_fetches_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.html").write_text("x", "utf-8")
    (tmp_path / "reference").mkdir()

    response = Reference(tmp_path / "reference", Path("/nowhere")).file(name)

    assert response.status == 404
    assert "make docs" in json.loads(response.body)["message"]
