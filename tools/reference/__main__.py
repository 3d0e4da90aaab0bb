"""`make docs`: the reference page of the API, from docs/openapi.yaml by Swagger UI, as files that any server can serve.

Usage: python -m tools.reference FOLDER
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from local.host.paths import ROOT

DOCUMENT = ROOT / "docs" / "openapi.yaml"
RENDERER = Path(__file__).parent / "node_modules" / "swagger-ui-dist"
RENDERER_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")

INDEX = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>auth-user-tokens: the API</title>
<link rel="icon" href="favicon-32x32.png">
<link rel="stylesheet" href="swagger-ui.css">
</head>
<body>
<main id="reference"></main>
<script src="swagger-ui-bundle.js"></script>
<script src="start.js"></script>
</body>
</html>
"""
# No validator: it would send the document to a service on the Internet.
START = """SwaggerUIBundle({
  url: 'openapi.json', dom_id: '#reference', deepLinking: true, validatorUrl: 'none', defaultModelsExpandDepth: 0,
});
"""


def write_reference(folder: Path) -> None:
    """The page with all that it loads. Routes that are internal to the service's own pages are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in RENDERER_FILES:
        shutil.copyfile(RENDERER / name, folder / name)
    document = public(yaml.safe_load(DOCUMENT.read_text("utf-8")))
    (folder / "openapi.json").write_text(json.dumps(document), "utf-8")
    (folder / "start.js").write_text(START, "utf-8")
    (folder / "index.html").write_text(INDEX, "utf-8")


def public(document: dict[str, Any]) -> dict[str, Any]:
    """The document without its internal operations, and the tags and paths that are empty then. The renderer knows no
    code samples, so they stand in the descriptions."""
    paths = {path: _public_operations(item) for path, item in document["paths"].items()}
    kept = {path: item for path, item in paths.items() if item}
    used = {tag for item in kept.values() for operation in item.values() for tag in _tags(operation)}
    return {**document, "paths": kept, "tags": [tag for tag in document["tags"] if tag["name"] in used]}


def _public_operations(item: dict[str, Any]) -> dict[str, Any]:
    kept = {
        key: _with_samples(value) if _tags(value) else value
        for key, value in item.items()
        if not (isinstance(value, dict) and value.get("x-internal"))
    }
    return kept if any(_tags(value) for value in kept.values()) else {}


def _with_samples(operation: dict[str, Any]) -> dict[str, Any]:
    samples = [
        f"{sample['label']}:\n\n```{sample['lang'].lower()}\n{sample['source']}```"
        for sample in operation.get("x-codeSamples", [])
    ]
    if not samples:
        return operation
    return {**operation, "description": "\n\n".join([operation["description"], *samples])}


def _tags(operation: Any) -> list[str]:
    return operation.get("tags", []) if isinstance(operation, dict) else []


if __name__ == "__main__":
    write_reference(Path(sys.argv[1]))
    print(f"{sys.argv[1]}/index.html")
