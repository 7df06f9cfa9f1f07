"""Merging results folders: a union, the same in any order; nothing that holds is lost."""

from pathlib import Path
from statistics import stdev

import numpy as np
import pytest
from click.testing import CliRunner
from made_up import predictions, record
from test_damage import RUNS

from bench.base.errors import BenchError
from bench.cli import main
from bench.grid.cell import Run
from bench.metrics import all_metrics
from bench.store import doctor
from bench.store.merge import differences, merge
from bench.store.records import Store


def made(store: Store, run: Run, of: int, ended: float = 10.0) -> None:
    """Publish a run with the predictions of that number."""
    scores, targets = predictions(run.cell.task, np.random.default_rng(of))
    content = record(run, dict(all_metrics(scores, targets, run.cell.task)))  # type: ignore[arg-type]
    content["curves"] = [{"loss": float(of)}]
    store.publish(run.key, content | {"ended": ended}, scores, targets)


def contents(store: Store) -> dict[str, bytes]:
    """All files but those of `doctor`, without the words of where twins are from."""
    paths = [path for path in store.root.rglob("*") if path.is_file() and path.suffix != ".txt"]
    return {
        str(path.relative_to(store.root)): path.read_bytes()
        for path in paths
        if path.name != doctor.CHECKED
    }


@pytest.fixture
def ours(tmp_path: Path) -> Store:
    return Store(tmp_path / "ours")


@pytest.fixture
def theirs(tmp_path: Path) -> Store:
    return Store(tmp_path / "theirs")


def test_a_merge_is_a_union_byte_for_byte(ours: Store, theirs: Store) -> None:
    made(ours, RUNS[0], 0)
    for number, run in enumerate(RUNS[:3]):
        made(theirs, run, number)
    before = contents(theirs)
    done = merge(ours, theirs)
    assert (len(done.taken), len(done.known), done.twins, done.damaged) == (2, 1, [], [])
    assert set(ours) == {run.key for run in RUNS[:3]}
    assert contents(theirs) == before
    assert all(
        contents(ours)[name] == raw for name, raw in before.items() if RUNS[0].key not in name
    )
    assert list(doctor.examine(ours)) == []


def test_of_other_bits_the_first_published_is_used_whichever_way_they_are_merged(
    ours: Store, theirs: Store
) -> None:
    made(ours, RUNS[0], 0, ended=20.0)
    made(theirs, RUNS[0], 1, ended=15.0)
    assert merge(ours, theirs).twins == [RUNS[0].key]
    assert merge(theirs, ours).known == [RUNS[0].key]
    assert ours.read(RUNS[0].key)["ended"] == 15.0
    assert contents(ours) == contents(theirs)
    assert np.array_equal(ours.predictions(RUNS[0].key)[0], theirs.predictions(RUNS[0].key)[0]), (
        "the predictions belong to the record"
    )
    once = contents(ours)
    merge(ours, theirs)
    assert contents(ours) == once


def test_three_folders_keep_all_three_makings(tmp_path: Path) -> None:
    stores = [Store(tmp_path / name) for name in "abc"]
    for number, store in enumerate(stores):
        made(store, RUNS[0], number, ended=30.0 - number)
    merge(stores[0], stores[1])
    merge(stores[0], stores[2])
    assert stores[0].read(RUNS[0].key)["ended"] == 28.0
    origins = {difference.origin for difference in differences(stores[0])}
    assert origins == {str(store.root) for store in stores[:2]}


def test_a_difference_is_told_in_sds_of_the_seeds(ours: Store, theirs: Store) -> None:
    cell = [run for run in RUNS if run.cell == RUNS[0].cell]
    for number, run in enumerate(cell):
        made(ours, run, number)
    made(theirs, cell[0], 99, ended=99.0)
    merge(ours, theirs)
    found = {difference.metric: difference for difference in differences(ours)}
    sd = stdev(ours.read(run.key)["metrics"]["acc"] for run in cell)
    expected = (theirs.read(cell[0].key)["metrics"]["acc"] - found["acc"].used) / sd
    assert len(cell) > 1 and found["acc"].sds == pytest.approx(expected)


def test_what_does_not_hold_is_left_out_and_ours_that_does_not_gives_way(
    ours: Store, theirs: Store
) -> None:
    for store, bad in ((theirs, RUNS[0]), (ours, RUNS[1])):
        for number, run in enumerate(RUNS[:2]):
            made(store, run, number)
        store.predictions_path(bad.key).write_bytes(b"damaged")
    made(theirs, RUNS[2], 2)
    ours.set_aside(RUNS[0].key)
    done = merge(ours, theirs)
    assert set(done.taken) == {RUNS[1].key, RUNS[2].key}
    assert len(done.damaged) == 1 and RUNS[0].key in done.damaged[0]
    assert list(doctor.damaged(ours)) == []
    assert list(ours.root.glob(f"stale/*{RUNS[1].key}*")), "set aside, not lost"


def test_a_metric_that_its_predictions_do_not_give_is_not_taken(ours: Store, theirs: Store) -> None:
    scores, targets = predictions(RUNS[0].cell.task, np.random.default_rng(0))
    theirs.publish(RUNS[0].key, record(RUNS[0], {"acc": 0.123, "auc": 0.5}), scores, targets)
    done = merge(ours, theirs)
    assert done.taken == [] and "its predictions give" in done.damaged[0]


def test_a_folder_that_is_none_or_the_same_is_refused(ours: Store, theirs: Store) -> None:
    made(ours, RUNS[0], 0)
    with pytest.raises(BenchError, match="is no results folder"):
        merge(ours, theirs)
    with pytest.raises(BenchError, match="merged into"):
        merge(ours, ours)


def test_the_command_names_what_differs_and_what_is_left_out(ours: Store, theirs: Store) -> None:
    for number, run in enumerate(RUNS[:2]):
        made(ours, run, number)
        made(theirs, run, number + 10, ended=99.0)
    made(theirs, RUNS[2], 0)
    theirs.predictions_path(RUNS[2].key).unlink()
    done = CliRunner().invoke(main, ["merge", str(theirs.root), "--results", str(ours.root)])
    assert "0 records are new, 0 were here, 2 differ from those here, 1 are damaged" in done.output
    assert f"is from {theirs.root}: " in done.output and "left out: " in done.output
    assert done.exit_code == 1
