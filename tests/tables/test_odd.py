"""Runs that predict one class only, and outliers among seeds: marked, named, and counted."""

from pathlib import Path

import numpy as np
import pytest
from made_up import record, study

from bench.grid import grid
from bench.grid.cell import Run
from bench.grid.protocol import Protocol
from bench.grid.selection import Selection
from bench.stats.paired import outlying
from bench.store.records import Store
from bench.study import Study
from reports.results.oddities import Oddities
from reports.results.view import View
from reports.results.wording import over_seeds
from reports.tables.table1 import outputs

SEEDS = 6
TARGETS = np.arange(60) % 2


@pytest.mark.parametrize(
    ("values", "far"),
    [
        ([0.8, 0.81, 0.82, 0.83, 0.84], []),
        ([0.8, 0.81, 0.82, 0.83, 0.5], [4]),
        ([0.8, 0.81, 0.82, 0.5], []),
        ([0.8, 0.8, 0.8, 0.8, 0.5], []),
        ([0, 1, 2, 3, 4, 5, 6, 3.5 + 1.4826 * 5 * 2 + 0.5], [7]),
    ],
    ids=["none", "one", "too few seeds", "half of them equal", "just beyond"],
)
def test_an_outlier_is_far_from_the_median(values: list[float], far: list[int]) -> None:
    assert [*outlying(dict(enumerate(values)))] == far


def scores(run: Run) -> np.ndarray:
    """Right but for a few; seed 2 of `none` always says class 1."""
    right = np.eye(2)[TARGETS] * 0.8 + 0.1
    right[: 6 + run.seed] = right[: 6 + run.seed, ::-1]
    if run.cell.method.name == "none" and run.seed == 2:
        right[:] = (0.4, 0.6)
    return right.astype(np.float32)


def made(folder: Path, far: float = 0.85) -> Store:
    """Six seeds of `none` and `mixup`; the last of `mixup` has this ACC."""
    store = Store(folder)
    for run in runs().runs:
        saying = scores(run)
        said = saying.argmax(1)
        acc = float((said == TARGETS).mean())
        if run.cell.method.name == "mixup" and run.seed == SEEDS - 1:
            acc = far
        recalls = [float((said[k == TARGETS] == k).mean()) for k in (0, 1)]
        measured = {"acc": acc, "auc": 0.9, "balanced_acc": float(np.mean(recalls))}
        store.publish(run.key, record(run, measured), saying, TARGETS)
    return store


def runs() -> grid.Grid:
    selection = Selection(
        datasets=("phantom-binary",), methods=("none", "mixup"), seeds=tuple(range(SEEDS))
    )
    return grid.expand(selection, Protocol(epochs=1))


def test_they_are_marked_named_and_counted(tmp_path: Path) -> None:
    (output,) = outputs(study(made(tmp_path, far=0.2), runs()), View("acc"))
    marks = {row.label: row.cells[0].mark for row in output.table.rows}  # type: ignore[union-attr]
    assert "†" in marks["none"] and "†" in marks["mixup"]
    (note,) = [note for note in output.table.notes if note.startswith("†")]
    assert "predicts one class only (none on phantom-binary seed 2)" in note
    assert "from the median of its seeds (none on phantom-binary seed 2, mixup" in note
    assert all(row["n"] == SEEDS for row in output.cells) and "no verdict" not in note


def test_a_cell_that_learned_nothing_is_named(tmp_path: Path) -> None:
    """Its runs may agree with those of another cell for that reason alone."""
    for run in runs().runs:
        always = run.cell.method.name == "none"
        saying = np.full((60, 2), (0.4, 0.6), np.float32) if always else scores(run)
        metrics = {"acc": 0.5 if always else 0.8, "auc": 0.9, "balanced_acc": 0.5}
        Store(tmp_path).publish(run.key, record(run, metrics), saying, TARGETS)
    (output,) = outputs(study(Store(tmp_path), runs()), View("acc"))
    (note,) = [note for note in output.table.notes if note.startswith("†")]
    assert "all runs predict one class (none on phantom-binary seed 0–5), no verdict" in note


