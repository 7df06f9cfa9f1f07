"""`bench status` and `bench plan`: who is at work, and what is ahead."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from made_up import fill

from bench.cli import main
from bench.cli import status as command
from bench.costs import Costs
from bench.looks import seeds_to_detect
from bench.stats.paired import compare_all, pooled_sd
from bench.stats.power import pairs_needed
from bench.study import Study
from bench.training.estimate import Cost

WORDS = ["--datasets", "phantom-binary", "--methods", "none,mixup", "--seeds", "4"]
WORDS += ["--backbones", "test_byobnet"]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    found = Study(
        datasets="phantom-binary",
        methods="none,mixup",
        seeds=4,
        backbones="test_byobnet",
        results=tmp_path,
    )
    fill(found.store, found.only(found.grid.runs[:6]).grid)
    return found


@pytest.fixture(autouse=True)
def _a_run_takes_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Costs, "known", lambda *_: Cost(60.0, 0.0, 1e9, 1e6))


def told(*words: str, results: Path) -> str:
    done = CliRunner().invoke(main, [*words, "--results", str(results)])
    assert done.exit_code == 0, done.output
    return done.output


def test_status_tells_who_does_what_since_when_and_how_long_it_takes(
    study: Study, tmp_path: Path
) -> None:
    held, missing = study.grid.runs[6:]
    assert "nobody is at work" in told("status", *WORDS, results=tmp_path)
    with study.store.claim(held.key):
        output = told("status", *WORDS, results=tmp_path)
        holder = study.store.holder(held.key)
        assert holder is not None
        assert f"running: {held}, on {holder.host} since " in output
        assert "6 done, 1 running, 1 missing" in output
        assert "about 2 min 00 s left, 1 at a time" in output
    study.store.fail(missing.key, {"reason": "diverged at step 1"})
    assert f"failed: {missing}: diverged at step 1" in told("status", *WORDS, results=tmp_path)


def test_watching_ends_when_nothing_is_left(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def meanwhile(seconds: float) -> None:
        looks.append(seconds)
        fill(study.store, study.only(study.grid.runs[6 : 6 + len(looks)]).grid)

    monkeypatch.setattr(command.time, "sleep", meanwhile)
    output = told("status", *WORDS, "--watch", results=tmp_path)
    assert looks == [60.0, 60.0] and "8 runs: 8 done" in output


def test_work_of_what_is_done_ends_well(study: Study, tmp_path: Path) -> None:
    fill(study.store, study.grid)
    assert told("work", *WORDS, results=tmp_path) == ""


def test_a_plan_tells_time_memory_and_disk(study: Study, tmp_path: Path) -> None:
    output = told("plan", *WORDS, "--workers", "2", results=tmp_path)
    assert "about 1 min 00 s with --workers 2 on cpu: until " in output
    assert (
        "2 min 00 s of one worker; 1.0 GB of memory each, 2.0 GB in all; 2.0 MB of disk" in output
    )


def test_a_plan_of_the_paper_counts_shared_runs_once(tmp_path: Path) -> None:
    output = told("plan", "--paper", *WORDS[:2], "--seeds", "1", results=tmp_path)
    rows = {line[:16].strip(): line[16:].split() for line in output.splitlines()}
    parts = [int(row[0].replace(",", "")) for name, row in rows.items() if name.startswith("table")]
    assert len(parts) == 5
    assert max(parts) < int(rows["in total"][0]) < sum(parts)


def test_seeds_that_show_a_difference_are_those_of_the_power(study: Study) -> None:
    """The SD is that of paired differences; the level that of Holm's first step."""
    values = study.measured.values("metrics.acc")
    by_label = {cell.method.label: found for cell, found in values.items()}
    sd = pooled_sd(compare_all(by_label, "none").values())
    (row,) = seeds_to_detect(study, 0.01).to_dict("records")
    assert row["sd"] == pytest.approx(sd) and row["seeds"] == pairs_needed(0.01, sd, 0.05)


def test_without_pairs_nothing_is_promised(tmp_path: Path) -> None:
    output = told("plan", *WORDS, "--detect", "1", results=tmp_path)
    assert "two finished seeds of two methods are needed first" in output
