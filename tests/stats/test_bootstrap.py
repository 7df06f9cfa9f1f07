"""The paired bootstrap, against scipy's, exact enumeration, and the metrics of records."""

from itertools import product

import numpy as np
import pytest
from scipy import stats
from scipy.special import softmax

from bench.base.errors import BenchError
from bench.base.task import Task
from bench.metrics import compute
from bench.stats.bootstrap import differences, paired_difference

CLASSES = {Task.BINARY: 2, Task.MULTICLASS: 4, Task.ORDINAL: 5, Task.MULTILABEL: 3}


def example(task, images=60, seeds=3, seed=0, skill=1.0, ties=True):
    """Scores at each seed of one method, and targets that do not depend on `skill`."""
    classes = CLASSES[task]
    rng = np.random.default_rng(0)
    if task is Task.MULTILABEL:
        targets = (rng.random((images, classes)) < 0.4).astype(np.float32)
        signal = 2 * targets - 1
    else:
        targets = rng.integers(classes, size=images)
        signal = np.eye(classes)[targets]
    rng = np.random.default_rng(seed + 1)
    logits = rng.normal(size=(seeds, images, classes)) + skill * signal
    logits = logits.round() if ties else logits
    scores = 1 / (1 + np.exp(-logits)) if task is Task.MULTILABEL else softmax(logits, -1)
    return list(scores.astype(np.float32)), targets


def evaluated(runs, targets, task, metric):
    values = [compute(metric, scores, targets, task) for scores in runs]
    return None if None in values else float(np.mean(values))


@pytest.mark.parametrize("metric", ["acc", "auc"])
@pytest.mark.parametrize("task", Task)
class TestAgainstMetrics:
    def test_every_resample_is_what_the_metric_says_of_its_images(self, task, metric):
        a, targets = example(task, images=30, seeds=2)
        b, _ = example(task, images=30, seeds=2, seed=1, skill=0.3)
        drawn = np.random.default_rng(2).integers(30, size=(6, 30))
        weights = np.array([np.bincount(row, minlength=30) for row in drawn], dtype=np.uint16)
        found = differences(a, b, targets, task, metric, weights)
        for value, row in zip(found, drawn, strict=True):
            x, y = (
                evaluated([s[row] for s in runs], targets[row], task, metric) for runs in (a, b)
            )
            if x is None or y is None:
                assert np.isnan(value)
            else:
                assert value == pytest.approx(x - y, abs=1e-6)

    def test_the_difference_is_that_of_the_means_over_seeds(self, task, metric):
        a, targets = example(task)
        b, _ = example(task, seed=1, skill=0.3)
        found = paired_difference(a, b, targets, task, metric, resamples=200)
        expected = evaluated(a, targets, task, metric) - evaluated(b, targets, task, metric)
        assert found.difference == pytest.approx(expected, abs=1e-6)
        assert found.low < found.difference < found.high

    def test_exchanging_the_methods_mirrors_the_interval(self, task, metric):
        a, targets = example(task)
        b, _ = example(task, seed=1, skill=0.3)
        one = paired_difference(a, b, targets, task, metric, resamples=200)
        other = paired_difference(b, a, targets, task, metric, resamples=200)
        mirrored = (-other.difference, -other.high, -other.low)
        assert (one.difference, one.low, one.high) == pytest.approx(mirrored, abs=1e-9)

    def test_a_method_does_not_differ_from_itself(self, task, metric):
        a, targets = example(task)
        found = paired_difference(a, a, targets, task, metric, resamples=50)
        assert (found.difference, found.low, found.high) == (0, 0, 0)


def outcomes(right, classes=2):
    """Scores of images of class 0 that are right or wrong as told."""
    scores = np.where(np.array(right)[:, None], [0.9, 0.1], [0.1, 0.9])
    return scores.astype(np.float32)


