"""A run: pairing, determinism, the one look at the test split, resuming."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from bench.backbone import build
from bench.base.errors import BenchError
from bench.base.split import Split
from bench.data.dataset import Dataset, open_dataset
from bench.grid.cell import Run
from bench.grid.protocol import Protocol
from bench.training.execute import Outcome, epochs_to_convergence, execute, training_subset
from bench.training.state import Watch
from bench.training.trainer import DivergedError
from methods.mixup import Mixup
from methods.none import NoAugmentation

MakeRun = Callable[..., Run]


def same_bits(one: Outcome, other: Outcome) -> bool:
    return (
        np.array_equal(one.scores, other.scores)
        and one.record["metrics"] == other.record["metrics"]
        and one.record["curves"] == other.record["curves"]
    )


def test_the_same_run_has_the_same_bits_whatever_ran_before(make_run: MakeRun) -> None:
    first = execute(make_run())
    execute(make_run("mixup", seed=1))
    assert same_bits(first, execute(make_run()))


def test_another_seed_is_another_run(make_run: MakeRun) -> None:
    assert not same_bits(execute(make_run()), execute(make_run(seed=1)))


@pytest.mark.parametrize("method", [NoAugmentation, Mixup])
def test_methods_of_a_seed_share_images_weights_and_order(
    method: type, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What reaches the two methods is the same, bit for bit, at every step."""
    seen: dict[str, list[torch.Tensor]] = {}

    def record(name: str) -> Callable[..., Any]:
        def augment(self: Any, images: torch.Tensor, targets: torch.Tensor) -> Any:
            seen.setdefault(name, []).append(images.clone())
            return images, targets

        return augment

    monkeypatch.setattr(NoAugmentation, "augment", record("none"))
    monkeypatch.setattr(Mixup, "augment", record("mixup"))
    none, mixup = (execute(make_run(name, ratio=0.5, seed=4)) for name in ("none", "mixup"))
    assert all(torch.equal(*pair) for pair in zip(seen["none"], seen["mixup"], strict=True))
    assert same_bits(none, mixup)


def test_a_smaller_subset_of_a_seed_is_part_of_a_larger_one(make_run: MakeRun) -> None:
    dataset = open_dataset("phantom-binary", 28)

    def images(ratio: float) -> set[bytes]:
        subset, _ = training_subset(make_run(ratio=ratio), dataset)
        return {image.tobytes() for image in subset.pixels(np.arange(len(subset)))}

    assert images(0.2) < images(0.5) < images(1.0)


