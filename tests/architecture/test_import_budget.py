"""Cold starts: a fresh interpreter imports a handler with just the variables that the template gives it."""

import json
import subprocess
import sys
from functools import cache

import pytest

from local.host.paths import LAYER
from tests.architecture.deployment import FUNCTIONS, functions, starting

TOO_HEAVY = ["boto3", "botocore", "pydantic", "aws_lambda_powertools", "aws_xray_sdk", "argon2"]
AUTHORIZER_MAY_LOAD = {"auth_tokens", "app", "jwt", "cryptography", "pymysql"}
# Powertools brings jmespath and typing_extensions, and looks whether botocore is there to be told its name.
MAY_LOAD = AUTHORIZER_MAY_LOAD | {"aws_lambda_powertools", "jmespath", "typing_extensions", "botocore"}
HASHES_PASSWORDS = {"argon2", "_argon2_cffi_bindings"}
MORE = {"issue": HASHES_PASSWORDS, "refresh": HASHES_PASSWORDS}
# What cryptography itself loads: its compiled parts, and bcrypt where it finds it (for OpenSSH keys; 1 ms).
CRYPTOGRAPHY_LOADS = {"_cffi_backend", "_openssl", "bcrypt"}

# Prints the names of what the import of the handler loaded; whatever wants the network meanwhile fails.
IMPORT_HANDLER = """
import sys
before = set(sys.modules)

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise RuntimeError(f"{event} while importing")

sys.addaudithook(refuse)
import app
assert callable(app.handler)
import json
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@cache
def loaded_by(function: str) -> frozenset[str]:
    """The modules that a cold start of a function loads."""
    environment = {
        **starting(function, FUNCTIONS / function, LAYER),
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local-secret",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_HANDLER], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return frozenset(json.loads(done.stdout))


@pytest.fixture(scope="module")
def authorizer() -> frozenset[str]:
    return loaded_by("authorizer")


@pytest.mark.parametrize("module", TOO_HEAVY)
def test_the_authorizer_starts_without(module: str, authorizer: frozenset[str]) -> None:
    assert module not in authorizer


def test_the_authorizer_loads_nothing_from_elsewhere_but_its_three_libraries(
    authorizer: frozenset[str],
) -> None:
    others = {name.split(".")[0] for name in authorizer} - sys.stdlib_module_names

    assert others - AUTHORIZER_MAY_LOAD - CRYPTOGRAPHY_LOADS == set()


def test_the_authorizer_was_really_imported(authorizer: frozenset[str]) -> None:
    assert {"app", "jwt", "pymysql", "auth_tokens.web.authorizer"} <= authorizer


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_function_starts_with_the_template_s_variables_and_without_network(function: str) -> None:
    loaded = loaded_by(function)

    others = {name.split(".")[0] for name in loaded} - sys.stdlib_module_names
    budget = {"authorizer": AUTHORIZER_MAY_LOAD}.get(function, MAY_LOAD) | MORE.get(function, set())

    assert "app" in loaded
    assert others - CRYPTOGRAPHY_LOADS <= budget
    assert not {name for name in loaded if name.startswith("botocore.")}, (
        "AWS clients come at their first use"
    )


@pytest.mark.parametrize("function", ["authorizer", "issue", "refresh", "revoke", "sessions"])
def test_what_checks_a_proof_is_loaded_with_the_first_proof(function: str) -> None:
    """Most clients send none, and no cold start pays for them."""
    proving = {
        "auth_tokens.adapters.access_jwt.proofs",
        "auth_tokens.adapters.replay_memory",
        "auth_tokens.bootstrap.own_proofs",
        "auth_tokens.bootstrap.proofs",
        "auth_tokens.usecases.proofs",
        "auth_tokens.web.gateway_places",
        "auth_tokens.web.proofs",
    }
    loaded = loaded_by(function)

    assert not proving & loaded
    assert not {name for name in loaded if name.startswith("auth_tokens.domain.dpop")}


@pytest.mark.parametrize(
    ("function", "use_cases"),
    [
        ("authorizer", {"by_feed", "validate"}),
        ("cleanup", {"cleanup", "settle_revocations"}),
        ("discovery", set()),
        ("migrate", set()),
        ("rotate_keys", {"rotate_keys"}),
    ],
)
def test_a_function_without_sessions_loads_no_use_case_of_theirs(function: str, use_cases: set[str]) -> None:
    prefix = "auth_tokens.usecases."

    assert {name.removeprefix(prefix) for name in loaded_by(function) if name.startswith(prefix)} == use_cases


def test_the_authorizer_loads_of_our_own_what_an_access_token_needs_and_nothing_else(
    authorizer: frozenset[str],
) -> None:
    """The rest comes with the first cookie. Each of these is paid for by every cold start: a new one is a decision."""
    packages = {
        "",
        ".adapters",
        ".adapters.access_jwt",
        ".adapters.mysql",
        ".bootstrap",
        ".domain",
        ".usecases",
        ".web",
    }
    modules = {
        ".bootstrap.authorizing",
        ".bootstrap.key_table",
        ".bootstrap.container",
        ".bootstrap.first_proof",
        ".bootstrap.public_keys",
        ".bootstrap.telemetry",
        ".settings",
        ".observability",
        ".domain.ages",
        ".domain.base64url",
        ".domain.bounds",
        ".domain.claims",
        ".domain.credentials",
        ".domain.errors",
        ".domain.acr",
        ".domain.cutoffs",
        ".domain.ids",
        ".domain.keys",
        ".domain.labels",
        ".domain.nesting",
        ".domain.origins",
        ".domain.requirements",
        ".domain.route_scopes",
        ".domain.scopes",
        ".usecases.by_feed",
        ".usecases.validate",
        ".adapters.access_jwt.algorithms",
        ".adapters.access_jwt.jws",
        ".adapters.access_jwt.verifier",
        ".adapters.lru",
        ".adapters.mysql.bounded_socket",
        ".adapters.mysql.connection",
        ".adapters.mysql.iam_login",
        ".adapters.mysql.keys_version",
        ".adapters.mysql.keys",
        ".adapters.mysql.revocations",
        ".adapters.mysql.times",
        ".adapters.ids_by_span",
        ".adapters.log_numbers",
        ".adapters.mysql.cutoffs",
        ".adapters.recent_ids",
        ".adapters.revocation_feed",
        ".adapters.revocation_log",
        ".adapters.revoked_rows",
        ".time_left",
        ".web.authorizer",
        ".web.credentials",
        ".web.request_head",
        ".web.iam_policy",
    }

    ours = {name.removeprefix("auth_tokens") for name in authorizer if name.split(".")[0] == "auth_tokens"}

    assert ours == packages | modules
