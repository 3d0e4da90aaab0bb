"""`python -m deploy STACK smoke` against a real local stack, a whole one and ones with faults."""

import io
from collections.abc import Iterator
from typing import Any

import pytest

from deploy import __main__ as command
from deploy.smoke import FROM_ENVIRONMENT
from local.client import Client
from local.host.ports import free_port
from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.conftest import new_stack

ALICE = USERS[0].username
CAROL = USERS[2].username  # disabled
Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FROM_ENVIRONMENT, PASSWORD)


def smoke(url: str, *more: str, user: str = ALICE) -> int:
    return command.main(["local", "smoke", "--user", user, "--url", url, *more])


def test_a_whole_stack_is_well(stack: LocalStack, capsys: Said) -> None:
    assert smoke(stack.base_url) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert len(lines) == 9


def test_nothing_is_left_behind(stack: LocalStack) -> None:
    client = Client(stack.base_url)
    token = client.post("/auth/login", {"username": ALICE, "password": PASSWORD}).json["access_token"]

    def live() -> set[str]:
        return {each["session_id"] for each in client.get("/auth/sessions", bearer=token).json["sessions"]}

    before = live()
    assert smoke(stack.base_url) == 0
    assert live() <= before  # the oldest makes room where others' tests have left as many as may be


def test_the_password_comes_by_standard_input_too(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FROM_ENVIRONMENT)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))

    assert smoke(stack.base_url, "--password-stdin") == 0


def test_without_a_password_and_nobody_to_ask_it_says_so(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.delenv(FROM_ENVIRONMENT)
    monkeypatch.setattr("sys.stdin", io.StringIO())

    assert smoke(stack.base_url) == 2
    assert "There is no password" in capsys.readouterr().err


def test_there_is_no_argument_for_a_password(stack: LocalStack) -> None:
    with pytest.raises(SystemExit):
        smoke(stack.base_url, "--password", PASSWORD)


@pytest.mark.parametrize(
    ("user", "given"), [(ALICE, "wrong"), (CAROL, PASSWORD)], ids=["password", "disabled"]
)
def test_who_cannot_sign_in_is_red(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch, user: str, given: str, capsys: Said
) -> None:
    monkeypatch.setenv(FROM_ENVIRONMENT, given)

    assert smoke(stack.base_url, user=user) == 1
    printed = capsys.readouterr()
    assert f"WRONG {user} cannot sign in: POST /auth/login gives 401 invalid_credentials." in printed.out
    assert given not in printed.out + printed.err


@pytest.fixture
def elsewhere(database: DatabaseAddress, administrator: Any, aws: LocalAws) -> Iterator[LocalStack]:
    """A stack whose issuer is not where it is served."""
    given = {"Issuer": "https://tokens.elsewhere.test"}
    with new_stack(database, administrator, aws, "inprocess", given) as started:
        yield started


def test_an_issuer_that_is_not_where_it_is_served_is_red(elsewhere: LocalStack, capsys: Said) -> None:
    assert smoke(elsewhere.base_url) == 1
    assert (
        f"WRONG The issuer is https://tokens.elsewhere.test, but it is served at {elsewhere.base_url}"
        in capsys.readouterr().out
    )


@pytest.fixture
def without_a_database(database: DatabaseAddress, administrator: Any, aws: LocalAws) -> Iterator[LocalStack]:
    """A stack whose functions look for their database where nobody listens any more."""
    with new_stack(database, administrator, aws, "inprocess") as started:
        for spec in started.specs.values():
            spec.environment["DB_PORT"] = str(free_port())
        for name in list(started.specs):
            started.runner.drop(name)  # type: ignore[union-attr]
        yield started


def test_without_a_database_it_is_red(without_a_database: LocalStack, capsys: Said) -> None:
    assert smoke(without_a_database.base_url) == 1
    assert "cannot sign in: POST /auth/login gives 503 temporarily_unavailable" in capsys.readouterr().out


def test_where_one_says_so_no_spent_token_is_shown_again(stack: LocalStack, capsys: Said) -> None:
    """With RETRY_WINDOW_S=0, where that ends the session."""
    assert smoke(stack.base_url, "--no-repeat") == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert "again" not in " ".join(lines)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1", "cannot be reached: nobody listens there"),
        ("http://tokens.example", "would get a password and tokens unencrypted"),
        ("ftp://tokens.example", "is no address of a service"),
        ("tokens.example", "is no address of a service"),
        ("https://127.0.0.1:x", "is no address of a service"),
    ],
)
def test_what_cannot_be_asked_is_neither_well_nor_red(url: str, said: str, capsys: Said) -> None:
    assert smoke(url) == 2
    assert said in capsys.readouterr().err


def test_what_is_no_token_service_is_red(stack: LocalStack, capsys: Said) -> None:
    assert smoke(f"{stack.base_url}/nowhere") == 1
    assert "WRONG There is no metadata" in capsys.readouterr().out
