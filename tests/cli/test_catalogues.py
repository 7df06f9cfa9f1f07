"""One list of tables, one of figures: reachable everywhere; and the face of the command line."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import click
import pytest
from click.testing import CliRunner
from pydantic import Field, TypeAdapter

import methods
import reports
from bench.base.errors import BenchError
from bench.cli import main
from bench.cli.accepting import accepted
from bench.cli.examples import EXAMPLES
from bench.study import Study
from reports.figures.catalogue import FIGURES
from reports.tables.catalogue import TABLES, of_runs

MAKEFILE = (Path(__file__).parents[2] / "Makefile").read_text("utf-8").replace("\\\n", " ")
LONGEST_HELP = 45


def targets(variable: str) -> list[str]:
    (listed,) = re.findall(rf"(?m)^{variable} = (.*)$", MAKEFILE)
    return listed.split()


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        yield (*path, name), command


COMMANDS = dict(commands(main))


def test_make_has_every_table_and_figure() -> None:
    assert targets("TABLES") == [f"table{number}" for number in TABLES]
    assert "\nfigure-%: " in MAKEFILE and "\nfigures: figure-all\n" in MAKEFILE


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(
        datasets="phantom-binary", backbones="test_byobnet", seeds=2, results=tmp_path / "results"
    )


@pytest.mark.parametrize("number", TABLES)
def test_every_table_is_at_the_command_line_and_in_python(number: int, study: Study) -> None:
    words = ["table", str(number), "--datasets", "phantom-binary", "--seeds", "2", "--dry-run"]
    done = CliRunner().invoke(main, [*words, "--results", str(study.results)])
    assert done.exit_code == 0, done.output
    needed = reports.needs(number, study)
    assert needed.grid.runs
    if number in of_runs():
        found = reports.table(number, study)
        assert found[0].name.startswith(f"table{number}") and "–" in str(found)
        assert len(needed.plan()) == len(needed.states())


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_at_the_command_line_and_in_python(name: str, study: Study) -> None:
    words = ["figure", name, "--datasets", "phantom-binary", "--seeds", "2", "--dry-run"]
    done = CliRunner().invoke(main, [*words, "--results", str(study.results)])
    assert done.exit_code == 0, done.output
    assert "missing" in done.output
    try:
        assert reports.figure(name, study)[0].name.startswith((name, f"figure{name}"))
    except BenchError as answer:
        assert "nothing to draw" in str(answer) or "needs at least" in str(answer)


@pytest.mark.parametrize("door", [reports.table, reports.figure, reports.needs])
def test_a_wrong_name_lists_the_right_ones(door: object, study: Study) -> None:
    with pytest.raises(BenchError, match=r"choose from .*4"):
        door("zz", study)  # type: ignore[operator]


def test_the_help_of_the_command_line_cuts_nothing() -> None:
    for path in ((), *(path for path, found in COMMANDS.items() if isinstance(found, click.Group))):
        shown = CliRunner().invoke(main, [*path, "--help"], terminal_width=80).output
        assert "Commands:" in shown and "..." not in shown.partition("Commands:")[2]


VERBS = (
    "Check|Compare|Do|Draw|Find|List|Make|Run|Show|Write|Plan|Print|Export|Verify|Merge|Pack|Tune|"
    "Clean"
)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_help_line_begins_with_a_verb_and_fits(path: tuple[str, ...]) -> None:
    line, *_ = (COMMANDS[path].help or "").splitlines()
    assert re.match(rf"({VERBS})\b", line), f"{line}: a new verb? add it to VERBS"
    assert line.endswith(".")
    assert len(line) <= LONGEST_HELP, line


OF_OPTIONS = (
    "add|average|call|change|check|compare|count|do|draw|end|fix|free|give|join|judge|keep|leave|look|make|"
    "map|mend|name|print|put|read|redo|run|save|say|scale|seed|share|show|start|stop|take|tell|test|"
    "train|tune|use|write|Show"
)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_is_explained_by_what_it_does(path: tuple[str, ...]) -> None:
    for option in COMMANDS[path].params:
        if isinstance(option, click.Option):
            line = option.help or ""
            assert re.match(rf"({OF_OPTIONS})\b", line), (
                f"{option.opts}: {line}: a new verb? add it"
            )
            assert len(line.strip()) <= LONGEST_HELP, line


def test_every_command_ends_its_help_with_an_example() -> None:
    assert {" ".join(path) for path in COMMANDS} == EXAMPLES.keys()
    for path in COMMANDS:
        shown = CliRunner().invoke(main, [*path, "--help"], terminal_width=80).output
        example = " ".join(["python -m bench", *path, EXAMPLES[" ".join(path)]])
        assert shown.rstrip().endswith(f"Example:\n    {example}")
        assert len(example) <= 78


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_an_example_is_understood(path: tuple[str, ...]) -> None:
    command, words = COMMANDS[path], EXAMPLES[" ".join(path)].split()
    if isinstance(command, click.Group):
        assert words[0] in (*command.commands, *methods.names())
        return
    required = {one.name for one in command.params if one.required}
    given, _, _ = command.make_parser(click.Context(command)).parse_args(words)
    assert required <= {name for name, value in given.items() if value is not None}


def test_every_method_is_listed_and_shown() -> None:
    listed = CliRunner().invoke(main, ["methods"]).output
    for name in methods.names():
        assert f"\n{name}  " in "\n" + listed
        shown = CliRunner().invoke(main, ["methods", name])
        assert shown.exit_code == 0 and methods.get(name).summary in " ".join(shown.output.split())
        assert not re.search(r"<function|<class|typing\.|\bNone\b|\bFalse\b", shown.output)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Annotated[float, Field(gt=0, le=1)], "> 0, ≤ 1"),
        (Annotated[int, Field(ge=2)] | None, "≥ 2"),
        (Literal["mean", "sum"], "mean or sum"),
        (Literal["tau"] | float, "tau or a number"),
        (bool, "true or false"),
        (tuple[int, ...], "numbers"),
    ],
)
def test_what_a_parameter_accepts_is_said_in_words(kind: Any, words: str) -> None:
    assert accepted(TypeAdapter(kind).json_schema()) == words
