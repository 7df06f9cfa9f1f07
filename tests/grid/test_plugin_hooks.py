"""What a user's own method declares badly is one line, before any run."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.base.errors import BenchError
from bench.base.task import Task
from bench.cli import main
from bench.grid import grid, readings
from bench.grid.choice import MethodChoice
from bench.grid.protocol import Protocol
from bench.grid.selection import Selection
from bench.tuning.space import space_of

HEAD = """
from typing import Any
from pydantic import Field
from methods.method import Method, Parameters

class Mine(Method):
    summary = reference = "mine"
"""
PARAMS = {
    "plain": ("class Params: std = 1.0", "Params is no subclass of Parameters"),
    "no default": ("class Params(Parameters): std: float", "parameter std has no default"),
    "wrong": (
        "class Params(Parameters): std: float = Field(-1, ge=0)",
        "the defaults of Params fails: ValidationError: std: Input should be greater",
    ),
    "nan": ("class Params(Parameters): std: float = float('nan')", "std: Input should be a finite"),
    "allowed nan": (
        "class Params(Parameters): std: float = Field(float('nan'), allow_inf_nan=True)",
        "not JSON compliant",
    ),
    "function": ("class Params(Parameters): f: Any = len", "Unable to serialize"),
}
HOOKS = {
    "skip raises": (
        "@classmethod\n    def skip(cls, *_): raise ValueError('oops')",
        "skip() fails: ValueError: oops; mend the file",
    ),
    "skip leaves": ("@classmethod\n    def skip(cls, *_): exit(0)", "it calls sys.exit"),
    "skip of an object": ("def skip(self, task, channels): pass", "skip() fails: TypeError"),
    "identity of an object": (
        "@classmethod\n    def identity(cls, _): return {'x': len}",
        "identity() fails: TypeError",
    ),
    "identity of nan": (
        "@classmethod\n    def identity(cls, _): return {'x': float('inf')}",
        "identity() fails: ValueError",
    ),
    "no identity": ("@classmethod\n    def identity(cls, _): pass", "identity() fails: TypeError"),
}


def own(folder: Path, body: str) -> str:
    path = folder / "mine.py"
    path.write_text(f"{HEAD}    {body}\n", encoding="utf-8")
    return str(path)


def refused(error: BenchError, file: str, answer: str) -> None:
    said = str(error)
    assert said.startswith(f"{file}: ") and answer in said and "\n" not in said


@pytest.mark.parametrize(("body", "answer"), (PARAMS | HOOKS).values(), ids=PARAMS | HOOKS)
def test_a_selection_names_the_file(body: str, answer: str, tmp_path: Path) -> None:
    file = own(tmp_path, body)
    with pytest.raises(BenchError) as error:
        grid.expand(
            Selection(datasets=("phantom-binary",), methods=(file,), seeds=(0,)), Protocol(epochs=1)
        )
    refused(error.value, file, answer)


@pytest.mark.parametrize("command", [["methods"], ["methods", "check"]])
@pytest.mark.parametrize(("body", "answer"), PARAMS.values(), ids=PARAMS)
def test_to_show_or_check_it_says_the_same(
    command: list[str], body: str, answer: str, tmp_path: Path
) -> None:
    done = CliRunner().invoke(main, [*command, own(tmp_path, body)])
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert answer in done.output


def test_to_check_what_cannot_say_whom_it_serves_is_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["methods", "check", own(tmp_path, HOOKS["skip raises"][0])])
    assert (done.exit_code, done.output) == (
        2,
        "error: Mine: skip() fails: ValueError: oops; mend the file\n",
    )


def test_defaults_that_json_writes_otherwise_are_taken(tmp_path: Path) -> None:
    body = "class Params(Parameters): sides: tuple[int, ...] = (1, 2); on: Any = True"
    assert MethodChoice.parse(own(tmp_path, body)).settings == '{"sides":[1,2],"on":true}'


def test_a_space_that_fails(tmp_path: Path) -> None:
    file = own(tmp_path, "@classmethod\n    def space(cls, trial): raise KeyError('std')")
    with pytest.raises(BenchError) as error:
        space_of(MethodChoice.parse(file), Protocol(epochs=1))
    refused(error.value, file, "space() fails: KeyError: 'std'; mend the file")


def test_readings_that_are_none(tmp_path: Path) -> None:
    file = own(tmp_path, "readings = ['x']")
    with pytest.raises(BenchError) as error:
        readings.labels(file, 3, list(Task))
    refused(error.value, file, "readings fails: AttributeError: 'str' object has no")
