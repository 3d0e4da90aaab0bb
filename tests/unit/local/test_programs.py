"""The programs of the Makefile, as the first argument names them."""

from typing import NoReturn

import pytest

from local.__main__ import INTERRUPTED, main


@pytest.mark.parametrize(
    ("arguments", "program", "name"),
    [
        ([], "local.run.run", "run"),
        (["demo"], "local.demo.main", "demo"),
        (["traffic", "--seed", "7"], "local.traffic.program.main", "traffic"),
        (["doctor"], "local.foreign.main", "doctor"),
    ],
)
def test_an_interrupted_program_says_so_in_one_line(
    arguments: list[str],
    program: str,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(program, interrupted)

    assert main(arguments) == INTERRUPTED

    assert capsys.readouterr().err.splitlines()[-1] == f"make {name}: interrupted"


def test_a_program_that_there_is_not_is_named() -> None:
    with pytest.raises(ValueError, match="no program 'dmeo'"):
        main(["dmeo"])
