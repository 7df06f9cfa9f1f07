"""Metrics against medmnist's evaluator, scikit-learn, torch and closed forms."""

import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
import torch
from medmnist.evaluator import getACC, getAUC
from scipy.special import softmax

from bench import metrics
from bench.base.errors import BenchError
from bench.base.task import Task
from bench.metrics import all_metrics, calibration_error, compute
from bench.store.records import Store

CLASSES = {Task.BINARY: 2, Task.MULTICLASS: 7, Task.ORDINAL: 5, Task.MULTILABEL: 14}
IMPOSSIBLE = {
    *(
        (name, task)
        for name in ("sensitivity", "specificity")
        for task in set(Task) - {Task.BINARY}
    ),
    ("kappa", Task.MULTILABEL),
}
Example = tuple[np.ndarray, np.ndarray]


def example(task: Task, seed: int = 0, ties: bool = False) -> Example:
    rng = np.random.default_rng(seed)
    classes = CLASSES[task]
    logits = rng.normal(size=(400, classes))
    if ties:
        logits = logits.round()
    if task is Task.MULTILABEL:
        labels = (rng.random((400, classes)) < 0.3).astype(np.float32)
        return (1 / (1 + np.exp(-logits))).astype(np.float32), labels
    return softmax(logits, 1).astype(np.float32), rng.integers(classes, size=400)


