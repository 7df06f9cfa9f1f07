"""The engine slurm without a SLURM: what it submits, and the time that it is given."""

import shlex
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.base.errors import BenchError
from bench.cli import main
from bench.engines.local import local
from bench.engines.shift import Shift
from bench.engines.slurm import Slurm, own_shard, read_options
from bench.engines.worker import Job, remaining
from bench.grid.cell import Run
from bench.running import How
from bench.store.records import Store
from bench.study import Study, submitted

WORDS = ["--datasets", "phantom-binary", "--methods", "none,ails[alpha=0.5]", "--seeds", "3"]


def script(tmp_path: Path, *more: str) -> str:
    words = ["run", *WORDS, "--engine", "slurm", "--workers", "4", "--dry-run", *more]
    done = CliRunner().invoke(main, [*words, "--results", str(tmp_path / "a folder")])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_script_asks_for_exactly_the_runs_of_the_study(tmp_path: Path) -> None:
    text = script(tmp_path, "--set", "steps=40")
    words = shlex.split(text.strip().splitlines()[-1])
    work = words[words.index("work") : words.index("--workers")]
    asked = Study(
        datasets="phantom-binary",
        methods="none,ails[alpha=0.5]",
        seeds=3,
        settings={"steps": 40},
        results=tmp_path / "a folder",
    )
    context = main.commands["work"].make_context("work", work[1:])
    from bench.cli.asked import study

    assert study(context.params).grid.runs == asked.grid.runs
    assert study(context.params).store.root == asked.store.root


def test_options_of_a_site_are_in_the_script_and_beat_what_is_usual(tmp_path: Path) -> None:
    site = "partition=gpu,gres=gpu:1,time=04:00:00,job-name=mine,exclusive"
    text = script(tmp_path, "--sbatch", site, "--workers-per-gpu", "2", "--device", "cuda")
    for line in ("partition=gpu", "gres=gpu:1", "time=04:00:00", "job-name=mine", "exclusive"):
        assert f"#SBATCH --{line}\n" in text
    assert "#SBATCH --array=1-2\n" in text and "--workers 2 --requeue --device cuda" in text
    assert "job-name=bench" not in text


@pytest.mark.parametrize("text", ["array=1-3", "--signal=USR1", "a b=c", "=3", "partition=g\npu"])
def test_an_option_of_a_site_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(BenchError, match="sbatch"):
        read_options(text)


def test_a_study_that_no_options_ask_for_is_not_submitted(tmp_path: Path) -> None:
    study = Study(datasets="phantom-binary", methods="none", seeds=2, results=tmp_path)
    part = study.only(study.grid.runs[:1])
    with pytest.raises(BenchError, match="whole selections"):
        submitted([part], How(2, engine=Slurm()))


def test_where_there_is_no_slurm_the_mend_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    study = Study(datasets="phantom-binary", methods="none", seeds=2, results=tmp_path / "r")
    with pytest.raises(BenchError, match="sbatch is not found"):
        study.run(2, engine="slurm")


def test_a_task_of_an_array_knows_its_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_ARRAY_TASK_ID", raising=False)
    assert own_shard() is None
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "8")
    shard = own_shard()
    assert shard is not None and (shard.number, shard.of) == (3, 8)


def test_a_run_that_would_end_after_the_shift_is_not_begun_unless_it_is_the_first(
    tmp_path: Path, runs: tuple[Run, ...]
) -> None:
    shift = Shift(time.time() + 60, seconds=lambda run: 100.0)
    local(Job(runs, tmp_path, None, "cpu"), 1, lambda _: None, shift=shift)
    assert remaining(Store(tmp_path), runs) == list(runs[1:])


def small(results: Path, **changes: Any) -> Study:
    """A study whose runs take a moment."""
    usual = {"methods": "none", "seeds": 2, "settings": {"steps": 3}}
    where = {"datasets": "phantom-binary", "backbones": "test_byobnet", "results": results}
    return Study(**(where | usual | changes))


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Run, ...]:
    return small(tmp_path).grid.runs


def test_a_notice_saves_what_is_at_hand_after_the_epoch(tmp_path: Path) -> None:
    study = small(tmp_path, methods="mixup", seeds=1, settings={"epochs": 200})
    shift, store = Shift(), study.store
    (run,) = study.grid.runs

    def notice(fractions: float) -> None:
        shift.notice = 10 if fractions > 0 else 0

    job = Job((run,), tmp_path, None, "cpu", leaves=True)
    local(job, 1, notice, shift=shift)
    assert store.checkpoint_path(run.key).exists()
    assert not store.done(run.key) and not store.leased(run.key)
