"""Keys and tables of an earlier commit, which later code gives again (`tests/frozen/README.md`)."""

import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.grid import configs, grid, notation
from bench.grid.selection import Selection

FROZEN = Path(__file__).parent / "frozen"
COMMANDS: dict[str, list[str]] = json.loads((FROZEN / "commands.json").read_text("utf-8"))
KEYS: list[dict[str, Any]] = json.loads((FROZEN / "keys.json").read_text("utf-8"))
PRINTED = {".csv": r"(?s).*", ".md": r"(?m)^(?:\*\*|\|).*$", ".tex": r"(?s).*\\end\{tabular\}"}
"""The part of a file that is no footer."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frozen")
    with tarfile.open(FROZEN / "store.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def written(results: Path) -> Iterator[tuple[str, str]]:
    """Names and printed parts of all tables, figures' numbers and audits below the folder."""
    for path in sorted(results.rglob("*")):
        if path.suffix in PRINTED and path.name != "arithmetic.csv":
            text = path.read_bytes().decode("utf-8")
            yield path.name, "\n".join(re.findall(PRINTED[path.suffix], text))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_command_writes_the_same_bytes(name: str, store: Path, tmp_path: Path) -> None:
    for folder in ("runs", "preds"):
        (tmp_path / folder).symlink_to(store / folder)
    done = CliRunner().invoke(main, [*COMMANDS[name], "--results", str(tmp_path)])
    assert done.exit_code == 0, done.output
    expected = {p.name: p.read_bytes().decode() for p in (FROZEN / "expected" / name).iterdir()}
    assert dict(written(tmp_path)) == expected


@pytest.mark.parametrize("case", KEYS, ids=lambda case: case["key"])
def test_the_same_cell_has_the_same_key(case: dict[str, Any]) -> None:
    config = configs.load(case["protocol"], notation.settings(case["settings"]))
    selection = Selection(**case["selection"])
    (run,) = grid.expand(selection, config.protocol, parameters=config.parameters).runs
    assert run.key == case["key"]


def test_old_records_can_be_read_and_exported_and_fill_no_cell(tmp_path: Path) -> None:
    with tarfile.open(FROZEN / "old-store.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    where = ["--results", str(tmp_path)]
    exported = tmp_path / "old.csv"
    done = CliRunner().invoke(main, ["export", str(exported), "--everything", *where])
    assert done.exit_code == 0, done.output
    header, *rows = exported.read_text("utf-8").splitlines()
    assert len(rows) == 59 and "schema" in header.split(",")
    key = next(iter((tmp_path / "runs").rglob("*.json"))).stem
    assert "ACC (%)" in CliRunner().invoke(main, ["show", key, *where]).output
    done = CliRunner().invoke(main, ["status", *COMMANDS["table1-auc"][2:-4], *where])
    assert "done" not in done.output.splitlines()[-1], done.output
