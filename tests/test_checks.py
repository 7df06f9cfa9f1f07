"""The checks of the numbers see planted changes, and no others."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from torch import Tensor

from bench.base import version
from bench.base.errors import BenchError
from bench.checks import deviation, expected, golden, machine, rule, traces
from bench.checks.deviation import OTHER_KERNELS, Verdict
from bench.checks.machine import processor
from bench.cli import main
from bench.training import schedule
from methods.ails import AILS
from methods.method import Method
from methods.mixup import Mixup

COMMITTED = expected.FOLDER


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Expected files of the test's own."""
    monkeypatch.setattr(expected, "FOLDER", tmp_path / "expected")
    return tmp_path / "expected"


@pytest.fixture(scope="module", autouse=True)
def phantoms() -> Iterator[None]:
    """Two tasks are enough for these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traces, "PHANTOMS", ("phantom-binary", "phantom-multilabel"))
        yield


@pytest.fixture(scope="module")
def plain(phantoms: None) -> traces.Traces:
    """Traces of three methods by the code as it is."""
    return traces.record(["ails", "mixup", "none"])


def bench(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", *arguments])


class TestTraces:
    """What `record` sees."""

    @pytest.fixture
    def differing(self, plain: traces.Traces) -> Callable[[str], dict[str, Verdict]]:
        """The verdicts on a method as it is now, by phantom, with the committed tolerances."""
        allowed = json.loads((COMMITTED / "traces.json").read_text())["tolerances"]

        def verdicts(name: str) -> dict[str, Verdict]:
            found = deviation.compare({name: plain[name]}, traces.record([name]), allowed)
            return {verdict.phantom: verdict for verdict in found}

        return verdicts

    def test_the_same_code_gives_the_same_bits(self, plain: traces.Traces) -> None:
        assert traces.record(["ails"])["ails"] == plain["ails"]

    def test_every_method_has_a_trace_on_every_task_that_it_serves(self) -> None:
        import methods
        from bench.data.phantom import PHANTOMS

        served = {
            (name, phantom)
            for name in methods.names()
            for phantom, kind in PHANTOMS.items()
            if not methods.get(name).skip(kind.task, kind.channels)
        }
        content = json.loads((COMMITTED / "traces.json").read_text())["traces"]
        assert {(name, phantom) for name in content for phantom in content[name]} == served

    @pytest.mark.slow
    def test_another_number_of_threads_is_no_alarm(
        self, differing: Callable[[str], dict[str, Verdict]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(traces, "prepare_process", lambda device: None)
        before = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            found = differing("ails")
        finally:
            torch.set_num_threads(before)
        assert not any(verdict.problem for verdict in found.values())

    def test_an_invariance_term_that_is_dropped_is_seen(
        self, differing: Callable[[str], dict[str, Verdict]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        invariance = AILS.invariance
        monkeypatch.setattr(AILS, "invariance", lambda *given: 0.0 * invariance(*given))
        assert all(verdict.problem.startswith("batch") for verdict in differing("ails").values())

    def test_a_twentieth_of_mixed_labels_shuffled_is_seen(
        self, differing: Callable[[str], dict[str, Verdict]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        generator, mix = torch.Generator().manual_seed(0), Mixup.mix

        def shuffled(self: Mixup, *given: Any) -> tuple[Tensor, Tensor]:
            images, rows = mix(self, *given)
            wrong = torch.rand(len(rows), 1, generator=generator) < 0.05
            return images, torch.where(wrong, rows.roll(1, 0), rows)

        monkeypatch.setattr(Mixup, "mix", shuffled)
        assert all(verdict.problem.startswith("batch") for verdict in differing("mixup").values())

    def test_smoothed_labels_are_seen(
        self, differing: Callable[[str], dict[str, Verdict]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def smoothed(self: Method, logits: Tensor, targets: Tensor) -> Tensor:
            rows = self.dense(targets)
            return plain_loss(self, logits, 0.99 * rows + 0.01 * rows.mean(1, keepdim=True))

        plain_loss = Method.task_loss
        monkeypatch.setattr(Method, "task_loss", smoothed)
        assert all(v.problem.startswith("batch 0: loss") for v in differing("none").values())

    def test_half_the_learning_rate_is_seen_by_the_steps_alone(
        self, differing: Callable[[str], dict[str, Verdict]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rate = schedule.Schedule.lr
        monkeypatch.setattr(schedule.Schedule, "lr", lambda self, step: rate(self, step) / 2)
        for verdict in differing("none").values():
            assert verdict.worst["batches"] == 0
            assert verdict.problem.startswith("after three steps: ")

    @pytest.mark.slow
    def test_other_kernels_are_no_alarm(self) -> None:
        command = [sys.executable, "-m", "bench", "check", "traces"]
        environment = os.environ | OTHER_KERNELS
        done = subprocess.run(
            command, cwd=version.ROOT, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "72 compared, 0 differ" in done.stdout


class TestDeviation:
    """What `compare` and the command say."""

    @pytest.fixture
    def short(self, monkeypatch: pytest.MonkeyPatch, plain: traces.Traces) -> traces.Traces:
        """What is recorded in place of all: the traces of one method, which a test may change."""
        now: traces.Traces = json.loads(json.dumps({"none": plain["none"]}))
        monkeypatch.setattr(deviation, "record", lambda: now)
        monkeypatch.setattr(deviation, "on_other_kernels", lambda: now)
        return now

    @pytest.fixture
    def committed(self, short: traces.Traces) -> None:
        assert bench("traces", "--update", "--reason", "the first").exit_code == 0

    def test_what_was_written_is_found_again(self, committed: None) -> None:
        done = bench("traces")
        assert done.exit_code == 0
        assert "2 compared, 0 differ" in done.output

    def test_the_first_batch_that_differs_is_named(
        self, committed: None, short: traces.Traces
    ) -> None:
        series = short["none"]["phantom-binary"]["batches"]
        series["loss"][12] *= 1.02
        series["gradient"][7] *= 1.01
        done = bench("traces")
        assert done.exit_code == 1
        assert "2 compared, 1 differ" in done.output
        said = " ".join(done.output.split())
        assert "none on phantom-binary: batch 7: gradient" in said
        assert "(off by 0.01)" in said

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_what_is_no_number_differs(
        self, committed: None, short: traces.Traces, value: float
    ) -> None:
        short["none"]["phantom-binary"]["batches"]["loss"][3] = value
        assert "batch 3: loss" in bench("traces").output

    def test_missing_and_extra_traces_are_reported(
        self, committed: None, short: traces.Traces
    ) -> None:
        short["new"] = {"phantom-binary": short["none"].pop("phantom-multilabel")}
        done = bench("traces")
        assert done.exit_code == 1
        assert "none on phantom-multilabel: missing" in done.output
        assert "new on phantom-binary: extra" in done.output

    def test_a_quantity_that_is_gone_is_reported(
        self, committed: None, short: traces.Traces
    ) -> None:
        del short["none"]["phantom-binary"]["batches"]["gradient"]
        assert "other quantities" in bench("traces").output

    def test_tolerances_are_thirty_times_what_kernels_differ_by(self, plain: traces.Traces) -> None:
        others = json.loads(json.dumps(plain))
        others["ails"]["phantom-binary"]["batches"]["loss"][2] *= 1 + 1e-4
        allowed = deviation.measured(plain, others)
        assert allowed["ails"] == {"batches": pytest.approx(3e-3), "steps": 1e-6}
        assert allowed["none"] == {"batches": 1e-6, "steps": 1e-6}

    def test_an_update_keeps_every_reason_and_shows_old_and_new(
        self, committed: None, short: traces.Traces, folder: Path
    ) -> None:
        losses = short["none"]["phantom-binary"]["batches"]["loss"]
        old, losses[:] = np.mean(losses), [2 * loss for loss in losses]
        done = bench("--update", "traces", "--reason", "twice the loss")
        assert done.exit_code == 0
        assert f"{old:.6g}" in done.output and f"{2 * old:.6g}" in done.output
        reasons = json.loads((folder / "traces.json").read_text())["reasons"]
        assert [entry["reason"] for entry in reasons] == ["the first", "twice the loss"]
        assert all(entry["date"] and entry["commit"] for entry in reasons)
        assert bench("traces").exit_code == 0

    def test_an_update_without_a_reason_is_refused(self, folder: Path) -> None:
        for arguments in (["--update"], ["--update", "--reason", " "], ["--reason", "why"]):
            done = bench("traces", *arguments)
            assert done.exit_code == 2
            assert "--update and --reason TEXT go together" in done.output
        assert not folder.exists()

    def test_where_nothing_is_expected_the_mend_is_told(self) -> None:
        with pytest.raises(BenchError, match="check --update traces --reason TEXT"):
            deviation.check()


class TestGolden:
    """The grid against what is expected of it."""

    @pytest.fixture(autouse=True)
    def tiny(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A grid that takes a second, in this process."""
        grid = {
            "datasets": ["phantom-binary"],
            "methods": ["none", "mixup"],
            "backbones": ["test_byobnet"],
            "settings": {"steps": 2},
            "seeds": 2,
        }
        monkeypatch.setattr(golden, "GRIDS", {"phantoms": grid})
        monkeypatch.setattr("bench.training.environment.default_workers", lambda *_: 1)

    @pytest.fixture
    def committed(self, folder: Path) -> Iterator[dict[str, Any]]:
        """What is expected; a test may change it."""
        assert bench("golden", "--update", "--reason", "the first").exit_code == 0
        content = json.loads((folder / "golden.json").read_text())
        yield content

    def save(self, content: dict[str, Any], folder: Path) -> None:
        (folder / "golden.json").write_text(json.dumps(content))

    def test_the_same_machine_gives_the_same_bits(self, committed: dict[str, Any]) -> None:
        done = bench("golden")
        assert done.exit_code == 0, done.output
        assert "every bit" in done.output

    def test_one_bit_is_seen_on_the_same_machine_alone(
        self, committed: dict[str, Any], folder: Path
    ) -> None:
        part = committed["parts"]["phantoms"]
        part["runs"]["phantom-binary"]["mixup"]["1"]["digest"] = "0" * 16
        self.save(committed, folder)
        done = bench("golden")
        assert done.exit_code == 1
        assert "seeds 1 differ" in done.output
        part["made"]["processor"] = "another"
        self.save(committed, folder)
        assert bench("golden").exit_code == 0

    def test_a_metric_that_is_computed_otherwise_is_seen(
        self, committed: dict[str, Any], folder: Path
    ) -> None:
        seeds = committed["parts"]["phantoms"]["runs"]["phantom-binary"]["none"]
        seeds["0"]["metrics"]["ece"] += 1e-6
        self.save(committed, folder)
        assert "seeds 0 differ" in bench("golden").output

    def test_another_key_missing_and_extra_runs_are_reported(
        self, committed: dict[str, Any], folder: Path
    ) -> None:
        cells = committed["parts"]["phantoms"]["runs"]["phantom-binary"]
        cells["none"]["0"]["key"] = "f" * 16
        cells["gone"] = {"0": cells["mixup"].pop("1")}
        self.save(committed, folder)
        done = bench("golden")
        assert done.exit_code == 1
        said = " ".join(done.output.split())
        assert "another key" in said
        assert "missing: seeds 0" in said
        assert "extra: seeds 1" in said

    def test_an_update_leaves_other_parts_and_keeps_reasons(
        self, committed: dict[str, Any], folder: Path
    ) -> None:
        committed["parts"]["breast"] = {"made": {}, "runs": {}}
        self.save(committed, folder)
        assert bench("golden", "--update", "--reason", "the second").exit_code == 0
        content = json.loads((folder / "golden.json").read_text())
        assert content["parts"]["breast"] == {"made": {}, "runs": {}}
        assert [r["reason"] for r in content["reasons"]] == ["the first", "the second"]


