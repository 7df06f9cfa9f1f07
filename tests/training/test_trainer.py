"""The schedule, and what a training loop must never do."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tiny import batch, make, model

from bench.base.errors import BenchError
from bench.grid.cell import Run
from bench.grid.protocol import Protocol
from bench.training.execute import execute
from bench.training.schedule import Schedule
from bench.training.state import Training
from bench.training.trainer import step
from methods.method import Method, Progress
from methods.mixup import Mixup
from methods.none import NoAugmentation


@pytest.mark.parametrize(
    ("images", "batch", "per_epoch"), [(546, 64, 9), (130, 64, 2), (132, 64, 3), (109, 128, 1)]
)
def test_a_last_batch_below_four_is_dropped(images: int, batch: int, per_epoch: int) -> None:
    schedule = Schedule(images, Protocol(epochs=3, batch_size=batch))
    sizes = [len(indices) for _, indices in schedule.batches(seed=0, epoch=0)]
    assert len(sizes) == schedule.per_epoch == per_epoch
    assert min(sizes) >= 4
    assert schedule.steps == 3 * per_epoch


def test_an_epoch_shows_every_image_once_in_an_order_of_its_own() -> None:
    schedule = Schedule(100, Protocol(epochs=2, batch_size=10))
    orders = [torch.cat([i for _, i in schedule.batches(7, epoch)]) for epoch in range(2)]
    assert all(Counter(order.tolist()) == Counter(range(100)) for order in orders)
    assert not torch.equal(*orders)


def test_steps_end_within_an_epoch() -> None:
    schedule = Schedule(100, Protocol(steps=25, batch_size=10))
    steps = [s for epoch in range(schedule.epochs) for s, _ in schedule.batches(0, epoch)]
    assert steps == list(range(25))


def test_too_few_images() -> None:
    with pytest.raises(BenchError, match="3 training images"):
        Schedule(3, Protocol(epochs=1))


def test_cosine_with_warm_up() -> None:
    protocol = Protocol(epochs=10, batch_size=10, lr=0.5, warmup_epochs=2, schedule="cosine")
    schedule = Schedule(100, protocol)
    rates = [schedule.lr(step) for step in range(schedule.steps)]
    assert rates[0] == pytest.approx(0.5 / 20)
    assert max(rates) == rates[19] == rates[20] == 0.5
    assert rates[60] == pytest.approx(0.5 * 0.5 * (1 + math.cos(math.pi * 40 / 80)))
    assert 0 < rates[-1] < 0.001
    assert rates[20:] == sorted(rates[20:], reverse=True)


def test_medmnist_steps() -> None:
    protocol = Protocol(epochs=100, batch_size=10, schedule="steps", milestones=(50, 75), lr=1)
    schedule = Schedule(100, protocol)
    rates = [schedule.lr(epoch * 10) for epoch in (0, 49, 50, 74, 75, 99)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    assert schedule.lr(499) == 1


def training(protocol: Protocol) -> Training:
    return Training.begin(model(), make("none"), protocol)  # type: ignore[arg-type]


@pytest.mark.parametrize("largest", [None, 0.01])
def test_a_gradient_longer_than_the_clip_is_shortened_to_it(largest: float | None) -> None:
    protocol = Protocol(epochs=1, optimizer="sgd", grad_clip=largest)
    taken = training(protocol)
    step(taken, batch(), Progress(0, 1, 0, 1), protocol)
    norm = math.hypot(*(float(w.grad.norm()) for w in taken.model.parameters()))
    assert norm == pytest.approx(0.01, rel=1e-3) if largest else norm > 0.1


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_the_loss_is_computed_in_the_precision_of_the_protocol(
    precision: Any, dtype: torch.dtype
) -> None:
    protocol = Protocol(epochs=1, precision=precision)
    taken, seen = training(protocol), set()
    taken.model.linear.register_forward_hook(lambda module, given, made: seen.add(made.dtype))
    step(taken, batch(), Progress(0, 1, 0, 1), protocol)
    assert seen == {dtype}
    assert {weight.dtype for weight in taken.model.parameters()} == {torch.float32}


def test_two_methods_share_what_the_backbone_draws(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As dropout would: from torch's generator, in the loss; whatever a method drew before."""
    drawn: dict[type, list[float]] = {NoAugmentation: [], Mixup: []}

    def loss(self: Method, network: Any, images: Any, targets: Any, progress: Any) -> Any:
        drawn[type(self)].append(torch.rand(()).item())
        return self.task_loss(network(images), targets), {}

    def adapt(self: Method, network: Any) -> Any:
        torch.rand(3)
        return Method.adapt(self, network)

    for kind in drawn:
        monkeypatch.setattr(kind, "loss", loss)
    monkeypatch.setattr(Mixup, "adapt", adapt)
    for name in ("none", "mixup"):
        execute(make_run(name, protocol=Protocol(steps=3, batch_size=64)))
    assert drawn[NoAugmentation] == drawn[Mixup]
    assert len(set(drawn[Mixup])) == 3


def test_a_restored_run_goes_on_with_the_draws_of_dropout() -> None:
    taken = training(Protocol(epochs=1))
    taken.model.images_seen = 0
    state = taken.state()
    expected = torch.rand(5)
    taken.restore(state)
    assert torch.equal(torch.rand(5), expected)
