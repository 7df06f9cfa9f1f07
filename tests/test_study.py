"""The door in Python: what a study takes, what it gives back, and how it answers mistakes."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import spawn
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from made_up import IMAGES, fill

import bench
from bench import backbone, metrics
from bench.base.errors import BenchError, Note
from bench.cli import main, running
from bench.engines import forkserver
from bench.study import PLACE, Study
from methods.mixup import Mixup

ROOT = Path(__file__).parent.parent


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Twelve runs, none of them done."""
    return Study(
        datasets=["phantom-binary", "phantom-ordinal"],
        methods=["none", "mixup", "ails[alpha=0.5]"],
        backbones=["test_byobnet"],
        seeds=2,
        settings={"steps": 2},
        results=tmp_path / "results",
    )


@pytest.fixture
def filled(study: Study) -> Study:
    fill(study.store, study.grid)
    return study


def keys(study: Study, **changes: Any) -> list[str]:
    return [run.key for run in replace(study, **changes).grid.runs]


SAME: list[dict[str, Any]] = [
    {"datasets": "phantom-binary,phantom-ordinal"},
    {"datasets": ("phantom-binary", "phantom-ordinal")},
    {"methods": "none,mixup,ails[alpha=0.5]"},
    {"methods": np.array(["none", "mixup", "ails[alpha=0.5]"])},
    {"backbones": "test_byobnet"},
    {"seeds": "2"},
    {"seeds": "0-1"},
    {"seeds": [0, 1]},
    {"seeds": range(2)},
    {"seeds": np.arange(2)},
    {"seeds": np.int64(2)},
    {"seeds": (seed for seed in (0, 1))},
    {"ratios": 1},
    {"ratios": [1.0]},
    {"ratios": "1"},
    {"ratios": np.float32(1)},
    {"size": np.int64(28)},
    {"protocol": ROOT / "configs" / "laptop.yaml"},
    {"settings": {"steps": np.int64(2)}},
    {"settings": {"steps": "2"}},
]


@pytest.mark.parametrize("changes", SAME, ids=lambda changes: next(iter(changes)))
def test_a_selection_may_be_written_in_several_ways(study: Study, changes: dict[str, Any]) -> None:
    assert keys(study, **changes) == keys(study)


def test_a_ratio_with_the_noise_of_floating_point_is_the_ratio_that_was_meant(study: Study) -> None:
    assert keys(study, ratios=0.1 + 0.2) == keys(study, ratios=np.float32(0.3))
    assert keys(study, ratios=0.1 + 0.2) == keys(study, ratios="0.3")


def test_one_seed_is_written_as_a_list(study: Study) -> None:
    assert {run.seed for run in replace(study, seeds=[7]).grid.runs} == {7}
    assert "--seeds 7," in replace(study, seeds=[7]).command


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"datasets": "braest"}, "did you mean 'breast'"),
    ({"datasets": []}, "datasets is empty; name at least one"),
    ({"datasets": Path("absent.npz")}, "no file absent.npz"),
    ({"methods": ["alis"]}, "did you mean 'ails'"),
    ({"methods": ["ails[aplha=1]"]}, "did you mean 'alpha'"),
    ({"methods": ""}, "methods is empty"),
    ({"methods": 3}, "methods 3: write a name"),
    ({"methods": Path("absent.py")}, "no method file absent.py"),
    ({"backbones": ()}, "backbones is empty"),
    ({"seeds": 0}, "seeds 0: write a count"),
    ({"seeds": -1}, "seeds -1: write a count"),
    ({"seeds": [-1]}, "write a count"),
    ({"seeds": []}, "write a count"),
    ({"seeds": 2.0}, "write a count"),
    ({"seeds": [1.5]}, "write a count"),
    ({"seeds": "x"}, "write a count"),
    ({"ratios": 20}, "ratio 20"),
    ({"ratios": []}, "expected numbers"),
    ({"ratios": "half"}, "expected numbers"),
    ({"size": 0}, "greater than or equal to 8"),
    ({"size": -1}, "greater than or equal to 8"),
    ({"input_size": 4}, "greater than or equal to 8"),
    ({"protocol": "labtop"}, "did you mean 'laptop'"),
    ({"protocol": Path("absent.yaml")}, "no protocol 'absent.yaml'"),
    ({"settings": {"epoch": 1}}, "did you mean 'epochs'"),
    ({"settings": {"lr": "fast"}}, "protocol key lr"),
    ({"margin": 1.0}, "less than 1"),
    ({"settings": ["lr=1"]}, "write a dict"),
    ({"settings": None}, "write a dict"),
]


@pytest.mark.parametrize(("changes", "answer"), MISTAKES, ids=lambda value: str(value)[:40])
def test_a_mistake_is_answered_in_one_line(
    study: Study, changes: dict[str, Any], answer: str
) -> None:
    with pytest.raises(BenchError, match=r".") as error:
        keys(study, **changes)
    assert answer in str(error.value) and "\n" not in str(error.value)


