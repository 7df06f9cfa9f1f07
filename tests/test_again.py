"""A record once more: its command, its bits, and what is said where it is not the same."""

import json
import shlex
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bench.again import again, verify
from bench.base.errors import BenchError
from bench.cli import main
from bench.grid.cell import key_of
from bench.store.records import Store
from bench.study import Study

FROZEN = Path(__file__).parent / "frozen" / "store.tar.xz"
METHOD = """
from methods.method import Method

class Darker(Method):
    summary, reference = "darker images", "a test"

    def augment(self, images, targets):
        return images * 0.9, targets
"""


def bench(*words: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, words)))


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("frozen")
    with tarfile.open(FROZEN) as archive:
        archive.extractall(folder, filter="data")
    return Store(folder)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """One run of a user's own method, done."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "darker.py").write_text(METHOD, encoding="utf-8")
    found = Study(
        datasets="phantom-binary",
        methods=folder / "darker.py",
        backbones="test_byobnet",
        ratios=0.2,
        seeds=[3],
        input_size=32,
        settings={"steps": 2, "betas": [0.8, 0.99]},
        results=folder / "results",
    )
    found.run(workers=1)
    return found


@pytest.fixture
def key(study: Study) -> str:
    return study.grid.runs[0].key


def test_every_record_is_the_run_of_its_own_key(frozen: Store) -> None:
    keys = list(frozen)
    assert len(keys) == 59
    for key in keys:
        (run,) = again(frozen.read(key), Study(results=frozen.root)).grid.runs
        assert run.key == key


def test_the_shown_command_makes_the_very_same_run(frozen: Store, study: Study, key: str) -> None:
    for store, prefix in ((frozen, next(iter(frozen))), (study.store, key)):
        shown = bench("show", prefix[:8], "--results", store.root).output
        (line,) = [text for text in shown.splitlines() if text.startswith("again")]
        words = shlex.split(line.partition("python -m bench run")[2])
        done = bench("status", *words, "--results", store.root)
        assert done.exit_code == 0, done.output
        assert "1 runs: 1 done" in done.output


def test_the_same_run_has_the_same_bits(study: Study, key: str) -> None:
    done = bench("verify", key[:8], "--results", study.store.root)
    assert done.exit_code == 0, done.output
    assert f"{key}: identical, 200 × 2 scores and all metrics" in done.output
    assert verify(key, Study(results=study.results)).identical


def test_an_own_method_is_kept_in_the_store_and_used(study: Study, key: str) -> None:
    digest = study.store.read(key)["cell"]["method_version"].partition("-")[2]
    copy = study.store.plugin_path("darker", digest)
    assert copy.read_text("utf-8") == METHOD
    assert str(copy) in again(study.store.read(key), Study(results=study.results)).command
    copy.rename(copy.with_suffix(".gone"))
    try:
        with pytest.raises(BenchError, match=r"name it with --methods darker\.py"):
            verify(key, Study(results=study.results))
        named = Study(methods=study.methods, results=study.results)
        assert again(study.store.read(key), named).grid.runs[0].key == key
    finally:
        copy.with_suffix(".gone").rename(copy)


@pytest.fixture
def tampered(study: Study, key: str, tmp_path: Path) -> Store:
    """The store of the run, to be changed."""
    store = Store(tmp_path / "results")
    store.publish(key, study.store.read(key), *study.store.predictions(key))
    (store.root / "plugins").symlink_to(study.store.root / "plugins")
    return store


def unsealed(store: Store, record: dict[str, Any]) -> None:
    """Write a record as before there were seals, which a changed one holds no more."""
    for name in ("seal", "predictions"):
        record.pop(name, None)
    path = store.record_path(record["key"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record | {"schema": 2}))


def test_a_changed_score_differs_and_exits_with_1(tampered: Store, key: str) -> None:
    scores, targets = tampered.predictions(key)
    scores[0, 0] += np.float32(0.25)
    tampered.publish(key, tampered.read(key), scores, targets)
    done = bench("verify", key, "--results", tampered.root)
    assert done.exit_code == 1
    assert "differs, the largest difference of 200 × 2 scores is 0.25" in done.output


def test_a_changed_metric_is_named(tampered: Store, key: str) -> None:
    record = tampered.read(key)
    record["metrics"]["auc"] += 1e-12
    unsealed(tampered, record)
    found = verify(key, Study(results=tampered.root))
    assert not found.identical and found.largest == 0 and found.metrics == ("auc",)


def test_a_changed_key_is_told_with_what_changed(tampered: Store, key: str) -> None:
    record = tampered.read(key)
    record["cell"]["task_version"] = 0
    record["protocol"]["lr"] = 0.5
    record["key"] = key_of(record)
    unsealed(tampered, record)
    with pytest.raises(BenchError, match=r"has another key now, .*cell\.task_version was 0"):
        verify(record["key"], Study(results=tampered.root))


def test_what_cannot_be_found_is_one_line(tampered: Store, key: str) -> None:
    tampered.predictions_path(key).unlink()
    for words, answer in (((key,), "predictions"), (("zz",), "no run 'zz'"), (("",), "no run ''")):
        where = tampered.root if words[0] else tampered.root / "empty"
        done = bench("verify", *words, "--results", where)
        assert done.exit_code == 2, done.output
        assert done.stderr.startswith("error:") and answer in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "cpu,cpu"])
def test_a_device_that_cannot_be_used_is_one_line(study: Study, key: str, device: str) -> None:
    done = bench("verify", key, "--device", device, "--results", study.store.root)
    assert done.exit_code == 2 and f"device '{device}'" in done.stderr


def test_a_run_on_own_data_asks_for_the_file(tampered: Store, key: str, tmp_path: Path) -> None:
    record = tampered.read(key)
    record["cell"]["dataset"] = "mine"
    with pytest.raises(BenchError, match=r"name the file with --datasets mine\.npz"):
        again(record, Study(results=tampered.root))
    named = Study(datasets=["breast", "data/mine.npz"], results=tampered.root)
    assert again(record, named).datasets == ["data/mine.npz"]


def test_the_study_that_a_run_is_of_may_be_given(study: Study, key: str) -> None:
    """Of all that it names, what the record is of is taken; of an edited file the kept copy."""
    record, file = study.store.read(key), study.methods
    assert isinstance(file, Path)
    several = replace(study, methods=["none", file, "mixup"], seeds=9, ratios=[0.2, 1])
    assert [run.key for run in again(record, several).grid.runs] == [key]
    file.write_text(METHOD.replace("0.9", "0.8"), encoding="utf-8")
    assert [run.key for run in again(record, several).grid.runs] == [key]
    file.write_text(METHOD, encoding="utf-8")


def test_parameters_are_written_so_that_they_are_read_back(study: Study) -> None:
    asked = replace(study, methods="ails[alpha=0.1234567891]", ratios=[1 / 3])
    (run,) = asked.grid.runs
    described = run.describe()
    assert again(described, Study(results=study.results)).grid.runs[0].key == run.key