def certain(targets: np.ndarray, task: Task) -> np.ndarray:
    """Scores that are sure of the targets."""
    if task is Task.MULTILABEL:
        return targets.astype(np.float32)
    return np.eye(CLASSES[task], dtype=np.float32)[targets]


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Records of an earlier commit, with their predictions."""
    folder = tmp_path_factory.mktemp("frozen")
    with tarfile.open(Path(__file__).parent / "frozen" / "store.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return Store(folder)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("task", Task)
class TestOracles:
    def test_acc_and_auc_are_those_of_medmnist(self, task: Task, seed: int, ties: bool) -> None:
        scores, targets = example(task, seed, ties)
        labels = targets if targets.ndim == 2 else targets[:, None]
        measured = all_metrics(scores, targets, task)
        assert measured["acc"] == pytest.approx(getACC(labels, scores, task.value), abs=1e-12)
        assert measured["auc"] == pytest.approx(getAUC(labels, scores, task.value), abs=1e-12)

    def test_balanced_acc_and_ap_are_those_of_sklearn(
        self, task: Task, seed: int, ties: bool
    ) -> None:
        scores, targets = example(task, seed, ties)
        if task is Task.MULTILABEL:
            pairs = zip(targets.T, scores.T > 0.5, strict=True)
            balanced = np.mean([sklearn.metrics.balanced_accuracy_score(*pair) for pair in pairs])
            onehot = targets
        else:
            predicted = scores.argmax(1) if scores.shape[1] > 2 else scores[:, 1] > 0.5
            balanced = sklearn.metrics.balanced_accuracy_score(targets, predicted)
            onehot = np.eye(CLASSES[task])[targets]
        if task is Task.BINARY:
            precision = sklearn.metrics.average_precision_score(targets, scores[:, 1])
        else:
            precision = sklearn.metrics.average_precision_score(onehot, scores, average="macro")
        assert compute("balanced_acc", scores, targets, task) == pytest.approx(balanced, abs=1e-12)
        assert compute("average_precision", scores, targets, task) == pytest.approx(
            precision, abs=1e-12
        )


@pytest.mark.parametrize("name", metrics.names())
@pytest.mark.parametrize("task", Task)
class TestEveryMetric:
    def test_it_is_a_number_or_the_task_cannot_have_it(self, name: str, task: Task) -> None:
        value = compute(name, *example(task), task)
        assert (value is None) == ((name, task) in IMPOSSIBLE)
        if value is None:
            assert task.value in metrics.get(name).missing(task)
        else:
            assert type(value) is float and np.isfinite(value)

    def test_being_certain_and_right_is_best_in_its_direction(self, name: str, task: Task) -> None:
        if (name, task) in IMPOSSIBLE:
            return
        scores, targets = example(task)
        best = compute(name, certain(targets, task), targets, task)
        value = compute(name, scores, targets, task)
        assert best is not None and value is not None
        higher = metrics.get(name).higher_is_better
        assert best == pytest.approx(1.0 if higher else 0.0, abs=1e-12)
        assert value < best if higher else value > best

    def test_where_all_is_of_one_class_it_is_a_number_or_says_why_not(
        self, name: str, task: Task
    ) -> None:
        _, targets = example(task)
        nothing = np.zeros_like(targets)
        value = compute(name, certain(nothing, task), nothing, task)
        undefined = {"auc", "balanced_acc", "sensitivity", "kappa", "average_precision"}
        assert (value is None) == (name in undefined or (name, task) in IMPOSSIBLE)
        if value is None:
            missing = metrics.get(name).missing(task)
            assert missing.startswith(metrics.get(name).title)
            assert "gives none" not in missing

    def test_it_leaves_its_arrays_alone(self, name: str, task: Task) -> None:
        scores, targets = example(task)
        copies = scores.copy(), targets.copy()
        compute(name, scores, targets, task)
        assert np.array_equal(scores, copies[0]) and np.array_equal(targets, copies[1])


class TestRecords:
    def test_stored_predictions_give_what_is_recorded_bit_for_bit(self, frozen: Store) -> None:
        tasks = set()
        for key in frozen:
            record = frozen.read(key)
            tasks.add(task := Task(record["cell"]["task"]))
            assert all_metrics(*frozen.predictions(key), task) == record["metrics"]
        assert tasks == {Task.BINARY, Task.ORDINAL, Task.MULTILABEL}

    def test_what_is_recorded_is_taken_without_predictions(self) -> None:
        record = {"key": "0", "cell": {"task": Task.BINARY.value}, "metrics": {"auc": None}}
        assert metrics.of_run("auc", record, unread) is None
        record["metrics"] = {"acc": 0.25}
        assert metrics.of_run("acc", record, unread) == 0.25

    def test_what_an_old_record_lacks_is_computed_from_its_predictions(self, frozen: Store) -> None:
        for key in frozen:
            record = frozen.read(key)
            task, predictions = Task(record["cell"]["task"]), frozen.predictions(key)
            for name in metrics.names():
                value = metrics.of_run(name, record, frozen.predictions)
                assert value == compute(name, *predictions, task)

    def test_a_task_that_cannot_have_a_metric_needs_no_predictions(self) -> None:
        record = {"key": "0", "cell": {"task": Task.MULTILABEL.value}, "metrics": {}}
        assert metrics.of_run("kappa", record, unread) is None

    def test_missing_predictions_are_answered_with_the_run_and_the_mend(
        self, frozen: Store, tmp_path: Path
    ) -> None:
        record, other = next(frozen.read(key) for key in frozen), Store(tmp_path)
        path = other.record_path(record["key"])
        path.parent.mkdir(parents=True)
        path.write_bytes(frozen.record_path(record["key"]).read_bytes())
        with pytest.raises(BenchError, match=rf"{record['key']}.*preds|preds.*{record['key']}"):
            metrics.of_run("average_precision", record, other.predictions)


def test_a_table_of_metrics_needs_no_torch() -> None:
    code = "import sys, bench.metrics; print('torch' in sys.modules, 'sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def unread(key: str) -> Any:
    raise AssertionError(f"the predictions of {key} are not wanted")


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(BenchError, match="did you mean 'sensitivity'"):
        metrics.get("sensitvity")


MINE = """
from bench.base.task import Task
from bench.metrics import Metric


def of(label):
    return lambda scores, targets, task: float((targets == label).mean())


