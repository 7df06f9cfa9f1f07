"""Protocol: how a run is trained; Selection: which runs; both from configs/*.yaml and `--set`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bench.base.errors import BenchError, unknown
from bench.base.validation import validated

CONFIGS = Path(__file__).parents[2] / "configs"


class Protocol(BaseModel):
    """How every run of a comparison is trained. Part of a run's key.

    The length is `epochs` passes over the training subset, or `steps` optimiser steps; either way
    it is the same number of steps for every method.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: int | None = Field(None, ge=1)
    steps: int | None = Field(None, ge=1)
    batch_size: int = Field(128, ge=4)
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    lr: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup_epochs: float = Field(0, ge=0)
    schedule: Literal["cosine", "steps", "constant"] = "cosine"
    milestones: tuple[float, ...] = ()
    gamma: float = Field(0.1, gt=0, le=1)
    grad_clip: float | None = Field(None, gt=0)
    precision: Literal["fp32", "bf16"] = "fp32"
    select: Literal["val_auc", "val_loss", "last"] = "val_auc"
    pretrained: bool = False
    rgb: bool = False

    @model_validator(mode="after")
    def _one_length(self) -> "Protocol":
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give epochs or steps, the other null")
        if (self.schedule == "steps") != bool(self.milestones):
            raise ValueError("milestones (in epochs) go with schedule: steps, and only with it")
        return self

    def length(self) -> str:
        """The length in words, for footnotes."""
        return f"{self.epochs} epochs" if self.epochs else f"{self.steps} steps"


class Selection(BaseModel):
    """Which runs: the product of these. `input_size` null means the source's own size."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    datasets: tuple[str, ...] = ("breast",)
    methods: tuple[str, ...] = ("none",)
    backbones: tuple[str, ...] = ("resnet18",)
    ratios: tuple[float, ...] = (1.0,)
    seeds: tuple[int, ...] = tuple(range(10))
    source_size: int = 28
    input_size: int | None = Field(None, ge=8)


@dataclass(frozen=True)
class Config:
    """A named protocol with the selection it is meant for.

    `parameters` are what methods take under it where they are not told otherwise, by method name;
    `caution` goes into every output.
    """

    name: str
    about: str
    caution: str
    protocol: Protocol
    selection: Selection
    parameters: dict[str, dict[str, Any]]

    @property
    def slug(self) -> str:
        """The name as a folder."""
        return re.sub(r"[^A-Za-z0-9.]+", "-", self.name)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    about: str = ""
    caution: str = ""
    protocol: dict[str, Any]
    selection: dict[str, Any] = {}
    parameters: dict[str, dict[str, Any]] = {}


def names() -> list[str]:
    """The protocols that come with the project."""
    return sorted(path.stem for path in CONFIGS.glob("*.yaml"))


def load(name: str, settings: Sequence[str] = ()) -> Config:
    """The config of that name, or of that path, with `key=value` settings laid over its protocol.

    Raises BenchError for a wrong name, key or value.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else CONFIGS / f"{name}.yaml"
    if not path.is_file():
        raise unknown("protocol", name, names())
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise BenchError(f"{path}: not valid YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(content, dict):
        raise BenchError(f"{path}: a mapping with the key `protocol` is wanted")
    file = validated(_File, content, f"{path.name} key")
    changes = dict(setting(text) for text in settings)
    if changes.get("steps") is not None:
        changes.setdefault("epochs", None)
    if changes.get("epochs") is not None:
        changes.setdefault("steps", None)
    return Config(
        name=path.stem + "".join(f" {text}" for text in sorted(settings)),
        about=file.about.strip(),
        caution=file.caution,
        protocol=validated(Protocol, file.protocol | changes, "protocol key"),
        selection=validated(Selection, file.selection, "selection key"),
        parameters=file.parameters,
    )


def setting(text: str) -> tuple[str, Any]:
    """`"lr=1e-3"` as a key and a value, the value read as YAML."""
    key, sign, value = text.partition("=")
    if not sign:
        raise BenchError(f"{text!r}: a setting is written key=value")
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        raise BenchError(f"{text!r}: the value is not valid YAML") from None