def test_a_relative_file_is_looked_for_in_the_folder_of_data(study: Study, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        f"{split}_{part}": rng.integers(2 if part == "labels" else 256, size=shape, dtype=np.uint8)
        for split in ("train", "val", "test")
        for part, shape in {"images": (40, 28, 28), "labels": (40, 1)}.items()
    }
    np.savez(tmp_path / "own.npz", **arrays)  # type: ignore[arg-type]
    found = replace(study, datasets=["own.npz"], data_dir=tmp_path)
    assert keys(found) == keys(study, datasets=[tmp_path / "own.npz"])


def test_a_protocol_of_a_gpu_refuses_another_device(study: Study) -> None:
    other = replace(study, settings=dict(study.settings) | {"device": "cuda"})
    with pytest.raises(BenchError, match="on cuda, and this is cpu: give --device cuda"):
        other.run(device="cpu")


def test_a_wrong_backbone_is_answered_before_any_run(study: Study) -> None:
    wrong = replace(study, backbones=["resnet81"])
    for action in (wrong.plan, wrong.run):
        with pytest.raises(BenchError, match="did you mean 'resnet18'"):
            action()
    assert list(study.store) == []


ACTIONS: list[Callable[[Study], object]] = [Study.plan, Study.run, Study.records, Study.failures]


@pytest.mark.parametrize("action", ACTIONS)
def test_results_that_are_a_file_are_refused(tmp_path: Path, action: Any) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match="is a file; name a folder"):
        action(Study("phantom-binary", "none", "test_byobnet", results=tmp_path / "file"))


@pytest.mark.parametrize("workers", [0, -1, 1.5, "2"])
def test_workers_are_a_whole_number(study: Study, workers: Any) -> None:
    with pytest.raises(BenchError, match="1 or more"):
        study.run(workers=workers)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "2"])
def test_a_timeout_is_seconds(study: Study, seconds: Any) -> None:
    with pytest.raises(BenchError, match=r"run_timeout .*more than 0"):
        study.run(run_timeout=seconds)
    assert study.failures().empty