ones = Metric("ones", "ones", of(1), frozenset({Task.BINARY}))
"""
ZEROS = 'zeros = Metric("zeros", "zeros", of(0), higher_is_better=False)\n'


class TestOwn:
    def own(self, folder: Path, text: str = MINE) -> str:
        path = folder / "mine.py"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def test_a_file_holds_a_metric(self, tmp_path: Path) -> None:
        path = self.own(tmp_path)
        scores, targets = example(Task.BINARY)
        assert compute(path, scores, targets, Task.BINARY) == targets.mean()
        assert compute(path, *example(Task.ORDINAL), Task.ORDINAL) is None
        assert metrics.get(path).missing(Task.ORDINAL) == (
            "ones is not defined for ordinal-regression data"
        )

    def test_a_metric_of_several_is_named(self, tmp_path: Path) -> None:
        path = self.own(tmp_path, MINE + ZEROS)
        assert not metrics.get(f"{path}:zeros").higher_is_better
        with pytest.raises(BenchError, match=r"one Metric, found 2: ones, zeros.*mine.py:ones"):
            metrics.get(path)
        with pytest.raises(BenchError, match="did you mean 'zeros'"):
            metrics.get(f"{path}:zeroes")

    @pytest.mark.parametrize("name", ["acc", "kappa", "acc_all_negative"])
    def test_a_name_that_records_use_is_refused(self, name: str, tmp_path: Path) -> None:
        path = self.own(tmp_path, MINE.replace('"ones", "ones"', f'"{name}", "mine"'))
        with pytest.raises(BenchError, match=f"a metric {name} exists already"):
            metrics.get(path)

    @pytest.mark.parametrize(
        ("function", "answer"),
        [
            (
                lambda *_: 1 / 0,
                "metric mine: its function fails: ZeroDivisionError: division by zero; m",
            ),
            (lambda *_: sys.exit(0), "metric mine: its function fails: SystemExit: it calls"),
            (lambda scores, targets: 0.5, "metric mine: its function fails: TypeError"),
            (lambda *_: "0.5", "metric mine gives '0.5'; its function must return one finite"),
            (lambda *_: np.zeros(3), "metric mine gives array([0., 0., 0.])"),
            (lambda *_: 1j, "metric mine gives 1j"),
            (lambda *_: float("-inf"), "metric mine gives -inf"),
        ],
    )
    def test_what_gives_no_number_is_named(self, function: Any, answer: str) -> None:
        mine = metrics.Metric("mine", "Mine", function)
        with pytest.raises(BenchError) as error:
            mine.compute(*example(Task.BINARY), Task.BINARY)
        assert str(error.value).startswith(answer) and "\n" not in str(error.value)

    @pytest.mark.parametrize("value", [1, True, np.float32(1), np.array(1), torch.tensor(1.0)])
    def test_a_number_of_any_kind_is_one(self, value: Any) -> None:
        found = metrics.Metric("mine", "Mine", lambda *_: value).compute(
            *example(Task.BINARY), Task.BINARY
        )
        assert (found, type(found)) == (1.0, float)

    def test_old_records_have_it(self, frozen: Store, tmp_path: Path) -> None:
        path = self.own(tmp_path)
        record = next(r for r in map(frozen.read, frozen) if r["cell"]["task"] == Task.BINARY)
        _, targets = frozen.predictions(record["key"])
        assert metrics.of_run(path, record, frozen.predictions) == (targets == 1).mean()

    def test_an_installed_package_adds_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.own(tmp_path)
        installed = tmp_path / "mine-1.0.dist-info"
        installed.mkdir()
        (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
        (installed / "entry_points.txt").write_text("[bench.metrics]\nones = mine:ones\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "mine", raising=False)
        assert "ones" in metrics.names()
        assert metrics.get("ones").title == "ones"


def test_a_metric_that_gives_nan_is_undefined() -> None:
    mine = metrics.Metric("mine", "mine", lambda scores, targets, task: float("nan"))
    assert mine.compute(*example(Task.BINARY), Task.BINARY) is None


def test_a_class_that_the_split_lacks_leaves_auc_and_ap_undefined() -> None:
    scores, targets = example(Task.ORDINAL)
    present = targets != 3
    for name in ("auc", "average_precision"):
        assert compute(name, scores[present], targets[present], Task.ORDINAL) is None


def test_sensitivity_and_specificity_are_of_label_1_and_label_0() -> None:
    positive = np.array([0.9, 0.8, 0.4, 0.7, 0.1], dtype=np.float32)
    scores, targets = np.stack([1 - positive, positive], 1), np.array([1, 1, 1, 0, 0])
    assert compute("sensitivity", scores, targets, Task.BINARY) == 2 / 3
    assert compute("specificity", scores, targets, Task.BINARY) == 1 / 2
    assert compute("sensitivity", scores, 0 * targets, Task.BINARY) is None
    assert compute("specificity", scores, 0 * targets + 1, Task.BINARY) is None


def test_kappa_of_a_known_table() -> None:
    """20 and 15 agreed, 5 and 10 not: p_o = 0.7, p_e = 0.5 (Wikipedia's example)."""
    targets = np.repeat([0, 0, 1, 1], [20, 5, 10, 15])
    scores = np.eye(2, dtype=np.float32)[np.repeat([0, 1, 0, 1], [20, 5, 10, 15])]
    assert compute("kappa", scores, targets, Task.BINARY) == pytest.approx(0.4)
    assert compute("kappa", scores[:, [1, 0]], targets, Task.BINARY) == pytest.approx(-0.4)


def test_kappa_of_grades_weighs_the_squared_distance_and_that_of_classes_does_not() -> None:
    scores, targets = example(Task.ORDINAL)
    quadratic = compute("kappa", scores, targets, Task.ORDINAL)
    table = sklearn.metrics.confusion_matrix(targets, scores.argmax(1)) / len(targets)
    distance = np.subtract.outer(np.arange(5), np.arange(5)) ** 2
    chance = np.outer(table.sum(1), table.sum(0))
    expected = 1 - (distance * table).sum() / (distance * chance).sum()
    assert quadratic == pytest.approx(expected, abs=1e-12)
    plain = 1 - (1 - np.trace(table)) / (1 - np.trace(chance))
    assert compute("kappa", scores, targets, Task.MULTICLASS) == pytest.approx(plain, abs=1e-12)


def test_grades_keep_their_distance_where_one_between_them_is_absent() -> None:
    """From grade 0 to 4 is twice as far as to 2, also where no image has grade 1 or 3."""
    targets, predicted = np.array([0, 0, 4, 4, 2, 2]), np.array([0, 2, 4, 4, 2, 4])
    scores = np.eye(5, dtype=np.float32)[predicted]
    correlated = 2 * np.cov(targets, predicted, bias=True)[0, 1]
    spread = targets.var() + predicted.var() + (targets.mean() - predicted.mean()) ** 2
    assert compute("kappa", scores, targets, Task.ORDINAL) == pytest.approx(correlated / spread)


def test_nll_is_torchs_cross_entropy() -> None:
    logits, targets = torch.randn(50, 5), torch.randint(5, (50,))
    nll = compute("nll", logits.softmax(1).numpy(), targets.numpy(), Task.MULTICLASS)
    expected = torch.nn.functional.cross_entropy(logits, targets).item()
    assert nll == pytest.approx(expected, rel=1e-5)
    rows = torch.randint(2, (50, 5)).float()
    nll = compute("nll", logits.sigmoid().numpy(), rows.numpy(), Task.MULTILABEL)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, rows).item()
    assert nll == pytest.approx(expected, rel=1e-5)


