"""Method: what an augmentation method is to the harness."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from bench.base.identity import identity
from bench.base.split import Split
from bench.base.task import Task

Logs = dict[str, float | Tensor]


class Classifier(nn.Module):
    """A backbone as a method sees it; calling it on images is `head(features(images))`."""

    def features(self, images: Tensor) -> Tensor:
        """Penultimate features (B, d)."""
        raise NotImplementedError

    def head(self, features: Tensor) -> Tensor:
        """Logits (B, C) of features."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


C = TypeVar("C", bound=Classifier)


class Parameters(BaseModel):
    """Parameters of a method: validated, immutable, part of a run's key."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Weights:
    """What each class weighs in the loss; in multi-label sets what each label does where it is 1,
    and, `absent`, where it is 0.
    """

    present: tuple[float, ...]
    absent: tuple[float, ...] = ()


@dataclass(frozen=True)
class Setting:
    """What a method may know of the run that it serves.

    `seed` is that of the method's own stream; `feature_dim` the width of `Classifier.features`.
    """

    task: Task
    num_classes: int
    channels: int
    image_size: int
    feature_dim: int
    seed: int = 0
    device: str = "cpu"
    weights: Weights | None = None
    """Of the classes, for `task_loss`; None: all alike."""
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class Progress:
    """Where training stands: this step of `steps`, this epoch of `epochs`, both from 0."""

    step: int
    steps: int
    epoch: int
    epochs: int

    @property
    def fraction(self) -> float:
        """0 at the first step, 1 at the last."""
        return self.step / max(1, self.steps - 1)


@dataclass(frozen=True)
class Workspace:
    """Where a method keeps what it makes before training, for all runs that need the same.

    `data` tells what the training subset is (dataset, fingerprint, size, sha256 of its indices),
    and belongs into the key of whatever is kept. `report` is told the finished fraction.
    """

    folder: Path
    data: Mapping[str, Any]
    report: Callable[[float], None] = lambda fraction: None


class NotYetError(Exception):
    """Another worker is making what this run needs; it is put off, not failed."""


def task_loss(
    logits: Tensor,
    targets: Tensor,
    task: Task,
    reduction: str = "mean",
    weights: Weights | None = None,
    smoothing: float = 0.0,
) -> Tensor:
    """The loss that every method shares.

    Cross-entropy of (B, C) logits with (B,) class numbers or (B, C) probabilities; for multi-label
    sets binary cross-entropy with (B, L) targets in [0, 1], averaged over the labels.
    `reduction`: "mean" over the batch, or "none" for a row each, (B,).
    `weights` multiply what each class adds to the sum over classes, so that the loss stays linear
    in the target: of mixed targets each part has its own class's weight. `smoothing` moves that
    share of a target to all classes alike, or to both values of a label.
    """
    if task is Task.MULTILABEL:
        rows = _label_loss(logits, targets, weights, smoothing).mean(1)
        return rows.mean() if reduction == "mean" else rows
    if weights is None:
        return F.cross_entropy(logits, targets, reduction=reduction, label_smoothing=smoothing)
    each = _on(logits.device, weights.present)
    rows = F.cross_entropy(
        logits.float(), targets, each, reduction="none", label_smoothing=smoothing
    )
    return rows.mean() if reduction == "mean" else rows


def _label_loss(
    logits: Tensor, targets: Tensor, weights: Weights | None, smoothing: float
) -> Tensor:
    """Binary cross-entropy (B, L) of labels."""
    present, absent = shares(targets, Task.MULTILABEL, weights, smoothing)
    if weights is None:
        return F.binary_cross_entropy_with_logits(logits, present, reduction="none")
    chance, other = F.logsigmoid(logits.float()), F.logsigmoid(-logits.float())
    return -(present * chance + absent * other)


def shares(
    targets: Tensor, task: Task, weights: Weights | None = None, smoothing: float = 0.0
) -> tuple[Tensor, Tensor]:
    """What each class counts in `task_loss`, or each label as present and as absent.

    Of float rows of targets (B, C); of classes only the first is needed.
    """
    if smoothing:
        even = 0.5 if task is Task.MULTILABEL else 1 / targets.shape[1]
        targets = torch.lerp(targets, torch.full_like(targets, even), smoothing)
    present, absent = targets, 1 - targets
    if weights is None:
        return present, absent
    present = _on(targets.device, weights.present) * present
    return present, _on(targets.device, weights.absent) * absent if weights.absent else absent


@functools.lru_cache(maxsize=8)
def _on(device: torch.device, values: tuple[float, ...]) -> Tensor:
    """Copied to the device once: a copy at each step would make the host wait."""
    return torch.tensor(values, device=device)


@dataclass(frozen=True)
class Reading:
    """`changes` are the parameters that it sets otherwise than the default.

    `ambiguity` names the open point, such as "A5"; of its readings that set the same parameters one
    is taken at a time. `tasks` are those to which it makes a difference.
    """

    ambiguity: str
    title: str
    changes: Mapping[str, Any]
    tasks: frozenset[Task] = frozenset(Task)


class Trial(Protocol):
    """What of a trial of Optuna a search space is declared with."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = ...) -> float: ...

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = ...) -> int: ...

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any: ...


