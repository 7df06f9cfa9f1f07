"""The metrics: what a number in a table is, how it is computed, and how it is printed.

Scores are probabilities (N, C) in float32; targets are labels (N,), or 0 and 1 (N, L) where an
image may have several. `acc` and `auc` equal medmnist's `getACC` and `getAUC`. In a binary set
label 1 is the positive class, whatever it means: in breast it is "normal, benign".

A metric of one's own is a `Metric` in a file, named by its path (`path.py`, `path.py:name`), or in
an installed package, named by its entry point in the group `bench.metrics`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.base.errors import BenchError, unknown
from bench.base.plugins import Plugins, calling
from bench.base.task import Task
from bench.base.words import short

Scores = NDArray[np.float32]
Targets = NDArray[Any]

CALIBRATION_BINS = 15
SMALLEST = float(np.finfo(np.float32).tiny)
"""A likelihood below this counts as this, so that NLL is finite."""
RECORDED = ("acc", "auc", "balanced_acc", "macro_f1", "nll", "brier", "ece")
"""What a record holds of every run; the others are computed from its predictions when asked for."""
ALL_NEGATIVE = "acc_all_negative"
"""What records of multi-label sets hold besides."""
ALL_TASKS = frozenset(Task)


@dataclass(frozen=True)
class Metric:
    """A number that scores and targets give, and its print form.

    `function(scores, targets, task)` returns it as a fraction, or a loss; None where it is
    undefined, and `undefined` says where that is ("a class has no positives"). A table prints
    `scale` times it with so many `decimals` under `title`, and defines it by `about`.
    """

    name: str
    title: str
    function: Callable[[Scores, Targets, Task], float | None]
    tasks: frozenset[Task] = ALL_TASKS
    higher_is_better: bool = True
    scale: float = 100
    decimals: int = 1
    about: str = ""
    undefined: str = ""

    @property
    def heading(self) -> str:
        """The title with its unit: `ACC (%)`."""
        return f"{self.title} (%)" if self.scale == 100 else self.title

    @property
    def form(self) -> dict[str, Any]:
        """How a table prints it."""
        return {"scale": self.scale, "decimals": self.decimals}

    def compute(self, scores: Scores, targets: Targets, task: Task) -> float | None:
        """The value; None where it is undefined or the task cannot have it.

        Raises BenchError where the function fails, or gives anything but one finite number.
        """
        if task not in self.tasks:
            return None
        with calling(f"metric {self.name}", "its function"):
            value = self.function(scores, targets, task)
            number = np.asarray(np.nan if value is None else value)
        if number.ndim or number.dtype.kind not in "biuf" or np.isinf(number):
            got = short(" ".join(repr(value).split()))
            raise BenchError(
                f"metric {self.name} gives {got}; its function must return one finite number, or "
                "None where there is none"
            )
        return None if np.isnan(number) else float(number)

    def missing(self, task: Task) -> str:
        """Why a run of that task has no value, for the note of a dash."""
        if task not in self.tasks:
            return f"{self.title} is not defined for {task.value} data"
        return f"{self.title} is undefined where {self.undefined or 'its function gives none'}"


def names() -> list[str]:
    """The built-in metrics and those of installed packages."""
    return _PLUGINS.names()


def get(name: str) -> Metric:
    """The metric of that name, or of that `path.py` or `path.py:name`.

    Raises BenchError with the nearest name where there is none, and where a metric of one's own
    has a name under which records hold another number.
    """
    metric = _PLUGINS.get(name)
    if metric.name == ALL_NEGATIVE or METRICS.get(metric.name, metric) is not metric:
        raise BenchError(f"{name}: a metric {metric.name} exists already; give yours another name")
    return metric


def compute(name: str, scores: Scores, targets: Targets, task: Task) -> float | None:
    """A metric of that name; None where it is undefined or the task cannot have it."""
    return get(name).compute(scores, targets, task)


def all_metrics(scores: Scores, targets: Targets, task: Task) -> dict[str, float | None]:
    """What a record holds: the `RECORDED` metrics, None where undefined.

    Multi-label sets also have `ALL_NEGATIVE`, the ACC of finding nothing anywhere.
    """
    measured = {name: METRICS[name].compute(scores, targets, task) for name in RECORDED}
    if task is Task.MULTILABEL:
        measured[ALL_NEGATIVE] = float((targets != 1).mean())
    return measured


def of_run(
    name: str,
    record: dict[str, Any],
    predictions: Callable[[str], tuple[Scores, Targets]],
) -> float | None:
    """A metric on the test split of a finished run, from its record or else its predictions.

    `predictions(key)` reads them, as `Store.predictions` does. None as in `compute`. Raises
    BenchError where neither has the metric.
    """
    metric, task = get(name), Task(record["cell"]["task"])
    if metric.name in record["metrics"] or task not in metric.tasks:
        value: float | None = record["metrics"].get(metric.name)
        return value
    return metric.compute(*predictions(record["key"]), task)


def selecting(rule: str) -> Metric | None:
    """The metric by which a protocol's `select` picks an epoch; None under `last`.

    Raises BenchError with the nearest rule where there is none.
    """
    if rule not in SELECTION_RULES:
        raise unknown("selection rule", rule, SELECTION_RULES)
    return SELECTION_RULES[rule]


def decisions(scores: Scores, task: Task) -> NDArray[Any]:
    """The class (N,) of each image, or whether each label (N, L) is found, as medmnist decides."""
    if task is Task.MULTILABEL:
        return scores > 0.5
    return scores.argmax(1) if scores.shape[1] > 2 else (scores[:, -1] > 0.5).astype(int)


def _truth(targets: Targets, task: Task) -> NDArray[Any]:
    return targets == 1 if task is Task.MULTILABEL else targets


def one_vs_rest(scores: Scores, targets: Targets, task: Task) -> list[tuple[Targets, Scores]]:
    """Whether each image is positive, and its score: by class or label; of label 1 for two."""
    if task is Task.MULTILABEL:
        return [(targets[:, k] == 1, scores[:, k]) for k in range(scores.shape[1])]
    classes = [scores.shape[1] - 1] if task is Task.BINARY else range(scores.shape[1])
    return [(targets == k, scores[:, k]) for k in classes]


def _acc(scores: Scores, targets: Targets, task: Task) -> float:
    return float((decisions(scores, task) == _truth(targets, task)).mean())


def _auc(scores: Scores, targets: Targets, task: Task) -> float | None:
    from sklearn.metrics import roc_auc_score

    columns = one_vs_rest(scores, targets, task)
    if any(positive.all() or not positive.any() for positive, _ in columns):
        return None
    return float(np.mean([roc_auc_score(positive, score) for positive, score in columns]))


def _average_precision(scores: Scores, targets: Targets, task: Task) -> float | None:
    from sklearn.metrics import average_precision_score

    columns = one_vs_rest(scores, targets, task)
    if not all(positive.any() for positive, _ in columns):
        return None
    return float(np.mean([average_precision_score(positive, score) for positive, score in columns]))


def _balanced_acc(scores: Scores, targets: Targets, task: Task) -> float | None:
    predicted, truth = decisions(scores, task), _truth(targets, task)
    if task is not Task.MULTILABEL:
        return _mean_recall(truth, predicted)
    recalls = [_mean_recall(truth[:, k], predicted[:, k]) for k in range(truth.shape[1])]
    return None if None in recalls else float(np.mean(recalls))  # type: ignore[arg-type]


def _mean_recall(truth: NDArray[Any], predicted: NDArray[Any]) -> float | None:
    """Over the classes that occur; None where only one does."""
    from sklearn.metrics import recall_score

    classes = np.unique(truth)
    if len(classes) < 2:
        return None
    return float(recall_score(truth, predicted, labels=classes, average="macro"))


def _macro_f1(scores: Scores, targets: Targets, task: Task) -> float:
    from sklearn.metrics import f1_score

    truth, predicted = _truth(targets, task), decisions(scores, task)
    return float(f1_score(truth, predicted, average="macro", zero_division=0.0))


def _recall_of(label: int) -> Callable[[Scores, Targets, Task], float | None]:
    def recall(scores: Scores, targets: Targets, task: Task) -> float | None:
        from sklearn.metrics import recall_score

        truth = targets == label
        return float(recall_score(truth, decisions(scores, task) == label)) if truth.any() else None

    return recall


def _kappa(scores: Scores, targets: Targets, task: Task) -> float | None:
    """Grades keep their distance where some are absent: all classes are named to scikit-learn."""
    from sklearn.metrics import cohen_kappa_score

    predicted = decisions(scores, task)
    if len(np.unique([targets, predicted])) < 2:
        return None
    weights = "quadratic" if task is Task.ORDINAL else None
    classes = np.arange(scores.shape[1])
    return float(cohen_kappa_score(targets, predicted, labels=classes, weights=weights))


def _nll(scores: Scores, targets: Targets, task: Task) -> float:
    if task is Task.MULTILABEL:
        likelihood = np.where(targets == 1, scores, 1 - scores)
    else:
        likelihood = scores[np.arange(len(targets)), targets]
    return float(-np.log(np.maximum(likelihood, SMALLEST), dtype=np.float64).mean())


def _brier(scores: Scores, targets: Targets, task: Task) -> float:
    if task is Task.MULTILABEL:
        return float(((scores - (targets == 1)) ** 2).mean())
    return float(((scores - np.eye(scores.shape[1])[targets]) ** 2).sum(1).mean())


def _ece(scores: Scores, targets: Targets, task: Task) -> float:
    if task is Task.MULTILABEL:
        return calibration_error(scores.ravel(), (targets == 1).ravel())
    return calibration_error(scores.max(1), scores.argmax(1) == targets)


def calibration_error(confidence: Scores, correct: NDArray[np.bool_]) -> float:
    """Expected calibration error (Guo et al. 2017): |accuracy - confidence| over equal bins."""
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=correct - confidence.astype(np.float64))
    return float(np.abs(gaps).sum() / len(confidence))


_BINARY = frozenset({Task.BINARY})
METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "acc",
            "ACC",
            _acc,
            about="share of images, or of labels, that are right",
        ),
        Metric(
            "auc",
            "AUC",
            _auc,
            about="area under the ROC curve, macro one-vs-rest",
            undefined="a class has no or only positives",
        ),
        Metric(
            "balanced_acc",
            "balanced ACC",
            _balanced_acc,
            about="mean recall over classes; over labels, the mean of theirs",
            undefined="the labels hold one class only",
        ),
        Metric("macro_f1", "macro F1", _macro_f1, about="mean F1 over classes or labels"),
        Metric(
            "sensitivity",
            "sensitivity",
            _recall_of(1),
            _BINARY,
            about="recall of label 1",
            undefined="no image has label 1",
        ),
        Metric(
            "specificity",
            "specificity",
            _recall_of(0),
            _BINARY,
            about="recall of label 0",
            undefined="no image has label 0",
        ),
        Metric(
            "kappa",
            "κ",
            _kappa,
            ALL_TASKS - {Task.MULTILABEL},
            scale=1,
            decimals=3,
            about="Cohen's κ, with quadratic weights for grades",
            undefined="labels and predictions are all of one class",
        ),
        Metric(
            "average_precision",
            "AP",
            _average_precision,
            about="average precision, macro one-vs-rest; of label 1 for two classes",
            undefined="a class has no positives",
        ),
        Metric(
            "nll",
            "NLL",
            _nll,
            higher_is_better=False,
            scale=1,
            decimals=3,
            about="mean negative log-likelihood in nats, over images or labels",
        ),
        Metric(
            "brier",
            "Brier",
            _brier,
            higher_is_better=False,
            scale=1,
            decimals=3,
            about="squared error of the probabilities, summed over classes or averaged over labels",
        ),
        Metric(
            "ece",
            "ECE",
            _ece,
            higher_is_better=False,
            about=f"expected calibration error over {CALIBRATION_BINS} equal bins of confidence",
        ),
    )
}

_PLUGINS = Plugins[Metric](
    kind="metric",
    group="bench.metrics",
    wanted="Metric",
    fits=lambda member: isinstance(member, Metric),
    own={name: partial(METRICS.__getitem__, name) for name in METRICS},
)

SELECTION_RULES: dict[str, Metric | None] = {
    "last": None,
    "val_loss": METRICS["nll"],
    **{f"val_{name}": m for name, m in METRICS.items() if m.tasks != _BINARY},
}
"""By `Protocol.select`. Neither sensitivity nor specificity: one answer to all maximises it."""