class TestRule:
    """Noise of seeds is no change; two of their standard deviations are one. Normal values, as many
    seeds and methods as the grid of the phantoms has.
    """

    METHODS, SEEDS, REPEATS, SD = 3, 8, 4000, 0.03

    def differences(self, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """|mean new − mean old| of one method, and what is allowed, for each repetition."""
        rng = np.random.default_rng(0)
        shape = (self.REPEATS, self.METHODS, self.SEEDS)
        old, new = (0.8 + self.SD * rng.standard_normal(shape) for _ in range(2))
        apart = np.abs((new + shift - old)[:, 0].mean(1))
        return apart, np.array([rule.tolerance(values) for values in old])

    def test_noise_is_seen_in_one_of_a_hundred_comparisons_at_most(self) -> None:
        apart, allowed = self.differences()
        assert (apart > allowed).mean() <= 0.01

    def test_a_change_of_two_standard_deviations_is_seen_in_four_of_five(self) -> None:
        apart, allowed = self.differences(shift=2 * self.SD)
        assert (apart > allowed).mean() >= 0.8

    def test_two_seeds_would_see_it_in_one_of_three_at_most(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(self, "SEEDS", 2, raising=False)
        apart, allowed = self.differences(shift=2 * self.SD)
        assert (apart > allowed).mean() <= 0.34

    def test_the_grid_has_the_seeds_that_it_takes(self) -> None:
        content = json.loads((COMMITTED / "golden.json").read_text())
        for part in content["parts"].values():
            for cells in part["runs"].values():
                assert len(cells) >= self.METHODS
                assert {len(seeds) for seeds in cells.values()} == {self.SEEDS}


class TestMachine:
    """What tells machines apart."""

    def test_processors_differ_by_model_and_cache(self, tmp_path: Path) -> None:
        said = (
            "processor : 0\nmodel name : A\nstepping : 1\ncache size : 512 KB\n\nmodel name : B\n"
        )
        (tmp_path / "cpuinfo").write_text(said)
        assert processor(tmp_path / "cpuinfo") == "A, 1, 512 KB"
        assert processor(tmp_path / "none") != "A, 1, 512 KB"

    def test_kernels_and_torch_are_part_of_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = machine.machine()
        monkeypatch.setattr(torch, "__version__", "0")
        assert machine.machine() != before
