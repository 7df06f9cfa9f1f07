"""The floors of the house: an import goes down, or stays in its room; and no room has a circle."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = (
    "bench.base",
    "bench.metrics",
    "bench.stats",
    "bench.data",
    "methods",
    "bench.backbone",
    "bench.grid",
    "bench.store",
    "bench.training",
    "bench.engines",
    "bench.tuning",
    "bench.costs",
    "bench.frames",
    "bench.running",
    "bench.study",
    "bench.looks",
    "bench.again",
    "bench.committed",
    "bench.checks",
    "reports.published",
    "reports.results",
    "reports.tables",
    "reports.figures",
    "reports.arithmetic",
    "reports.claims",
    "reports.page",
    "reports.doors",
    "reports.documents",
    "bench.cli",
)
"""The rooms from the ground up: a file, or a folder with all below it."""
DOORS = {"bench", "reports", "bench.__main__"}
"""What opens a room when it is asked for: their imports stand in no room."""
NARROW = {"methods": {"bench.base"}, "reports": {"bench.training", "bench.engines", "bench.cli"}}
"""`methods` imports this room of bench/ alone; `reports` imports none of these, as it never trains.
"""
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in ("bench", "methods", "reports")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
LONGEST, MOST_PARAMETERS, CLI_LINES = 60, 7, 150


@cache
def imports(module: str) -> frozenset[str]:
    """The modules of this project that a module imports, anywhere in it, also for types alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in inner}
    return frozenset(name for name in found if name in MODULES)


def room(module: str) -> str:
    return next(floor for floor in FLOORS if module == floor or module.startswith(floor + "."))


def functions(module: str) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            yield node


HOUSED = [module for module in MODULES if module not in DOORS]


@pytest.mark.parametrize("module", HOUSED)
def test_an_import_goes_down_or_stays_in_its_room(module: str) -> None:
    floor = FLOORS.index(room(module))
    up = {name for name in imports(module) - DOORS if FLOORS.index(room(name)) > floor}
    assert not up


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {module: imports(module) - DOORS for module in HOUSED}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("module", [m for m in HOUSED if m.startswith("methods")])
def test_methods_can_be_used_in_anyones_training_loop(module: str) -> None:
    known = {room(name) for name in imports(module) if name.startswith("bench")}
    assert known <= NARROW["methods"]


@pytest.mark.parametrize("module", [m for m in HOUSED if m.startswith("reports")])
def test_reports_never_train(module: str) -> None:
    assert {room(name) for name in imports(module) - DOORS}.isdisjoint(NARROW["reports"])


def test_the_trainer_knows_methods_only_through_their_hooks() -> None:
    known = {name for name in imports("bench.training.trainer") if name.startswith("methods")}
    assert known == {"methods.method"}


@pytest.mark.parametrize("module", [m for m in HOUSED if not m.startswith("bench.cli")])
def test_only_the_command_line_prints(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    assert not any(isinstance(call, ast.Name) and call.id == "print" for call in calls)


@pytest.mark.parametrize("module", MODULES)
def test_functions_are_small_and_take_few_parameters(module: str) -> None:
    for function in functions(module):
        taken = [*function.args.args, *function.args.kwonlyargs]
        assert len([a for a in taken if a.arg not in ("self", "cls")]) <= MOST_PARAMETERS, (
            function.name
        )
        assert (function.end_lineno or 0) - function.lineno < LONGEST, function.name


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith("bench.cli")])
def test_a_file_of_the_command_line_is_short(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= CLI_LINES


@pytest.mark.parametrize(
    "statement", ["import bench", "import reports", "from bench.cli import main"]
)
def test_a_door_is_light(statement: str) -> None:
    heavy = ("torch", "pandas", "numpy", "rich", "pydantic")
    code = f"import sys\n{statement}\nprint([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_names_the_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--help"], capture_output=True, text=True, check=True
    )
    assert all(command in done.stdout for command in ("run", "table", "figure", "report"))
