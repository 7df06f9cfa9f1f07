"""Protocol: how a run is trained."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bench.base.identity import added
from bench.metrics import selecting

SMALLEST_BATCH = 4
"""A last batch below this is dropped: BatchNorm fails on one image, mixing needs pairs."""
LARGEST_BATCH = 65_536
LONGEST = 10_000_000
"""Epochs or steps."""
Beta = Annotated[float, Field(ge=0, lt=1)]


class Protocol(BaseModel):
    """How every run of a comparison is trained. Part of a run's key.

    The length is `epochs` passes over the training subset, or `steps` optimiser steps; either way
    it is the same number of steps for every method. `select` picks the epoch whose weights are
    tested: `last`, `val_loss`, or `val_NAME` of a metric (`bench.metrics.SELECTION_RULES`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: int | None = Field(None, ge=1, le=LONGEST)
    steps: int | None = Field(None, ge=1, le=LONGEST)
    batch_size: int = Field(128, ge=SMALLEST_BATCH, le=LARGEST_BATCH)
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    lr: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    """Of every trained parameter, also of norms and biases and of what a method learns for itself;
    see `decay`."""
    warmup_epochs: float = Field(0, ge=0)
    schedule: Literal["cosine", "steps", "constant"] = "cosine"
    milestones: tuple[float, ...] = ()
    gamma: float = Field(0.1, gt=0, le=1)
    grad_clip: float | None = Field(None, gt=0)
    precision: Literal["fp32", "bf16"] = "fp32"
    select: str = "val_auc"
    pretrained: bool = False
    rgb: bool = False
    momentum: float = added(0.9, ge=0, lt=1)
    """Of SGD."""
    nesterov: bool = added(True)
    """Of SGD."""
    betas: tuple[Beta, Beta] = added((0.9, 0.999))
    """Of Adam and AdamW."""
    decay: Literal["all", "weights"] = added("all")
    """What decays: all, or all but norms, biases and what else has one dimension."""
    class_weights: Literal["none", "balanced", "effective"] = added("none")
    """Of the classes in the loss of every method: see `bench.training.balance`."""
    sampler: Literal["shuffle", "balanced"] = added("shuffle")
    """Each image once an epoch, or as many images drawn with replacement, all classes alike."""
    label_smoothing: float = added(0.0, ge=0, lt=1)
    """The share of every target that goes to all classes alike (Szegedy et al. 2016)."""

    device: Literal["any", "cpu", "cuda"] = added("any")
    """Where its runs may be made; other than `any`, no cell mixes what kinds of devices gave."""

    @field_validator("select")
    @classmethod
    def _a_rule(cls, rule: str) -> str:
        """The loss is the NLL: two names of one rule must not make two keys."""
        selecting(rule)
        return "val_loss" if rule == "val_nll" else rule

    @model_validator(mode="after")
    def _one_length(self) -> "Protocol":
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give epochs or steps, the other null")
        if (self.schedule == "steps") != bool(self.milestones):
            raise ValueError("milestones (in epochs) go with schedule: steps, and only with it")
        return self

    @model_validator(mode="after")
    def _within_the_epochs(self) -> "Protocol":
        if not self.epochs:
            return self
        if self.warmup_epochs > self.epochs:
            raise ValueError(f"warmup_epochs {self.warmup_epochs:g} of {self.epochs} epochs")
        if max(self.milestones, default=0) >= self.epochs:
            raise ValueError(
                f"milestones {list(self.milestones)} lie beyond {self.epochs} epochs; "
                f"set them too, as milestones=[{self.epochs / 2:g}]"
            )
        return self

    @model_validator(mode="after")
    def _options_of_the_optimizer(self) -> "Protocol":
        foreign = ("betas",) if self.optimizer == "sgd" else ("momentum", "nesterov")
        for name in foreign:
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} has no effect with optimizer: {self.optimizer}")
        if self.decay != "all" and not self.weight_decay:
            raise ValueError(f"decay: {self.decay} has no effect with weight_decay: 0")
        if self.nesterov and not self.momentum:
            raise ValueError("momentum: 0 goes with nesterov: false")
        return self

    @model_validator(mode="after")
    def _balanced_once(self) -> "Protocol":
        if self.sampler != "shuffle" and self.class_weights != "none":
            raise ValueError(
                f"sampler: {self.sampler} and class_weights: {self.class_weights} balance twice; "
                "set one of them"
            )
        return self

    def length(self) -> str:
        """The length in words, for footnotes."""
        return f"{self.epochs} epochs" if self.epochs else f"{self.steps} steps"
