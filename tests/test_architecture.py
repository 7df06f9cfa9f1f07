"""Who may import whom, and what the command line may not import."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in ("bench", "methods", "reports")
    for path in (ROOT / folder).rglob("*.py")
}
ROOMS = (
    "bench.base.",
    "bench.data.",
    "bench.grid.",
    "bench.metrics",
    "bench.stats.",
    "bench.store.",
    "methods",
)
"""What a report may know: how to read, nothing that trains."""


def imports(path: Path, typing_too: bool = False) -> set[str]:
    """The modules of this project that a file imports, at any depth of the file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if node in hidden and not typing_too:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in inner}
    return {name for name in found if name.split(".")[0] in ("bench", "methods", "reports")}


@pytest.mark.parametrize(
    "module", sorted(m for m in MODULES if m != "bench.__main__" and not m.startswith("bench.cli"))
)
def test_nothing_imports_the_command_line(module: str) -> None:
    found = imports(MODULES[module], typing_too=True)
    assert not any(name.startswith("bench.cli") for name in found)


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith("methods")))
def test_methods_know_little_of_the_harness(module: str) -> None:
    known = imports(MODULES[module], typing_too=True)
    assert all(name.startswith(("bench.base.", "methods")) for name in known)


def test_no_circles_of_files_in_methods_not_even_for_the_type_checker() -> None:
    graph = {
        name: imports(path, typing_too=True) & MODULES.keys() for name, path in MODULES.items()
    }
    TopologicalSorter({k: v for k, v in graph.items() if k.startswith("methods.")}).prepare()


def test_the_trainer_knows_methods_only_through_their_hooks() -> None:
    known = {
        name for name in imports(MODULES["bench.training.trainer"]) if name.startswith("methods")
    }
    assert known == {"methods.method"}


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith("reports")))
def test_reports_read_the_store_and_train_nothing(module: str) -> None:
    known = {name for name in imports(MODULES[module]) if not name.startswith("reports")}
    assert all(name.startswith(ROOMS) for name in known)


@pytest.mark.parametrize(
    "module", sorted(m for m in MODULES if m.startswith("bench") and not m.startswith("bench.cli"))
)
def test_the_harness_knows_no_report(module: str) -> None:
    assert not any(name.startswith("reports") for name in imports(MODULES[module]))


@pytest.mark.parametrize("module", sorted(m for m in MODULES if not m.startswith("bench.cli")))
def test_only_the_command_line_prints(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    assert not any(isinstance(call, ast.Name) and call.id == "print" for call in calls)


def test_help_imports_neither_torch_nor_pandas() -> None:
    code = (
        "import sys, click\n"
        "from click.testing import CliRunner\n"
        "from bench.cli import main\n"
        "result = CliRunner().invoke(main, ['--help'])\n"
        "assert result.exit_code == 0 and 'table' in result.output\n"
        "print([m for m in ('torch', 'pandas', 'numpy', 'rich', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
