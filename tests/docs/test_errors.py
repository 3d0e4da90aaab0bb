"""docs/reference/errors.md has every error: its status, code and class."""

import importlib

from auth_tokens.domain.errors import RateLimited, StepUpNeeded, TokenServiceError, Unavailable
from auth_tokens.web.errors import MethodNotAllowed
from auth_tokens.web.request_body import MAX_BODY_BYTES
from auth_tokens.web.responses import REALM, error_response, server_error
from tests.docs.markdown import DOCS, ROOT, table

PAGE = DOCS / "reference" / "errors.md"
ROWS = table(PAGE, "Errors", "Status").rows
NO_BODY = "(no body)"
ARGUMENTS = {
    RateLimited: (7,),
    MethodNotAllowed: ("GET",),
    Unavailable: ("detail",),
    StepUpNeeded: (("acr",), 60),
}


def _leaves(base: type[TokenServiceError]) -> set[type[TokenServiceError]]:
    below = {leaf for kind in base.__subclasses__() for leaf in _leaves(kind)}
    return below or {base}


def _errors() -> dict[str, TokenServiceError]:
    kinds = {kind for kind in _leaves(TokenServiceError) if kind.__module__.startswith("auth_tokens.")}
    return {kind.__name__: kind(*ARGUMENTS.get(kind, ("text",))) for kind in kinds}


def test_every_error_of_the_tree_has_its_row() -> None:
    importlib.import_module("auth_tokens.web.errors")

    assert {row["Class"].strip("`") for row in ROWS} - {"(any other exception)"} == set(_errors())


def test_a_row_has_the_status_and_code_that_are_answered() -> None:
    errors = _errors()
    for row in ROWS:
        name = row["Class"].strip("`")
        response = error_response(errors[name]) if name in errors else server_error()
        code = response.body["error"] if response.body else NO_BODY

        assert (row["Status"], row["`error`"].strip("`")) == (str(response.status), code), name


def test_rows_name_the_headers_that_are_answered() -> None:
    errors = _errors()
    for row in ROWS:
        name = row["Class"].strip("`")
        headers = error_response(errors[name]).headers if name in errors else {}
        for header in ("Retry-After", "WWW-Authenticate", "Allow"):
            is_reserved = row["Meaning"].startswith("reserved")

            assert is_reserved or (header in headers) == (f"`{header}" in row["Meaning"]), (name, header)


def test_the_numbers_in_the_page_are_the_codes() -> None:
    text = PAGE.read_text("utf-8")

    assert f"{MAX_BODY_BYTES:,} bytes" in text
    assert f'realm="{REALM}"' in text


def test_an_error_marked_reserved_is_raised_nowhere() -> None:
    paths = [path for folder in ("layers", "functions") for path in (ROOT / folder).rglob("*.py")]
    sources = [path.read_text("utf-8") for path in paths]
    for row in ROWS:
        name = row["Class"].strip("`")
        is_raised = any(f"raise {name}(" in source for source in sources)

        assert is_raised != row["Meaning"].startswith("reserved") or name.startswith("(any"), name