def test_certain_and_wrong_has_a_finite_nll() -> None:
    scores = np.array([[1, 0], [0, 1]], dtype=np.float32)
    nll = compute("nll", scores, np.array([1, 1]), Task.BINARY)
    assert nll is not None and np.isfinite(nll)


def test_brier_sums_over_classes_and_averages_over_labels() -> None:
    scores, targets = np.array([[0.75, 0.25]], dtype=np.float32), np.array([0])
    assert compute("brier", scores, targets, Task.BINARY) == 2 * 0.25**2
    assert compute("brier", scores, np.array([[1, 0]]), Task.MULTILABEL) == 0.25**2


def test_the_all_negative_score_stands_beside_multilabel_acc() -> None:
    scores, targets = example(Task.MULTILABEL)
    nothing = compute("acc", np.zeros_like(scores), targets, Task.MULTILABEL)
    assert nothing == all_metrics(scores, targets, Task.MULTILABEL)["acc_all_negative"]


def test_calibration_error_of_known_gaps() -> None:
    confidence = np.array([0.9] * 10 + [0.61] * 10, dtype=np.float32)
    correct = np.array([True] * 7 + [False] * 3 + [True] * 6 + [False] * 4)
    assert calibration_error(confidence, correct) == pytest.approx(0.5 * 0.2 + 0.5 * 0.01, abs=1e-6)
