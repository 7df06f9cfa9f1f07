"""bench doctor finds and mends what a crash or an edit leaves; clean never touches a record."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from made_up import predictions, record
from test_damage import KEY, RECORDS, RUNS, Damage

from bench.base import process
from bench.base.files import create
from bench.cli import main
from bench.metrics import all_metrics
from bench.store import doctor, leases, space
from bench.store.records import Store


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose metrics are those of its predictions."""
    store = Store(tmp_path_factory.mktemp("honest"))
    for number, run in enumerate(RUNS):
        scores, targets = predictions(run.cell.task, np.random.default_rng(number))
        measured: Any = all_metrics(scores, targets, run.cell.task)
        store.publish(run.key, record(run, measured), scores, targets)
    return store.root


@pytest.fixture
def store(honest: Path, tmp_path: Path) -> Store:
    return Store(Path(shutil.copytree(honest, tmp_path / "results")))


def told(store: Store, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, [*words, "--results", str(store.root)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def gone() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def an_old_edit(store: Store) -> None:
    """An ACC that no seal guards, and that is in its range."""
    content = store.read(KEY)
    for name in ("seal", "predictions"):
        del content[name]
    content |= {"schema": 2, "metrics": content["metrics"] | {"acc": 0.123}}
    store.record_path(KEY).write_text(json.dumps(content))


def a_dead_lease(store: Store) -> None:
    dead = replace(leases.Holder.here(), pid=gone())
    create(store.lease_path(KEY), json.dumps(asdict(dead)).encode())


def a_temporary(store: Store) -> None:
    name = f".{KEY}.json.{process.machine()}.{gone()}.0123abcd.tmp"
    (store.record_path(KEY).parent / name).touch()


def no_record(store: Store) -> None:
    store.record_path(KEY).unlink()


def a_checkpoint(store: Store) -> None:
    store.save_checkpoint(KEY, {})


def half_a_failure(store: Store) -> None:
    store.failure_path("0" * 16).parent.mkdir()
    store.failure_path("0" * 16).write_text("{")


def a_stray(store: Store) -> None:
    (store.root / "runs" / "xy").write_text("notes")


LEFT: dict[str, Damage] = {
    **{name: RECORDS[name] for name in ("acc is edited", "a folder", "brackets", "no metrics")},
    **{
        made.__name__: made
        for made in (
            *(an_old_edit, a_dead_lease, a_temporary, no_record, a_checkpoint),
            *(half_a_failure, a_stray),
        )
    },
}


@pytest.mark.parametrize("damage", LEFT.values(), ids=LEFT)
def test_doctor_finds_it_and_fix_mends_it(store: Store, damage: Damage) -> None:
    assert told(store, "doctor") == (0, "6 records, 0 findings\n")
    damage(store)
    code, output = told(store, "doctor")
    assert code == 1 and ", 1 findings\n" in output and "--fix" in output
    assert told(store, "doctor", "--fix")[0] == 0
    code, output = told(store, "doctor")
    assert code == 0 and ", 0 findings\n" in output


def test_fix_deletes_no_record(store: Store) -> None:
    an_old_edit(store)
    content = store.record_path(KEY).read_bytes()
    told(store, "doctor", "--fix")
    assert not store.done(KEY) and (store.root / "stale" / f"{KEY}.json").read_bytes() == content


def test_what_was_found_to_hold_is_read_again_only_if_it_changed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(store, "doctor")
    read: list[str] = []
    look: Callable[..., str] = doctor.disagreement
    monkeypatch.setattr(doctor, "disagreement", lambda s, key: read.append(key) or look(s, key))
    told(store, "doctor")
    assert read == []
    an_old_edit(store)
    assert told(store, "doctor")[0] == 1 and read == [KEY]


def test_missing_predictions_are_said_and_the_record_is_left(store: Store) -> None:
    store.predictions_path(KEY).unlink()
    _, output = told(store, "doctor", "--fix")
    assert "copy the folder preds too" in output and store.done(KEY)


def test_doctor_tests_a_file_system_and_leaves_nothing(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["doctor", "--fs", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert len(done.output.splitlines()) == 6 and list(tmp_path.iterdir()) == []


def test_clean_asks_and_never_touches_a_record(store: Store) -> None:
    for name in space.ABOUT:
        (store.root / name).mkdir(exist_ok=True)
        (store.root / name / "made").write_text("x" * 1000)
    kept = [path for name in space.KEPT for path in (store.root / name).rglob("*")]
    CliRunner().invoke(main, ["clean", "--results", str(store.root)], input="n\n" * 9)
    assert all((store.root / name / "made").exists() for name in space.ABOUT)
    told(store, "clean", "--yes")
    assert all(path.exists() for path in kept)
    assert not any((store.root / name).exists() for name in set(space.ABOUT) - set(space.KEPT))
