"""What local mode serves to a GET under /_local: the run's id, metrics, and the files of the reference page."""

import json
from pathlib import Path

import pytest

from local.http.messages import GatewayResponse
from local.reads import reads, reference_file
from local.running import Mark

MARK = Mark(3000, 7, "0011")


def test_the_id_of_the_run_is_served_and_nothing_else_of_it() -> None:
    response = reads(MARK, None, Path("/nowhere"))["/_local/running"]("")

    assert (response.status, json.loads(response.body)) == (200, {"id": "0011"})


def test_the_page_of_metrics_is_text() -> None:
    response = reads(MARK, lambda: "größte 1\n", Path("/nowhere"))["/_local/metrics"]("")

    content_type = (("Content-Type", "text/plain; charset=utf-8"),)
    assert response == GatewayResponse(200, content_type, "größte 1\n".encode())


def test_a_runner_without_metrics_has_no_page_of_them() -> None:
    assert "/_local/metrics" not in reads(MARK, None, Path("/nowhere"))


def test_the_reference_page_is_served_with_its_files(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<h1>größte</h1>", "utf-8")
    (tmp_path / "start.js").write_text("1", "utf-8")

    page, script = (reference_file(tmp_path, name) for name in ("", "start.js"))

    assert (page.status, page.body.decode()) == (200, "<h1>größte</h1>")
    assert dict(page.headers)["Content-Type"] == "text/html; charset=utf-8"
    assert dict(script.headers)["Content-Type"] == "text/javascript"


@pytest.mark.parametrize("name", ["", "index.html", "../secret.html", "a/b.html", "..", "."])
def test_a_reference_page_that_was_not_written_says_how_to_write_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.html").write_text("x", "utf-8")
    (tmp_path / "reference").mkdir()

    response = reference_file(tmp_path / "reference", name)

    assert response.status == 404
    assert "make docs" in json.loads(response.body)["message"]
