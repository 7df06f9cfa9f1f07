"""Metrics against medmnist's evaluator, sklearn and closed forms."""

import numpy as np
import pytest
import torch
from medmnist.evaluator import getACC, getAUC
from scipy.special import softmax

from bench.base.task import Task
from bench.training.evaluation import calibration_error, metrics

CLASSES = {Task.BINARY: 2, Task.MULTICLASS: 7, Task.ORDINAL: 5, Task.MULTILABEL: 14}


def example(task: Task, seed: int, ties: bool) -> tuple[np.ndarray, torch.Tensor]:
    rng = np.random.default_rng(seed)
    classes = CLASSES[task]
    logits = rng.normal(size=(400, classes))
    if ties:
        logits = logits.round()
    if task is Task.MULTILABEL:
        labels = (rng.random((400, classes)) < 0.3).astype(np.float32)
        return (1 / (1 + np.exp(-logits))).astype(np.float32), torch.from_numpy(labels)
    return softmax(logits, 1).astype(np.float32), torch.from_numpy(rng.integers(classes, size=400))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("task", Task)
def test_acc_and_auc_are_those_of_medmnist(task: Task, seed: int, ties: bool) -> None:
    scores, targets = example(task, seed, ties)
    labels = targets.numpy() if targets.ndim == 2 else targets.numpy()[:, None]
    measured = metrics(scores, targets, task)
    assert measured["acc"] == pytest.approx(getACC(labels, scores, task.value), abs=1e-12)
    assert measured["auc"] == pytest.approx(getAUC(labels, scores, task.value), abs=1e-12)


@pytest.mark.parametrize("task", Task)
def test_one_class_only_is_undefined_and_no_crash(task: Task) -> None:
    scores, targets = example(task, 0, ties=False)
    measured = metrics(scores, torch.zeros_like(targets), task)
    assert measured["auc"] is None
    assert measured["balanced_acc"] is None
    assert measured["acc"] is not None


def test_a_class_that_the_split_lacks_leaves_auc_undefined() -> None:
    scores, targets = example(Task.ORDINAL, 0, ties=False)
    present = targets != 3
    assert metrics(scores[present.numpy()], targets[present], Task.ORDINAL)["auc"] is None


def test_certain_and_right_is_perfect_in_every_metric() -> None:
    targets = torch.arange(5).repeat(4)
    scores = np.eye(5, dtype=np.float32)[targets]
    measured = metrics(scores, targets, Task.MULTICLASS)
    for name, best in {"acc": 1, "auc": 1, "macro_f1": 1, "nll": 0, "brier": 0, "ece": 0}.items():
        assert measured[name] == pytest.approx(best), name


def test_nll_is_torchs_cross_entropy() -> None:
    logits, targets = torch.randn(50, 5), torch.randint(5, (50,))
    measured = metrics(logits.softmax(1).numpy(), targets, Task.MULTICLASS)
    expected = torch.nn.functional.cross_entropy(logits, targets).item()
    assert measured["nll"] == pytest.approx(expected, rel=1e-5)
    rows = torch.randint(2, (50, 5)).float()
    measured = metrics(logits.sigmoid().numpy(), rows, Task.MULTILABEL)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, rows).item()
    assert measured["nll"] == pytest.approx(expected, rel=1e-5)


def test_certain_and_wrong_has_a_finite_nll() -> None:
    scores = np.array([[1, 0], [0, 1]], dtype=np.float32)
    nll = metrics(scores, torch.tensor([1, 1]), Task.BINARY)["nll"]
    assert nll is not None and np.isfinite(nll)


def test_the_all_negative_score_stands_beside_multilabel_acc() -> None:
    scores, targets = example(Task.MULTILABEL, 0, ties=False)
    nothing = metrics(np.zeros_like(scores), targets, Task.MULTILABEL)
    measured = metrics(scores, targets, Task.MULTILABEL)
    assert nothing["acc"] == measured["acc_all_negative"]


def test_calibration_error_of_known_gaps() -> None:
    confidence = np.array([0.9] * 10 + [0.61] * 10, dtype=np.float32)
    correct = np.array([True] * 7 + [False] * 3 + [True] * 6 + [False] * 4)
    assert calibration_error(confidence, correct) == pytest.approx(0.5 * 0.2 + 0.5 * 0.01, abs=1e-6)
