"""DamagedError and edited records: whatever reads them says one line of each, and goes on."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import made_up
import numpy as np
import pytest
from click.testing import CliRunner

from bench.base.files import write_arrays
from bench.cli import main
from bench.grid import configs, grid
from bench.grid.selection import Selection
from bench.store.records import DamagedError, Store
from bench.study import Study
from reports import figure

SELECTION = Selection(
    datasets=("phantom-binary",),
    methods=("none", "mixup"),
    seeds=(0, 1, 2),
    backbones=("resnet18",),
)
RUNS = grid.expand(SELECTION, configs.load("laptop").protocol).runs
KEY, OTHER = RUNS[0].key, RUNS[1].key
WHICH = ["--datasets", "phantom-binary", "--methods", "none,mixup", "--seeds", "3"]
WHICH += ["--backbones", "resnet18"]

Damage = Callable[[Store], object]


def edit(change: Callable[[dict[str, Any]], object], sealed: bool = False) -> Damage:
    """A change of the record, of a kind that has a seal, or of one from before there were seals."""

    def damage(store: Store) -> None:
        record = store.read(KEY)
        if not sealed:
            record.pop("seal"), record.pop("predictions")
            record["schema"] = 2
        change(record)
        store.record_path(KEY).write_text(json.dumps(record, indent=1, sort_keys=True))

    return damage


def put(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        for name in path[:-1]:
            record = record[name]
        record[path[-1]] = value

    return change


def drop(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        for name in path[:-1]:
            record = record[name]
        del record[path[-1]]

    return change


def content(raw: bytes) -> Damage:
    return lambda store: store.record_path(KEY).write_bytes(raw)


def a_folder(store: Store) -> None:
    store.record_path(KEY).unlink()
    store.record_path(KEY).mkdir()


def another_seed(store: Store) -> None:
    shutil.copy(store.record_path(OTHER), store.record_path(KEY))


def cut(path: Callable[[Store], Path]) -> Damage:
    return lambda store: path(store).write_bytes(path(store).read_bytes()[:200])


RECORDS: dict[str, Damage] = {
    "empty": content(b""),
    "null": content(b"null"),
    "a list": content(b"[]"),
    "a number": content(b"3"),
    "brackets": content(b"[" * 200_000),
    "not UTF-8": content(b"\xff\xfe{}"),
    "cut": cut(lambda store: store.record_path(KEY)),
    "a folder": a_folder,
    "another seed's record": another_seed,
    **{
        f"acc is {value!r}": edit(put("metrics", "acc", value=value))
        for value in (55.0, 1e308, -0.1, True, "0.9", [0.9], float("nan"), float("inf"))
    },
    "nll is negative": edit(put("metrics", "nll", value=-1.0)),
    "acc is edited": edit(put("metrics", "acc", value=0.99), sealed=True),
    "the seed is edited": edit(put("seed", value=7)),
    "the cell is edited": edit(put("cell", "ratio", value=0.5)),
    "the protocol is edited": edit(put("protocol", "lr", value=0.5)),
    "the key is edited": edit(put("key", value="0" * 16)),
    "another schema": edit(put("schema", value=99)),
    "a seal of a list": edit(put("seal", value=[]), sealed=True),
    **{
        f"no {'.'.join(path)}": edit(drop(*path))
        for path in (
            *[("schema",), ("cell",), ("key",), ("protocol",), ("seed",), ("metrics",)],
            *[("data",), ("commit",), ("cost",), ("curves",), ("validation",), ("label",)],
            *[("data", "fingerprint"), ("cost", "seconds"), ("cell", "task"), ("environment",)],
        )
    },
    "curves of words": edit(put("curves", value=["x"])),
    "seconds of words": edit(put("cost", "seconds", value={"train": "long"})),
}
"""Ways to damage one record."""


def of(store: Store, **arrays: Any) -> None:
    write_arrays(store.predictions_path(KEY), **arrays)


def predictions_of_another_run(store: Store) -> None:
    shutil.copy(store.predictions_path(OTHER), store.predictions_path(KEY))


def nan_scores(store: Store) -> None:
    scores, targets = store.predictions(KEY)
    of(store, scores=scores * np.float32("nan"), targets=targets)


def pickled(store: Store) -> None:
    np.savez(store.predictions_path(KEY), scores=np.array([{}]), targets=np.array([{}]))


def one_score(store: Store) -> None:
    scores, targets = store.predictions(KEY)
    scores[0, 0] += np.float32(1e-6)
    of(store, scores=scores, targets=targets)


PREDICTIONS: dict[str, Damage] = {
    "missing": lambda store: store.predictions_path(KEY).unlink(),
    "empty": lambda store: store.predictions_path(KEY).write_bytes(b""),
    "cut": cut(lambda store: store.predictions_path(KEY)),
    "text": lambda store: store.predictions_path(KEY).write_bytes(b"scores"),
    "an npy": lambda store: np.save(store.predictions_path(KEY).open("wb"), np.zeros(3)),
    "another run's": predictions_of_another_run,
    "NaN": nan_scores,
    "pickled": pickled,
    "one score": one_score,
}
"""Ways to damage the predictions of one run."""

READING: dict[str, Callable[[Path], list[str]]] = {
    "status": lambda _: ["status", *WHICH],
    "plan": lambda _: ["plan", *WHICH, "--device", "cpu"],
    "compare": lambda _: ["compare", *WHICH, "--reference", "none"],
    "export": lambda folder: ["export", str(folder / "out.csv"), *WHICH],
    "export everything": lambda folder: ["export", str(folder / "all.csv"), "--everything", *WHICH],
    "show": lambda _: ["show", KEY],
    "show json": lambda _: ["show", KEY, "--json"],
    "report": lambda _: ["report", *WHICH],
}
"""Every command that reads records and starts no run."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which all holds."""
    folder = tmp_path_factory.mktemp("sound")
    made_up.fill(Store(folder), grid.expand(SELECTION, configs.load("laptop").protocol))
    return folder


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Store:
    return Store(Path(shutil.copytree(sound, tmp_path / "results")))