class Method(nn.Module):
    """Base of all methods: four hooks, each with a default that does nothing.

    Images are float (B, C, H, W) in [0, 1]. Targets are int64 (B,), or float (B, C) where they are
    soft or multi-label. What a method learns are parameters of the module: they join the optimiser,
    and weight decay covers them too (but see `undecayed`).
    A method draws from `self.generator` (tensors on the run's device) and `self.rng` (scalars)
    only, never from a global generator: so it cannot shift what the backbone draws.
    """

    summary: ClassVar[str] = ""
    """One line for `bench methods`."""
    title: ClassVar[str] = ""
    """The name in figures, LaTeX and pages, such as "Manifold Mixup (ours)"; empty: the file's."""
    reference: ClassVar[str] = ""
    """The publication, and the code where it is the authority."""
    version: ClassVar[int | str] = 1
    """Raised when behaviour changes; part of a run's key. Of a composition `1+1`."""
    parts: ClassVar[Mapping[str, type["Method"]]] = {}
    """Of a composition its methods, by name."""
    zero: ClassVar[dict[str, Any]] = {}
    """Parameters of strength zero, at which the method equals `none` bit for bit."""
    quick: ClassVar[dict[str, Any]] = {}
    """Parameters at which `prepare` takes a second, for the conformance checks."""
    readings: ClassVar[tuple[Reading, ...]] = ()
    """How else its publication can be read, for `bench readings`."""

    class Params(Parameters):
        """No parameters."""

    params: Any

    def __init__(self, params: Parameters, setting: Setting) -> None:
        super().__init__()
        self.params = params
        self.setting = setting
        self.rng = np.random.default_rng(setting.seed)
        self.generator = torch.Generator(setting.device).manual_seed(setting.seed)
        self.facts: dict[str, Any] = {}
        """What `prepare` found that belongs into the record, as JSON."""

    def get_extra_state(self) -> dict[str, Any]:
        """The states of both generators: a resumed run draws what the uninterrupted one would."""
        return {"rng": self.rng.bit_generator.state, "generator": self.generator.get_state()}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.rng.bit_generator.state = state["rng"]
        self.generator.set_state(state["generator"])

    @classmethod
    def skip(cls, task: Task, channels: int) -> str | None:
        """Why the method cannot serve such a dataset, or None."""
        return None

    @classmethod
    def space(cls, trial: Trial) -> None:
        """Declare what `bench tune` searches; by default nothing.

        The names are those of parameters, the same ones at every trial, and the defaults lie inside
        the ranges. A docstring says where each range is from.
        """

    @classmethod
    def identity(cls, params: Any) -> dict[str, Any]:
        """The parameters as they stand in records and keys: of a path, its content."""
        return identity(params)

    def prepare(self, train: Split, workspace: Workspace) -> Split:
        """Look at the training subset, once, before training. Raises NotYetError."""
        return train

    def adapt(self, model: C) -> C:
        """Change the backbone before training."""
        return model

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Change a batch; the input is never modified."""
        return images, targets

    def loss(
        self, model: Classifier, images: Tensor, targets: Tensor, progress: Progress
    ) -> tuple[Tensor, Logs]:
        """The training loss of an augmented batch, and what to log of it."""
        return self.task_loss(model(images), targets), {}

    def undecayed(self) -> Iterable[nn.Parameter]:
        """Those of its parameters that weight decay leaves alone, whatever the protocol says."""
        return ()

    def illustrate(self, model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
        """What the method makes of each image, for `bench preview`.

        Images (B, C, H, W), or augmented features (B, d) where it works on features.
        """
        return self.augment(images, targets)[0]

    def task_loss(self, logits: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        """`task_loss` for the task of this run, with the weights and smoothing of its protocol."""
        of = self.setting
        return task_loss(logits, targets, of.task, reduction, of.weights, of.label_smoothing)

    def dense(self, targets: Tensor) -> Tensor:
        """Targets as float rows (B, C), one-hot where they were class numbers."""
        if targets.ndim == 2:
            return targets
        classes = torch.arange(self.setting.num_classes, device=targets.device)
        return (targets[:, None] == classes).float()