@pytest.mark.parametrize("learning", [["resnet18"], []])
def test_of_a_combination_nothing_is_learned_where_no_backbone_learns(
    tmp_path: Path, learning: list[str]
) -> None:
    selection = Selection(
        datasets=("phantom-binary",),
        methods=("none",),
        backbones=("resnet18+resnet34",),
        seeds=(0, 1),
    )
    both, store = grid.expand(selection, Protocol(epochs=1)), Store(tmp_path)
    for run in both.runs:
        saying = np.full((60, 2), (0.4, 0.6), np.float32)
        if run.cell.backbone in learning:
            saying = scores(run)
        store.publish(
            run.key, record(run, {"acc": 0.5, "auc": 0.9, "balanced_acc": 0.5}), saying, TARGETS
        )
    (output,) = outputs(study(store, both, selection.backbones), View("acc"))
    (note,) = [note for note in output.table.notes if note.startswith("†")]
    assert "(none on phantom-binary seed 0–1)" in note
    assert ("no verdict" in note) == (not learning)


def test_a_mean_over_fewer_seeds_is_not_marked_for_a_run_beyond_them(tmp_path: Path) -> None:
    both = Study(
        datasets=["phantom-binary", "phantom-multiclass"],
        methods=["none", "mixup"],
        seeds=SEEDS,
        looks=[5, SEEDS],
        results=tmp_path,
    )
    for run in both.grid.runs:
        if run.cell.dataset == "phantom-binary" or run.seed < 5:
            odd = run.cell.method.name == "none" and run.seed == SEEDS - 1
            metrics = {"acc": 0.2 if odd else 0.8 + run.seed / 100, "auc": 0.9, "balanced_acc": 0.6}
            both.store.publish(run.key, record(run, metrics), scores(run), TARGETS)
    (output,) = outputs(both, View("acc"))
    none = next(row for row in output.table.rows if row.label == "none")
    cells = dict(zip(output.table.columns[1:], none.cells, strict=True))
    assert cells["phantom-binary"].mark == "†"  # type: ignore[union-attr]
    (note,) = [note for note in output.table.notes if note.startswith("Seeds: ")]
    assert note == "Seeds: 6 for phantom-binary; 5 for phantom-multiclass, mean."
    assert cells["mean"].mark == "" and cells["mean"].mean == pytest.approx(0.82)  # type: ignore[union-attr]


def test_where_nothing_is_odd_nothing_is_marked(tmp_path: Path) -> None:
    selection = runs().runs
    store = made(tmp_path, far=0.85)
    for run in selection:
        if run.cell.method.name == "none" and run.seed == 2:
            right = (np.eye(2)[TARGETS] * 0.8 + 0.1).astype(np.float32)
            metrics = {"acc": 0.85, "auc": 0.9, "balanced_acc": 0.5}
            store.publish(run.key, record(run, metrics), right, TARGETS)
    (output,) = outputs(study(store, runs()), View("acc"))
    assert not any("†" in cell.mark for row in output.table.rows for cell in row.cells)  # type: ignore[union-attr]
    assert not any(note.startswith("†") for note in output.table.notes)


def test_the_footnote_counts_the_seeds_of_the_table_not_those_declared() -> None:
    asked, ten = range(30), range(10)
    assert over_seeds([ten, ten], asked) == "seeds 0–9; n = 10, SD with n − 1"
    assert over_seeds([ten, range(20)], asked).startswith("seeds 0–19; n = 10 to 20, in brackets")
    assert over_seeds([], asked) == "no cell has all its seeds (0–29)"


def test_many_runs_are_counted_and_few_named() -> None:
    few = Oddities({("none", "breast"): [2, 3, 4], ("mixup", "retina"): [7]})
    assert "(none on breast seed 2–4, mixup on retina seed 7)" in few.sentences()[0]
    many = Oddities({("none", "breast"): [*range(8)], ("mixup", "breast"): [*range(5)]})
    assert "(13 runs on breast)" in many.sentences()[0]