def said(store: Store, command: list[str]) -> tuple[int, str]:
    """The exit code and all words of a command; a traceback fails the test."""
    done = CliRunner().invoke(main, [*command, "--results", str(store.root)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert "Traceback" not in done.output
    return done.exit_code, done.output


def lines_of(store: Store, output: str) -> list[str]:
    """The lines that name the damaged run, with what is wrong and the mend."""
    return [line for line in output.splitlines() if KEY in line and "doctor --fix" in line]


@pytest.mark.parametrize("damage", RECORDS.values(), ids=RECORDS)
def test_a_damaged_record_is_refused_by_the_one_reader(copy: Store, damage: Damage) -> None:
    damage(copy)
    with pytest.raises(DamagedError, match=re.escape(str(copy.record_path(KEY)))):
        copy.read(KEY)


@pytest.mark.parametrize("damage", PREDICTIONS.values(), ids=PREDICTIONS)
def test_damaged_predictions_are_refused_by_the_one_reader(copy: Store, damage: Damage) -> None:
    damage(copy)
    with pytest.raises(DamagedError, match=re.escape(str(copy.predictions_path(KEY)))):
        copy.predictions(KEY)


def some() -> Iterator[Any]:
    """Every command with a few kinds of damage, for the fast tests; with all for the slow ones."""
    few = {"acc is edited", "brackets", "a folder", "no metrics", "another seed's record"}
    for name, damage in RECORDS.items():
        for command, words in READING.items():
            fast = name in few and command not in ("report", "plan", "show json")
            marks = () if fast else pytest.mark.slow
            yield pytest.param(damage, words, id=f"{name}-{command}", marks=marks)


@pytest.mark.parametrize(("damage", "command"), list(some()))
def test_every_command_names_a_damaged_record_and_goes_on(
    copy: Store, tmp_path: Path, damage: Damage, command: Callable[[Path], list[str]]
) -> None:
    damage(copy)
    before = copy.record_path(KEY).exists()
    code, output = said(copy, command(tmp_path))
    alone = command(tmp_path)[0] == "show"
    assert code == (2 if alone else 0), output
    assert lines_of(copy, output), output
    assert copy.record_path(KEY).exists() == before


def test_the_others_stay_in_view(copy: Store, tmp_path: Path) -> None:
    RECORDS["acc is edited"](copy)
    _, output = said(copy, ["status", *WHICH])
    assert "6 runs: 5 done, 1 damaged" in output
    said(copy, ["export", str(tmp_path / "out.csv"), *WHICH])
    rows = (tmp_path / "out.csv").read_text().splitlines()[1:]
    assert len(rows) == 5 and not any(KEY in row for row in rows)


@pytest.mark.parametrize("what", ["runs/xy", "runs/ab/notes.json", "leases/x.json", "failed/x"])
def test_what_is_no_record_is_nobodys(copy: Store, what: str) -> None:
    path = copy.root / what
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[]")
    code, output = said(copy, ["status", *WHICH])
    assert code == 0 and "6 runs: 6 done" in output


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff"])
def test_a_damaged_failure_is_a_failure_with_that_reason(copy: Store, content: bytes) -> None:
    copy.record_path(KEY).unlink()
    copy.fail(KEY, {"reason": "x"})
    copy.failure_path(KEY).write_bytes(content)
    code, output = said(copy, ["status", *WHICH])
    assert code == 0 and "1 failed" in output and f"({KEY})" in output


@pytest.mark.slow
@pytest.mark.parametrize("damage", PREDICTIONS.values(), ids=PREDICTIONS)
@pytest.mark.parametrize("name", ["reliability", "confusion"])
def test_a_figure_leaves_out_the_run_whose_predictions_are_damaged(
    copy: Store, name: str, damage: Damage
) -> None:
    damage(copy)
    study = Study(
        datasets="phantom-binary",
        methods="none,mixup",
        seeds=3,
        backbones="resnet18",
        results=copy.root,
    )
    with pytest.warns(UserWarning, match="left out: .*doctor --fix"):
        drawn = figure(name, study, reference="none")
    assert drawn.items and KEY in study._damaged
