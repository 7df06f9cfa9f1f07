"""Made-up records: every number in them is drawn or given, none is measured."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.base.task import Task
from bench.grid.cell import Run
from bench.grid.grid import Grid
from bench.grid.selection import Selection
from bench.store.records import Store
from bench.study import Study

LOGS = ("fdi", "fdi_accepted", "fdi_rel", "kl_dim", "kl_sum", "beta_kl")
VARIANCES = ("post_var", "offset_var", "aug_feature_var", "accept_rate")
IMAGES = 60
CLASSES = {Task.BINARY: 2, Task.MULTICLASS: 4, Task.ORDINAL: 5, Task.MULTILABEL: 6}


def study(
    store: Store, runs: Grid, backbones: tuple[str, ...] = ("resnet18",), command: str = "run"
) -> Study:
    """A study of exactly these runs."""
    found = Study(results=store.root, _about=Selection(backbones=backbones), _command=command)
    found.__dict__["grid"] = runs
    return found


def drawn(run: Run) -> dict[str, float]:
    """ACC and AUC of a run that nobody made; the same at every call."""
    rng = np.random.default_rng(int(run.key, 16))
    return {"acc": round(float(rng.normal(0.8, 0.02)), 3), "auc": float(rng.normal(0.88, 0.02))}


def record(run: Run, metrics: dict[str, float], epochs: int = 3) -> dict[str, Any]:
    """A record as `execute` leaves it; `metrics` are of the test split, `val_...` of validation."""
    rng = np.random.default_rng(int(run.key, 16) + 1)
    logs = LOGS + VARIANCES if run.cell.method.name in ("ails", "feature_noise") else ()
    measured = {"ece": 0.1, "nll": 0.5, "brier": 0.2, "macro_f1": 0.7, "balanced_acc": 0.7}
    measured |= {name: value for name, value in metrics.items() if not name.startswith("val_")}
    epoch = {f"val_{name}": value for name, value in measured.items()} | metrics
    epoch |= {
        name: float(value) for name, value in zip(logs, rng.uniform(0.1, 2, 10), strict=False)
    }
    return run.describe() | {
        "schema": 2,
        "key": run.key,
        "label": run.cell.method.label,
        "metrics": {} if run.tunes else measured,
        "validation": epoch | {"loss": 0.5, "lr": 1e-3},
        "selected_epoch": epochs - 1,
        "epochs_to_convergence": int(rng.integers(1, epochs + 1)),
        "curves": [epoch | {"loss": 0.5, "lr": 1e-3}] * epochs,
        "data": {
            "fingerprint": f"data of {run.cell.dataset}",
            "phantom": True,
            "counts": {"train": 400, "val": 100, "test": IMAGES, "subset": 400},
            "warnings": [],
        },
        "facts": {},
        "cost": {
            "seconds": {"data": 0.1, "prepare": 0.1, "train": 9.0, "test": 0.2},
            "images": 4000,
            "backbone_passes": 1.0,
            "extra_parameters": 0,
            "peak_memory": 10**9,
        },
        "device": "cpu",
        "threads": 1,
        "commit": "abc",
        "environment": "def",
        "started": 0.0,
        "ended": 10.0,
    }


def fill(
    store: Store,
    grid: Grid,
    metrics: Callable[[Run], dict[str, float]] = drawn,
    epochs: int = 3,
) -> None:
    """Publish a record for every run of the grid, with made-up predictions of `IMAGES` images."""
    for run in grid.runs:
        rng = np.random.default_rng(int(run.key, 16) + 2)
        store.publish(run.key, record(run, metrics(run), epochs), *predictions(run.cell.task, rng))


def predictions(task: Task, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Probabilities (N, C) that are better than chance, and targets, the same at every call."""
    classes = CLASSES[task]
    if task is Task.MULTILABEL:
        targets = (np.arange(IMAGES)[:, None] + np.arange(classes)) % 4 == 0
        scores = (rng.uniform(size=(IMAGES, classes)) + targets) / 2
        return scores.astype(np.float32), targets.astype(np.int64)
    targets = np.arange(IMAGES) % classes
    scores = rng.dirichlet(np.ones(classes), IMAGES) + 0.5 * np.eye(classes)[targets]
    return (scores / scores.sum(1, keepdims=True)).astype(np.float32), targets