def test_plan_run_and_read(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    small = replace(study, datasets="phantom-binary", methods=["none", "mixup"], seeds=1)
    plan = small.plan()
    assert list(plan["method"]) == ["none", "mixup"] and list(plan["missing"]) == [1, 1]
    assert (plan["seconds"] > 0).all()
    small.run(workers=1)
    assert "2 runs to do" in capsys.readouterr().out
    assert list(small.plan()["done"]) == [1, 1] and list(small.plan()["seconds"]) == [0, 0]
    small.run(workers=1)
    assert capsys.readouterr().out == ""
    runs = small.records()
    assert list(runs["method"]) == ["none", "mixup"] and runs["acc"].between(0, 1).all()
    predicted = small.predictions(key=runs["key"][1])
    scores = predicted[["score 0", "score 1"]].to_numpy(dtype="float32")
    value = metrics.compute("acc", scores, predicted["target"].to_numpy(), metrics.Task.BINARY)
    assert value == runs["acc"][1]


def test_before_any_run_frames_are_empty_and_have_their_columns(study: Study) -> None:
    assert len(study.records()) == 0 and {*PLACE, "acc", "auc", "key"} <= set(study.records())
    assert list(study.failures()) == [*PLACE, "reason", "key"]
    with pytest.raises(BenchError, match=r"no run of this study is done: study.run\(\)"):
        study.predictions()


def test_failures_are_rows(study: Study) -> None:
    run = study.grid.runs[0]
    study.store.fail(run.key, {"reason": "diverged at step 1"})
    (row,) = study.failures().to_dict("records")
    assert row["reason"] == "diverged at step 1" and row["key"] == run.key
    assert study.plan()["failed"].sum() == 1


def test_predictions_are_of_one_run(filled: Study) -> None:
    where = {"dataset": "phantom-ordinal", "method": "mixup"}
    found = filled.predictions(**where, seed=np.int64(1))
    assert filled.predictions(**where, seed="1").equals(found)
    assert list(found) == [*(f"score {k}" for k in range(5)), "target"] and len(found) == IMAGES
    assert np.allclose(found.iloc[:, :5].sum(axis=1), 1)
    mistakes = {
        "2 finished runs with dataset='phantom-ordinal', method='mixup'; name one": where,
        "12 finished runs; name one by dataset": {},
        "no column of a run 'methd'; did you mean 'method'": {"methd": "mixup"},
        "no finished run with method 'mixpu'; did you mean 'mixup'": {"method": "mixpu"},
        "no finished run with seed '5'; choose from 0, 1": {"seed": 5},
    }
    for answer, wrong in mistakes.items():
        with pytest.raises(BenchError) as error:
            filled.predictions(**wrong)
        assert answer in str(error.value)


def test_predictions_of_labels_have_a_target_a_label(study: Study) -> None:
    labels = replace(study, datasets="phantom-multilabel", methods="none", seeds=1)
    fill(labels.store, labels.grid)
    targets = labels.predictions().filter(like="target")
    assert list(targets) == [f"target {k}" for k in range(targets.shape[1])]
    assert set(np.unique(targets)) == {0, 1}


def test_export_is_sorted_and_the_same_at_every_call(filled: Study, tmp_path: Path) -> None:
    first = filled.export(tmp_path / "new" / "runs.csv")
    content = first.read_bytes()
    assert filled.export(first).read_bytes() == content
    rows = pd.read_csv(first)
    assert len(rows) == 12 and rows.equals(rows.sort_values([*PLACE, "key"], ignore_index=True))
    acc = dict(zip(filled.records()["key"], filled.records()["acc"], strict=True))
    assert dict(zip(rows["key"], rows["acc"], strict=True)) == acc


def test_export_names_the_formats(filled: Study, tmp_path: Path) -> None:
    for name in ("runs.xlsx", "runs"):
        with pytest.raises(BenchError, match=r"ends in .csv or .parquet"):
            filled.export(tmp_path / name)


def test_parquet_without_pyarrow_is_told(
    filled: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "fastparquet", None)
    with pytest.raises(BenchError, match="pip install pyarrow"):
        filled.export(tmp_path / "runs.parquet")


def test_parquet_holds_the_same(filled: Study, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    found = pd.read_parquet(filled.export(tmp_path / "runs.parquet"))
    assert sorted(found["key"]) == sorted(filled.records()["key"])


def test_the_command_makes_the_same_study(study: Study) -> None:
    asked = replace(
        study, ratios=[0.2, 1 / 3], seeds=[3], methods=["none", "ails[alpha=0.123456789]"]
    )
    words = shlex.split(asked.command)[3:]
    words[0] = "status"
    done = CliRunner().invoke(main, [*words, "--results", str(study.store.root)])
    assert done.exit_code == 0 and "8 runs: 8 missing" in done.output
    fill(asked.store, asked.grid)
    done = CliRunner().invoke(main, [*words, "--results", str(study.store.root)])
    assert "8 runs: 8 done" in done.output


def test_others_see_what_was_run_since(study: Study) -> None:
    assert len(study.records()) == 0
    fill(study.store, study.grid)
    assert len(study.records()) == 12


def test_a_method_left_out_is_a_warning(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mixup, "skip", classmethod(lambda *_: "it is a test"))
    with pytest.warns(Note, match="mixup on phantom-binary is left out: it is a test"):
        assert len(replace(study, datasets="phantom-binary").grid.runs) == 4


def test_a_script_needs_no_guard_for_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spawned workers do not execute the user's script again."""
    script = ModuleType("__main__")
    script.__file__ = "script.py"
    monkeypatch.setitem(sys.modules, "__main__", script)
    assert "init_main_from_path" in spawn.get_preparation_data("worker")
    with forkserver.without_main():
        assert not [key for key in spawn.get_preparation_data("worker") if "init_main" in key]
    assert sys.modules["__main__"] is script


def test_a_notebook_has_one_line_that_is_written_over(
    study: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []

    class Handle:
        def update(self, text: str) -> None:
            shown.append(text)

    display = ModuleType("IPython.display")
    display.Pretty = str  # type: ignore[attr-defined]
    display.display = lambda text, display_id: Handle()  # type: ignore[attr-defined]
    ipython = ModuleType("IPython")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=True)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    replace(study, datasets="phantom-binary", methods="none", seeds=2).run(workers=1)
    assert shown[-1].startswith("2/2 runs")
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_importing_bench_is_light() -> None:
    code = (
        "import sys, bench, reports; print(bench.__version__);"
        "print(*{'torch', 'pandas', 'matplotlib', 'sklearn'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == [bench.__version__, ""]
    assert set(bench.__all__) <= set(dir(bench))
    with pytest.raises(AttributeError, match="Stduy"):
        _ = bench.Stduy


def test_a_backbone_of_which_runs_are_done_is_not_asked_for_again(
    filled: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To ask takes a second, in which timm is imported."""
    monkeypatch.setattr(backbone, "check", lambda *_: pytest.fail("it was asked for"))
    assert len(replace(filled, seeds=3).measured.records) == 12


@pytest.mark.parametrize(
    ("given", "early"),
    [
        ({}, True),
        ({"device": "cpu"}, True),
        ({"device": "cuda"}, False),
        ({"engine": "slurm"}, False),
        ({"dry_run": True}, False),
        ({"done": True}, False),
        ({"part": "studies/breast"}, False),
    ],
)
def test_the_fork_server_starts_early_only_where_runs_are_sure_to_be_missing(
    given: dict[str, object], early: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[bool] = []
    monkeypatch.setattr(forkserver, "start", lambda: started.append(True))
    usual = {"engine": "local", "device": None, "done": False, "dry_run": False, "part": None}
    options = usual | {"results": tmp_path} | given
    told: list[bool] = []
    command = running.early(lambda **options: told.append(bool(started)))
    command(**options)
    assert told == [early]
    (tmp_path / "runs").mkdir()
    started.clear()
    command(**options)
    assert not started
