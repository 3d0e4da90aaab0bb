"""`make traffic`: calm people get on with their work, and every planted attack is found by its name."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from auth_tokens.domain.analytics.findings import Rule
from local.__main__ import INTERRUPTED
from local.__main__ import main as program
from local.client import Client
from local.host.ports import free_port
from local.seed import USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from local.traffic import planting
from local.traffic.attacks import ATTACKS, Attack
from local.traffic.population import Population, Steps
from local.traffic.program import main
from local.traffic.turns import Turns
from tests.conftest import new_stack

if TYPE_CHECKING:
    import pymysql
    from pymysql.cursors import Cursor

PEOPLE = 12
SHORT = ("--users", "1", "--seconds", "1")


@pytest.fixture(scope="module")
def stack(
    database: DatabaseAddress, administrator: "pymysql.Connection[Cursor]", aws: LocalAws
) -> Iterator[LocalStack]:
    """A stack of its own: what other tests did would be analysed, too, and each kind of hash that their users have
    makes each sign-in slower. The retry window is over before the thief's first try."""
    with new_stack(database, administrator, aws, "inprocess", {"RetryWindowS": "1"}) as started:
        yield started


@pytest.fixture
def here(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> LocalStack:
    """The service that this checkout has started."""
    monkeypatch.setenv("LOCAL_STATE_DIR", str(stack.state_dir))
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return stack


def test_every_rule_is_planted() -> None:
    assert {attack.rule for attack in ATTACKS if attack.rule} == set(Rule)


def test_a_run_finds_each_planted_attack_by_its_rule_and_no_calm_person(
    here: LocalStack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--users", str(PEOPLE), "--seconds", "3", "--seed", "7"]) == 0

    lines = capsys.readouterr().out.splitlines()
    rows = {attack.name: [line for line in lines if line.startswith(attack.name)][-1] for attack in ATTACKS}
    expected = {attack.name: attack.expected or "refused by its tag" for attack in ATTACKS}
    assert [name for name, row in rows.items() if expected[name] not in row] == []
    assert f"Nothing was found about the {PEOPLE} calm people." in lines
    people = [line.split() for line in lines if line.startswith("people ")]
    assert {answer for *_, answer, _ in people} <= {"200", "204"}
    assert people[-1] == ["people", "sign", "in", "200", str(PEOPLE)]
    address, operator = lines[-2:]
    assert address == f"See them: {here.base_url}/pages/security"
    assert Client(here.base_url).get("/pages/security").status == 200
    assert USERS[0].username in operator


def nothing(population: Population) -> Steps:
    yield 0


def test_an_attack_that_is_not_found_is_named_and_fails(
    here: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(planting, "ATTACKS", (Attack("nothing at all", nothing, rule=Rule.DEVICE_BURST),))

    assert main(SHORT) == 1

    assert "NOT FOUND: nothing at all" in capsys.readouterr().out


def test_an_interrupted_run_prints_what_it_has(
    here: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(Turns, "run", interrupted)

    assert program(["traffic", *SHORT]) == INTERRUPTED

    printed = capsys.readouterr().out
    assert "not planted: the run ended before" in printed
    assert "/pages/security" in printed


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--users", "0"], "argument --users: a whole number of people from 1 to 500, not '0'"),
        (["--users", "501"], "argument --users: a whole number of people from 1 to 500, not '501'"),
        (["--users", "ten"], "argument --users: a whole number of people from 1 to 500, not 'ten'"),
        (["--seconds", "abc"], "argument --seconds: seconds from 1 to 3600, not 'abc'"),
        (["--seconds", "nan"], "argument --seconds: seconds from 1 to 3600, not 'nan'"),
        (["--seconds", "0.5"], "argument --seconds: seconds from 1 to 3600, not '0.5'"),
        (["--seed", "x"], "argument --seed: invalid int value: 'x'"),
        (["--what"], "unrecognized arguments: --what"),
    ],
    ids=" ".join,
)
def test_a_wrong_argument_is_refused_in_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)

    assert stopped.value.code == 2
    assert capsys.readouterr().err == f"make traffic: {told}\n"


@pytest.mark.parametrize("port", ["", "none", "of another"], ids=["nothing runs", "no port", "another's"])
def test_no_service_of_this_checkout_is_said_in_one_line_and_nothing_is_sent(
    stack: LocalStack,
    port: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ports = {"": str(free_port()), "of another": str(stack.port)}
    monkeypatch.setenv("LOCAL_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("PORT", ports.get(port, port))

    assert main([]) == 1

    told = {"": "start `make run` first", "none": "PORT must be a port number", "of another": "left alone"}
    error = capsys.readouterr().err
    assert error.startswith("make traffic: ")
    assert told[port] in error
    assert error.count("\n") == 1


def test_a_service_that_goes_away_ends_it_in_one_line(
    here: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(population: Population) -> Steps:
        Client("http://127.0.0.1:1").get("/")
        yield 0

    monkeypatch.setattr(planting, "ATTACKS", (Attack("gone", gone),))

    assert main(SHORT) == 1

    error = capsys.readouterr().err
    assert error.startswith(f"make traffic: {here.base_url} does not answer any more: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("count", [0, 1001, "3", None, 2.5])
def test_a_population_is_bounded(stack: LocalStack, count: object) -> None:
    reply = Client(stack.base_url).post("/_local/users", {"count": count})

    assert reply.status == 400
    assert reply.json["message"].startswith("count ")
