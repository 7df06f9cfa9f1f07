"""Class weights, label smoothing and the balanced sampler, with mixed targets too."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from tiny import CLASSES, LABELS, batch, make, targets

from bench.base.errors import BenchError
from bench.base.identity import identity
from bench.base.task import Task
from bench.grid.protocol import Protocol
from bench.study import Study
from bench.training.balance import BETA, chances, class_weights
from bench.training.schedule import Schedule
from methods.method import Weights, task_loss

HARD = torch.tensor([0] * 12 + [1] * 6 + [2] * 2)
WEIGHTS = Weights((0.5, 1.0, 4.0))
PER_LABEL = Weights(tuple(np.linspace(0.5, 3, LABELS)), tuple(np.linspace(2, 0.5, LABELS)))


def protocol(**changes: Any) -> Protocol:
    return Protocol(epochs=1, **changes)


def weighted(task: Task) -> Weights:
    return PER_LABEL if task is Task.MULTILABEL else WEIGHTS


def test_neutral_keys_are_in_no_key_and_give_no_weights() -> None:
    neutral = protocol(class_weights="none", sampler="shuffle", label_smoothing=0.0)
    assert identity(neutral) == identity(protocol())
    assert identity(protocol(label_smoothing=0.1)) != identity(protocol())
    assert class_weights(HARD, Task.MULTICLASS, 3, neutral) is None
    assert chances(HARD, neutral) is None


def test_balanced_weights_make_classes_add_the_same_and_have_mean_one() -> None:
    found = class_weights(HARD, Task.MULTICLASS, 3, protocol(class_weights="balanced"))
    assert found is not None
    torch.testing.assert_close(found.present, (20 / 36, 20 / 18, 20 / 6), check_dtype=False)


def test_effective_weights_are_those_of_cui() -> None:
    found = class_weights(HARD, Task.MULTICLASS, 4, protocol(class_weights="effective"))
    assert found is not None
    raw = [(1 - BETA) / (1 - BETA**n) for n in (12, 6, 2)]
    mean = np.dot(raw, (12, 6, 2)) / 20
    np.testing.assert_allclose(found.present, [*(w / mean for w in raw), 0])


def test_the_two_values_of_a_label_weigh_the_same_in_total() -> None:
    rows = torch.tensor([[1.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]])
    found = class_weights(rows, Task.MULTILABEL, 3, protocol(class_weights="balanced"))
    assert found is not None
    np.testing.assert_allclose(found.present, [2 / 3, 2, 0])
    np.testing.assert_allclose(found.absent, [2, 2 / 3, 1])


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.MULTILABEL])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_of_mixed_targets_each_part_has_its_own_weight(task: Task, smoothing: float) -> None:
    count = LABELS if task is Task.MULTILABEL else CLASSES
    logits, one, two = torch.randn(8, count), torch.rand(8, count), torch.rand(8, count)

    def loss(rows: torch.Tensor) -> torch.Tensor:
        return task_loss(logits, rows, task, "mean", weighted(task), smoothing)

    torch.testing.assert_close(loss(0.3 * one + 0.7 * two), 0.3 * loss(one) + 0.7 * loss(two))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_hard_and_one_hot_targets_lose_the_same(smoothing: float) -> None:
    logits, hard = torch.randn(8, CLASSES), targets(Task.MULTICLASS, 8)
    for kind in ("mean", "none"):
        given = (Task.MULTICLASS, kind, WEIGHTS, smoothing)
        rows = F.one_hot(hard, CLASSES).float()
        torch.testing.assert_close(task_loss(logits, hard, *given), task_loss(logits, rows, *given))


def test_a_weighted_loss_is_the_weight_of_its_class_times_the_plain_one() -> None:
    logits, hard = torch.randn(8, CLASSES), targets(Task.MULTICLASS, 8)
    plain = task_loss(logits, hard, Task.MULTICLASS, "none")
    of_class = torch.tensor(WEIGHTS.present)[hard]
    found = task_loss(logits, hard, Task.MULTICLASS, "none", WEIGHTS)
    torch.testing.assert_close(found, of_class * plain)


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.MULTILABEL])
def test_weights_of_one_are_no_weights(task: Task) -> None:
    count = LABELS if task is Task.MULTILABEL else CLASSES
    logits, rows = torch.randn(8, count), torch.rand(8, count)
    ones = Weights((1.0,) * count, (1.0,) * count)
    for smoothing in (0.0, 0.2):
        torch.testing.assert_close(
            task_loss(logits, rows, task, "mean", ones, smoothing),
            task_loss(logits, rows, task, "mean", None, smoothing),
        )


def test_methods_lose_by_the_weights_of_their_setting() -> None:
    method = make("mixup")
    method.setting = type(method.setting)(**vars(method.setting) | {"weights": WEIGHTS})
    images, hard = batch(Task.MULTICLASS)
    images, rows = method.augment(images, hard)
    logits = torch.randn(len(rows), CLASSES)
    found = method.task_loss(logits, rows)
    torch.testing.assert_close(found, task_loss(logits, rows, Task.MULTICLASS, weights=WEIGHTS))
    assert not torch.isclose(found, task_loss(logits, rows, Task.MULTICLASS))


def test_the_balanced_sampler_shows_classes_alike_and_depends_on_seed_and_epoch() -> None:
    labels = torch.tensor([0] * 900 + [1] * 100)
    wish = Protocol(epochs=2, sampler="balanced", batch_size=100)
    schedule = Schedule(1000, wish, chances(labels, wish))
    shown = torch.cat([indices for _, indices in schedule.batches(3, 0)])
    assert len(shown) == 1000 and 400 < labels[shown].sum() < 600
    again = torch.cat([indices for _, indices in schedule.batches(3, 0)])
    other = torch.cat([indices for _, indices in schedule.batches(3, 1)])
    assert torch.equal(shown, again) and not torch.equal(shown, other)


def test_what_balances_twice_or_has_no_class_is_refused() -> None:
    with pytest.raises(ValidationError, match="balance twice"):
        protocol(sampler="balanced", class_weights="balanced")
    with pytest.raises(BenchError, match="several labels"):
        _ = Study(
            datasets=["phantom-multilabel"], methods=["none"], settings={"sampler": "balanced"}
        ).grid
