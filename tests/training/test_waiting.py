"""A step never makes the host wait for a GPU: no operation whose result the host needs."""

from collections import Counter
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import methods
from bench.checks.traces import ready, runs
from bench.data.dataset import open_dataset
from bench.training.schedule import Schedule
from bench.training.state import Training
from bench.training.trainer import step
from methods.method import Progress

aten = torch.ops.aten
WAITS = {
    aten._local_scalar_dense.default,
    aten.is_nonzero.default,
    aten.nonzero.default,
    aten.masked_select.default,
    aten.equal.default,
    aten._unique2.default,
}
BY_MASK = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}
PICK_IMAGES = {"augmix", "basic", "medaugment", "randaugment", "trivialaugment"}
"""They do each operation to some images of a batch; which, the host must know."""
LATE = Progress(5, 10, 5, 10)


class Waits(TorchDispatchMode):
    """Counts what a GPU would have to finish before the host can go on."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        masked = func in BY_MASK and any(i is not None and i.dtype == torch.bool for i in args[1])
        if func in WAITS or masked:
            self.found[str(func)] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", [name for name in methods.names() if name not in PICK_IMAGES])
def test_a_step_waits_for_nothing(name: str) -> None:
    run, *_ = (run for run in runs((name,)) if run.cell.dataset == "phantom-multiclass")
    model, method, train = ready(run, open_dataset(run.cell.source, run.cell.source_size))
    training = Training.begin(model, method, run.protocol)
    waits = Waits()
    for _, indices in Schedule(len(train), run.protocol).batches(0, 0):
        batch = train.images(indices), train.targets[indices]
        with waits:
            step(training, batch, LATE, run.protocol)
    assert not waits.found


def test_what_waits_is_found() -> None:
    with Waits() as waits:
        float(torch.ones(()))
        torch.arange(3)[torch.tensor([True, False, True])]
    assert len(waits.found) == 2
