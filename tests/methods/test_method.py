"""task_loss, the base class, and finding methods by name."""

import pytest
import torch
import torch.nn.functional as F
from tiny import CLASSES, LABELS, LATE, TASKS, batch, make, model, targets

import methods
from bench.base.errors import BenchError
from bench.base.task import Task
from methods.method import Parameters, Progress, task_loss


def test_soft_targets_equal_hard_ones() -> None:
    logits, hard = torch.randn(8, CLASSES), targets(Task.MULTICLASS, 8)
    soft = F.one_hot(hard, CLASSES).float()
    for task in (Task.BINARY, Task.MULTICLASS, Task.ORDINAL):
        torch.testing.assert_close(task_loss(logits, soft, task), task_loss(logits, hard, task))


def test_loss_is_linear_in_the_target() -> None:
    for task, width in ((Task.MULTICLASS, CLASSES), (Task.MULTILABEL, LABELS)):
        logits, one, two = torch.randn(8, width), torch.rand(8, width), torch.rand(8, width)
        mixed = task_loss(logits, 0.3 * one + 0.7 * two, task)
        apart = 0.3 * task_loss(logits, one, task) + 0.7 * task_loss(logits, two, task)
        torch.testing.assert_close(mixed, apart)


def test_the_loss_of_a_class_is_the_negative_log_of_its_probability() -> None:
    logits, hard = torch.randn(8, CLASSES), targets(Task.MULTICLASS, 8)
    chance = logits.softmax(1)[torch.arange(8), hard]
    torch.testing.assert_close(task_loss(logits, hard, Task.MULTICLASS), -chance.log().mean())


def test_multilabel_is_the_mean_over_labels_of_the_negative_log_probability() -> None:
    logits, rows = torch.randn(8, LABELS), targets(Task.MULTILABEL, 8)
    chance = torch.where(rows.bool(), logits.sigmoid(), 1 - logits.sigmoid())
    torch.testing.assert_close(task_loss(logits, rows, Task.MULTILABEL), -chance.log().mean())


@pytest.mark.parametrize("task", TASKS)
def test_none_keeps_rows_whose_mean_is_the_loss(task: Task) -> None:
    rows = targets(task, 8)
    logits = torch.randn(8, LABELS if task is Task.MULTILABEL else CLASSES)
    each = task_loss(logits, rows, task, "none")
    assert each.shape == (8,)
    torch.testing.assert_close(each.mean(), task_loss(logits, rows, task))
    torch.testing.assert_close(each[3], task_loss(logits[3:4], rows[3:4], task))


def test_dense() -> None:
    method = make("none")
    rows = method.dense(torch.tensor([2, 0]))
    assert torch.equal(rows, torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]))
    assert method.dense(rows) is rows


def test_extra_state_makes_a_resumed_method_draw_the_same() -> None:
    method, resumed = make("mixup"), make("mixup")
    method.rng.random(5)
    torch.rand(5, generator=method.generator)
    resumed.load_state_dict(method.state_dict())
    assert resumed.rng.random() == method.rng.random()
    ours, theirs = (torch.rand(9, generator=m.generator) for m in (resumed, method))
    assert torch.equal(ours, theirs)


def test_methods_leave_the_global_generators_alone() -> None:
    for name in ("mixup", "cutmix", "bsda", "ails", "feature_noise"):
        method, network = make(name), model()
        before = torch.get_rng_state()
        method.loss(network, *method.augment(*batch()), LATE)
        assert torch.equal(torch.get_rng_state(), before), name


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(BenchError, match="did you mean 'mixup'"):
        methods.get("mixupp")


def test_names_are_those_of_methods() -> None:
    names = methods.names()
    assert {"none", "mixup", "cutmix", "bsda", "ails", "feature_noise"} <= set(names)
    assert "method" not in names
    assert not [name for name in names if name.startswith("_")]
    for name in names:
        kind = methods.get(name)
        assert kind.__module__ == f"methods.{name}"
        assert issubclass(kind.Params, Parameters)


def test_progress_runs_from_0_to_1() -> None:
    assert [Progress(step, 3, 0, 1).fraction for step in range(3)] == [0.0, 0.5, 1.0]
    assert Progress(0, 1, 0, 1).fraction == 0.0
