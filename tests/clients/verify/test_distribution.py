"""The distribution of auth_tokens_verify is whole, and has of the layer only what it is made of."""

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.source import imports_of

SHARED = Path(__file__).parents[3] / "layers" / "shared"
PROJECT = tomllib.loads((SHARED / "pyproject.toml").read_text("utf-8"))
LISTED = set(PROJECT["tool"]["setuptools"]["py-modules"])
PACKAGE = "auth_tokens_verify"
FILES = {
    ".".join(path.relative_to(SHARED).with_suffix("").parts): path
    for path in SHARED.glob("auth_tokens*/**/*.py")
}

# Whatever the distribution does not say that it needs cannot be imported.
IMPORT_ALL = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("pymysql", "boto3", "argon2", "aws_lambda_powertools", "bcrypt", "fastapi"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuse())
sys.path.insert(0, sys.argv[1])
from auth_tokens_verify import Refusal, Verifier
import auth_tokens_verify.asgi, auth_tokens_verify.wsgi
assert auth_tokens_verify.__file__.startswith(sys.argv[1])
verdict = Verifier("https://tokens.test", "portal").check({"Authorization": "Bearer x"})
assert isinstance(verdict, Refusal) and verdict.status == 401
"""


class WithoutTypes(ast.NodeTransformer):
    """Leaves out what is imported for type checkers alone."""

    def visit_If(self, node: ast.If) -> ast.If | None:
        is_for_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return None if is_for_types else node


def file_of(module: str) -> str:
    return module if module in FILES else f"{module}.__init__"


def needed() -> set[str]:
    """The files that the package's own lead to by their imports, and the packages around these."""
    found: set[str] = set()
    ahead = [name for name in FILES if name.startswith(PACKAGE)]
    while ahead:
        name = file_of(ahead.pop())
        if name not in FILES or name in found:
            continue
        found.add(name)
        tree = WithoutTypes().visit(ast.parse(FILES[name].read_text("utf-8")))
        ahead += [item.target for item in imports_of(tree)]
        ahead += [name.rsplit(".", count)[0] for count in range(1, name.count(".") + 1)]
    return found


def test_it_lists_the_modules_of_the_layer_that_it_imports_and_no_other() -> None:
    assert {name for name in needed() if not name.startswith(PACKAGE)} == LISTED


def test_its_files_alone_verify_without_database_and_aws(tmp_path: Path) -> None:
    for name in LISTED:
        target = tmp_path / FILES[name].relative_to(SHARED)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FILES[name], target)
    shutil.copytree(SHARED / PACKAGE, tmp_path / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))

    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", IMPORT_ALL, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
