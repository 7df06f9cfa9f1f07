"""What runs cost: each kind is measured once, finished seeds are believed first, and a generator
counts once."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from made_up import record

from bench import costs as module
from bench.base.errors import BenchError
from bench.costs import Costs, finish
from bench.engines.process import call
from bench.grid.cell import Run
from bench.store.records import Store
from bench.study import Study
from bench.training import calibration
from bench.training.calibration import Rates
from bench.training.environment import environment, environment_hash
from bench.training.estimate import BETWEEN_SECONDS, Cost

RATES = Rates(step=1e-3, look=0.1, image=1e-3, setup=0.2, generator=0.0, memory=10**9)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods for which rates were measured; a generator takes 50 s."""
    found: list[str] = []

    def measured(function: Callable[..., Rates], device: str, run: Run, *rest: object) -> Rates:
        found.append(run.cell.method.name)
        made = bool(run.cell.method.method.quick)
        return replace(RATES, generator=50.0 if made else 0.0)

    monkeypatch.setattr(module, "call", measured)
    return found


def costs(results: Path, methods: str = "none,mixup", **more: object) -> Costs:
    study = Study(
        datasets="phantom-binary",
        methods=methods,
        backbones="test_byobnet",
        seeds=3,
        settings={"epochs": 2, "batch_size": 100},
        results=results,
        **more,  # type: ignore[arg-type]
    )
    return Costs(study.grid, study.store, "cpu")


def timed(found: Costs, runs: Sequence[Run] | None = None) -> dict[Run, Cost]:
    """What runs cost; kinds of which nothing is known are measured first."""
    chosen = found.grid.runs if runs is None else runs
    for run in found.unknown(chosen):
        found.measure(run)
    return found.of(chosen)


def test_a_kind_is_measured_once_for_all_commands(tmp_path: Path, asked: list[str]) -> None:
    first = costs(tmp_path, "none,mixup,mixup[alpha=0.4]")
    found = timed(first)
    assert asked == ["none", "mixup"] and len(found) == 9, "a strength makes no kind of its own"
    again = costs(tmp_path, "none,mixup,mixup[alpha=0.4]")
    assert again.of(again.grid.runs) == found
    assert again.unknown(again.grid.runs) == []


def test_a_cost_is_the_sum_of_what_a_run_does(tmp_path: Path, asked: list[str]) -> None:
    """400 images of training twice, 100 of validation twice, 200 of the test once."""
    found = costs(tmp_path, "none")
    (one, *_) = timed(found).values()
    expected = BETWEEN_SECONDS + 0.2 + 800 * 1e-3 + 3 * 0.1 + (2 * 100 + 200) * 1e-3
    assert one.seconds == pytest.approx(expected, abs=0.01)
    assert one.memory == pytest.approx(10**9, rel=0.01)


def test_generated_images_that_runs_share_are_made_once(tmp_path: Path, asked: list[str]) -> None:
    shared = costs(tmp_path, "ddpm[share=0.2],ddpm[share=0.6]")
    found = [cost.seconds for cost in timed(shared).values()]
    assert sum(seconds > 50 for seconds in found) == 3, "one set of images a seed"


def made(found: Costs, run: Run, seconds: float, **more: object) -> None:
    import numpy as np

    content = record(run, {"acc": 0.5, "auc": 0.5})
    content["cost"]["seconds"] = {"train": seconds}
    content["environment"] = environment_hash()
    scores, targets = np.full((60, 2), 0.5, np.float32), np.arange(60) % 2
    found.store.write_environment(environment_hash(), environment())
    found.store.publish(run.key, content | more, scores, targets)


def test_finished_seeds_on_this_hardware_are_believed(tmp_path: Path, asked: list[str]) -> None:
    found = costs(tmp_path, "none")
    for run, seconds in zip(found.grid.runs[:2], (20.0, 40.0), strict=True):
        made(found, run, seconds)
    left = found.grid.runs[2]
    assert timed(found, [left])[left].seconds == pytest.approx(30 + BETWEEN_SECONDS)
    assert asked == []


@pytest.mark.parametrize("elsewhere", [{"device": "cuda"}, {"environment": "of another machine"}])
def test_seeds_of_another_machine_are_not(
    elsewhere: dict[str, str], tmp_path: Path, asked: list[str]
) -> None:
    found = costs(tmp_path, "none")
    made(found, found.grid.runs[0], 5000.0, **elsewhere)
    left = found.grid.runs[1]
    assert timed(found, [left])[left].seconds < 100 and asked == ["none"]


def test_who_only_looks_believes_seeds_of_any_machine(tmp_path: Path, asked: list[str]) -> None:
    found = costs(tmp_path, "none,mixup")
    made(found, found.grid.runs[0], 5000.0, device="cuda", environment="of another machine")
    looking = Costs(found.grid, found.store).of(found.grid.runs)
    assert {cost.seconds for cost in looking.values()} == {5000 + BETWEEN_SECONDS}
    assert len(looking) == 3 and asked == []


def test_workers_take_runs_as_they_become_free() -> None:
    assert finish([3, 3, 3], 1) == 9
    assert finish([5, 1, 1, 1], 2) == 5
    assert finish([1, 1, 1, 5], 2) == 6


def test_a_failure_to_measure_is_told(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="ZeroDivisionError"):
        call(divmod, "cpu", 1, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "method", ["none", "ails", "ddpm[channels=[8,8],layers=1,batch=8,steps=20,images=8]"]
)
def test_rates_are_positive_and_a_generator_is_in_them(method: str, tmp_path: Path) -> None:
    found = costs(tmp_path, method)
    run, info = found.grid.runs[0], found.grid.datasets[0]
    rates = calibration.measure(run, info, "cpu")
    assert min(rates.step, rates.setup, rates.look + rates.image, rates.memory) > 0
    assert (rates.generator > 0) == method.startswith("ddpm")


def test_kept_rates_are_numbers_that_anyone_can_read(tmp_path: Path, asked: list[str]) -> None:
    found = costs(tmp_path, "none")
    timed(found)
    (path,) = tmp_path.glob("rates/*.json")
    assert Rates(**json.loads(path.read_text())) == RATES
    assert list(Store(tmp_path)) == []