def test_the_test_split_is_opened_once_and_after_selection(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    original = Dataset.split
    monkeypatch.setattr(
        Dataset, "split", lambda self, name: events.append(name) or original(self, name)
    )
    execute(make_run(), watch=Watch(on_epoch=lambda training: events.append("epoch")))
    assert events == ["train", "val", "epoch", "epoch", "test"]


def test_the_test_split_decides_nothing_but_the_test_metrics(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another test split in its place, training and selection keep every bit."""
    honest = execute(make_run())
    original = Dataset.split

    def replaced(self: Dataset, name: str) -> Split:
        return original(self, "train" if name == "test" else name)

    monkeypatch.setattr(Dataset, "split", replaced)
    other = execute(make_run())
    assert other.record["curves"] == honest.record["curves"]
    assert other.record["selected_epoch"] == honest.record["selected_epoch"]
    assert other.record["metrics"] != honest.record["metrics"]


@pytest.mark.parametrize("method", ["mixup", "bsda", "ails"])
def test_a_resumed_run_has_the_bits_of_the_uninterrupted_one(
    method: str, make_run: MakeRun, tmp_path: Any
) -> None:
    run = make_run(method, protocol=Protocol(epochs=3, batch_size=64))
    whole = execute(run)

    class KilledError(Exception):
        pass

    def die_after_two(training: Any) -> None:
        torch.save(training.state(), tmp_path / "state.pt")
        if training.epoch == 2:
            raise KilledError

    with pytest.raises(KilledError):
        execute(run, watch=Watch(on_epoch=die_after_two))
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    resumed = execute(run, watch=Watch(resume=state))
    assert same_bits(whole, resumed)
    for cost in ("images", "backbone_passes"):
        assert resumed.record["cost"][cost] == whole.record["cost"][cost]


def test_a_loss_that_is_not_finite_ends_the_run(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def loss(self: Any, model: Any, images: Any, targets: Any, progress: Any) -> Any:
        calls.append(progress.step)
        value = self.task_loss(model(images), targets)
        return (value * float("nan") if progress.step == 9 else value), {}

    monkeypatch.setattr(NoAugmentation, "loss", loss)
    with pytest.raises(DivergedError, match="diverged at step 9") as error:
        execute(make_run())
    assert calls[-1] == 13, "the epoch is ended, and no other begun"
    assert len(error.value.curves) == 1


def test_sgd_takes_weights_whose_first_gradient_comes_late(make_run: MakeRun) -> None:
    """BSDA's encoder has none in the first epoch."""
    protocol = Protocol(epochs=2, batch_size=64, optimizer="sgd", lr=1e-3)
    curves = execute(make_run("bsda", protocol=protocol)).record["curves"]
    assert [epoch["kl"] > 0 for epoch in curves] == [False, True]


@pytest.mark.parametrize(
    ("rule", "pick"),
    [
        ("val_auc", "max"),
        ("val_loss", "min"),
        ("val_macro_f1", "max"),
        ("val_ece", "min"),
        ("val_kappa", "max"),
        ("last", ""),
    ],
)
def test_the_selection_rule_decides_the_weights(rule: str, pick: str, make_run: MakeRun) -> None:
    record = execute(make_run(protocol=Protocol(epochs=4, select=rule))).record
    name = {"val_loss": "val_nll", "last": "lr"}.get(rule, rule)
    values = [epoch[name] for epoch in record["curves"]]
    expected = {"max": np.argmax, "min": np.argmin, "": lambda v: len(v) - 1}[pick](values)
    assert record["selected_epoch"] == expected
    assert record["validation"] == record["curves"][expected]


def test_a_curve_holds_what_every_record_holds_and_what_selects(make_run: MakeRun) -> None:
    usual = execute(make_run()).record["curves"][0].keys()
    selecting = Protocol(epochs=1, batch_size=64, select="val_average_precision")
    record = execute(make_run(protocol=selecting)).record
    assert record["curves"][0].keys() == usual | {"val_average_precision"}
    assert record["metrics"].keys() == {name.removeprefix("val_") for name in usual} - {
        "lr",
        "loss",
    }


def test_a_metric_that_validation_lacks_is_answered_with_the_reason(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = open_dataset("phantom-binary", 28)
    validation = dataset.split("val")
    monkeypatch.setattr(validation, "targets", torch.zeros_like(validation.targets))
    with pytest.raises(BenchError, match=r"AUC is undefined where .* --set select=val_loss"):
        execute(make_run(), dataset=dataset)


def test_the_selected_weights_are_those_that_are_tested(make_run: MakeRun) -> None:
    run = make_run(protocol=Protocol(epochs=4, lr=5e-3))
    best: dict[str, Any] = {}
    outcome = execute(run, watch=Watch(on_epoch=lambda training: best.update(training.best)))
    info = open_dataset("phantom-binary", 28).info
    model = build(run.cell.backbone, info.num_classes, info.channels, 28, seed=0)
    model.load_state_dict(best["model"])
    from bench.training.evaluation import predict

    test = open_dataset("phantom-binary", 28).split("test")
    assert np.array_equal(predict(model, test, info.task), outcome.scores)


def test_epochs_to_convergence() -> None:
    assert epochs_to_convergence([0.5, 0.94, 0.96, 1.0]) == 3
    assert epochs_to_convergence([0.7, 0.7]) == 1


def test_cost_counts_passes_and_images(make_run: MakeRun) -> None:
    cost = execute(make_run("ails")).record["cost"]
    assert cost["backbone_passes"] == 1
    assert cost["images"] == 2 * 400
    assert cost["extra_parameters"] > 0
    assert execute(make_run()).record["cost"]["extra_parameters"] == 0
