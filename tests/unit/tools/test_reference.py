"""The reference page: what others call, and nothing of the service's own pages."""

import json
from pathlib import Path
from typing import Any

from tests.contract.document import DOCUMENT
from tools.reference.__main__ import INDEX, RENDERER_FILES, public, write_reference


def _operations(document: dict[str, Any]) -> set[str]:
    return {
        value["operationId"]
        for item in document["paths"].values()
        for value in item.values()
        if isinstance(value, dict)
    }


def test_the_public_document_leaves_out_what_is_internal_and_nothing_else() -> None:
    left_out = _operations(DOCUMENT) - _operations(public(DOCUMENT))

    internal = {
        value["operationId"]
        for item in DOCUMENT["paths"].values()
        for value in item.values()
        if isinstance(value, dict) and value.get("x-internal")
    }
    assert left_out == internal
    assert {tag["name"] for tag in DOCUMENT["tags"]} - {tag["name"] for tag in public(DOCUMENT)["tags"]} == {
        "pages"
    }


def test_the_page_loads_files_of_its_own_folder_alone(tmp_path: Path) -> None:
    write_reference(tmp_path)

    assert {file.name for file in tmp_path.iterdir()} == {
        *RENDERER_FILES,
        "index.html",
        "start.js",
        "openapi.json",
    }
    assert "//" not in INDEX
    assert json.loads((tmp_path / "openapi.json").read_text("utf-8"))["openapi"] == DOCUMENT["openapi"]
