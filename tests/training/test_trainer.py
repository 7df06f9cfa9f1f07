"""The schedule, and what a training loop must never do."""

import math
from collections import Counter

import pytest
import torch

from bench.base.errors import BenchError
from bench.grid.protocol import Protocol
from bench.training.schedule import Schedule


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
