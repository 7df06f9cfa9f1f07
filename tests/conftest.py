"""What the tests share: small runs on phantoms."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from bench.engines.worker import Job, work
from bench.grid import grid
from bench.grid.cell import Run
from bench.grid.protocol import Protocol
from bench.grid.selection import Selection
from bench.store.records import Store
from bench.training.calibration import Rates

torch.set_num_threads(1)
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

SMALL = "test_byobnet"
"""A network of 0.2 M parameters that timm keeps for tests."""
SHORT = Protocol(epochs=2, batch_size=64, lr=1e-3)


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests neither read a user's cache nor write to it."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def _no_kind_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan takes these rates; to measure them takes seconds a kind."""
    rates = Rates(1e-3, 1e-3, 1e-4, 0.1, 0.0, 10**9)
    monkeypatch.setattr("bench.costs.call", lambda *_: rates)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are done here, not in processes of their own, which know nothing of what is patched."""

    def local(job: Job, *rest: object) -> None:
        work(job)

    monkeypatch.setattr("bench.engines.local.local", local)


@pytest.fixture
def real_data() -> Path:
    """The folder of real MedMNIST sets, where there is one."""
    folder = os.environ.get("BENCH_DATA")
    if not folder:
        pytest.skip("BENCH_DATA names no folder with MedMNIST sets")
    return Path(folder)


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """A run on a phantom, by method, dataset, seed, ratio, protocol and backbone."""

    def make(
        method: str = "none",
        dataset: str = "phantom-binary",
        seed: int = 0,
        ratio: float = 1.0,
        protocol: Protocol = SHORT,
        backbone: str = SMALL,
    ) -> Run:
        selection = Selection(
            datasets=(dataset,),
            methods=(method,),
            seeds=(seed,),
            ratios=(ratio,),
            backbones=(backbone,),
        )
        (run,) = grid.expand(selection, protocol).runs
        return run

    return make


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")