def test_accuracy_is_within_monte_carlo_error_of_scipy():
    a, targets = example(Task.MULTICLASS, images=200, seeds=4)
    b, _ = example(Task.MULTICLASS, images=200, seeds=4, seed=1, skill=0.6)
    found = paired_difference(a, b, targets, Task.MULTICLASS, resamples=20_000)
    x, y = (np.mean([s.argmax(1) == targets for s in runs], axis=0) for runs in (a, b))
    test = stats.bootstrap(
        (x, y),
        lambda x, y, axis: (x - y).mean(axis),
        paired=True,
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(5),
    )
    step = 1 / 800
    error = 0.16 * (found.high - found.low) / 4 + step  # 6 standard errors of a 2.5 % quantile
    ends = (test.confidence_interval.low, test.confidence_interval.high)
    assert (found.low, found.high) == pytest.approx(ends, abs=error)


def test_four_images_are_those_of_all_256_resamples():
    gain = np.array([1, 1, 0, -1])
    targets = np.zeros(4, dtype=int)
    a, b = [outcomes(gain >= 0)], [outcomes(gain <= 0)]
    a[0][2], b[0][2] = [0.9, 0.1], [0.9, 0.1]
    every = [np.mean(gain[list(row)]) for row in product(range(4), repeat=4)]
    found = paired_difference(a, b, targets, Task.BINARY, resamples=20_000)
    ends = np.quantile(every, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx(tuple(ends))
    assert found.difference == 0.25


def test_the_interval_covers_what_new_images_would_show():
    """A true difference of 0.1 in accuracy is inside about 95 of 100 intervals."""
    rng = np.random.default_rng(0)
    targets = np.zeros(300, dtype=int)
    inside = 0
    for trial in range(300):
        a, b = outcomes(rng.random(300) < 0.8), outcomes(rng.random(300) < 0.7)
        found = paired_difference([a], [b], targets, Task.BINARY, resamples=300, seed=trial)
        inside += found.low <= 0.1 <= found.high
    assert 0.91 < inside / 300 < 0.98


def test_resamples_without_a_class_are_left_out_and_counted():
    targets = np.array([1] + [0] * 19)
    rng = np.random.default_rng(0)
    a, b = ([rng.dirichlet([1, 1], 20).astype(np.float32)] for _ in range(2))
    found = paired_difference(a, b, targets, Task.BINARY, "auc", resamples=4000)
    missing = (1 - 1 / 20) ** 20
    assert found.undefined / 4000 == pytest.approx(missing, abs=0.03)
    assert paired_difference(a, b, targets, Task.BINARY, "acc").undefined == 0


def test_no_auc_without_a_class_in_the_test_split():
    a, targets = example(Task.MULTICLASS)
    assert paired_difference(a, a, targets % 3, Task.MULTICLASS, "auc") is None


def test_the_same_seed_gives_the_same_interval():
    a, targets = example(Task.ORDINAL)
    b, _ = example(Task.ORDINAL, seed=1)
    first, again, other = (
        paired_difference(a, b, targets, Task.ORDINAL, "auc", resamples=300, seed=seed)
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_a_small_memory_gives_the_same_numbers(monkeypatch):
    a, targets = example(Task.MULTICLASS)
    b, _ = example(Task.MULTICLASS, seed=1)
    whole = paired_difference(a, b, targets, Task.MULTICLASS, "auc", resamples=100)
    monkeypatch.setattr("bench.stats.bootstrap.LARGEST_BLOCK", 300)
    assert paired_difference(a, b, targets, Task.MULTICLASS, "auc", resamples=100) == whole


def test_what_cannot_be_paired_is_refused():
    a, targets = example(Task.BINARY)
    with pytest.raises(BenchError, match="3 and 2 runs"):
        paired_difference(a, a[:2], targets, Task.BINARY)
    with pytest.raises(BenchError, match="same test images"):
        paired_difference(a, [s[:-1] for s in a], targets, Task.BINARY)
