"""The state of a run that is being trained, and who watches it."""

import copy
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from bench import metrics
from bench.backbone import Backbone
from bench.base.errors import BenchError
from bench.grid.protocol import Protocol
from bench.training.decay import decay_groups
from bench.training.flat import FlatOptimizer
from methods.method import Method


@dataclass
class Training:
    """All that changes while a run trains: what a checkpoint holds."""

    model: Backbone
    method: Method
    optimizer: FlatOptimizer
    epoch: int = 0
    images: int = 0
    curves: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def begin(cls, model: Backbone, method: Method, protocol: Protocol) -> "Training":
        """Before the first step, with the optimiser of the protocol."""
        kind = functools.partial(optimizer, protocol=protocol)
        return cls(model, method, FlatOptimizer(decay_groups(model, method, protocol), kind))

    def select(self, rule: str) -> None:
        """Keep the weights of the best epoch; of equals the earliest, under `last` the last."""
        value = self._worth(rule)
        if not self.best or value > self.best["value"]:
            model = copy.deepcopy(self.model.state_dict())
            self.best = {"value": value, "epoch": self.epoch - 1, "model": model}

    def _worth(self, rule: str) -> float:
        """What the selected epoch has the most of: the metric, minus it where lower is better."""
        metric = metrics.selecting(rule)
        if metric is None:
            return self.epoch
        value: float | None = self.curves[-1][f"val_{metric.name}"]
        if value is None:
            why = metric.missing(self.method.setting.task)
            raise BenchError(f"the validation split cannot select: {why}; --set select=val_loss")
        return value if metric.higher_is_better else -value

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "method": self.method.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all(),
            "images_seen": self.model.images_seen,
            "counts": (self.epoch, self.images),
            "curves": self.curves,
            "best": self.best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.method.load_state_dict(state["method"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        torch.cuda.set_rng_state_all(state["random_cuda"])
        self.model.images_seen = state["images_seen"]
        self.epoch, self.images = state["counts"]
        self.curves, self.best = state["curves"], state["best"]


@dataclass(frozen=True)
class Watch:
    """Who is told of a run's course, and what an interrupted one left.

    `on_step(step, steps)` is told of progress; `on_epoch(training)` may save `training.state()`,
    which, given as `resume`, makes the run go on to the same bits.
    """

    on_step: Callable[[int, int], None] = lambda step, steps: None
    on_epoch: Callable[[Training], None] = lambda training: None
    resume: dict[str, Any] | None = None


UNWATCHED = Watch()


def weights(*modules: nn.Module) -> list[nn.Parameter]:
    """The parameters of all modules, in their order, each once."""
    return list(dict.fromkeys(weight for module in modules for weight in module.parameters()))


def optimizer(trained: Iterable[Any], protocol: Protocol) -> torch.optim.Optimizer:
    """As the protocol says, of tensors or parameter groups."""
    options: dict[str, Any] = {
        "lr": protocol.lr,
        "weight_decay": protocol.weight_decay,
        "fused": True,
    }
    if protocol.optimizer == "sgd":
        options |= {"momentum": protocol.momentum, "nesterov": protocol.nesterov}
        sgd = torch.optim.SGD(trained, **options)
        if protocol.momentum:  # the fused kernel fails on weights whose first gradient comes late
            for weight in (w for group in sgd.param_groups for w in group["params"]):
                sgd.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
        return sgd
    kind = torch.optim.AdamW if protocol.optimizer == "adamw" else torch.optim.Adam
    return kind(trained, betas=protocol.betas, **options)
