"""Composition: methods one after another on each batch, as `basic+mixup`."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import ValidationError, create_model, model_validator
from torch import Tensor, nn

from bench.base.errors import BenchError
from bench.base.split import Split
from bench.base.streams import stream
from bench.base.task import Task
from methods.generative.method import GenerativeMethod
from methods.method import (
    C,
    Classifier,
    Logs,
    Method,
    Parameters,
    Progress,
    Setting,
    Trial,
    Workspace,
)

Parts = Mapping[str, type[Method]]


class Composition(Method):
    """Each method changes what the one before it gave; the loss is the task's on the last's.

    A parameter is that of its method, `basic.prob`. The first method that has strength draws what
    it draws alone; each further one has a stream of its own. So with all methods but one at
    strength zero, a composition equals that one bit for bit.
    """

    parts: ClassVar[Parts] = {}

    def __init__(self, params: Parameters, setting: Setting) -> None:
        super().__init__(params, setting)
        chain: list[Method] = []
        strong = 0
        for name, part in self.parts.items():
            own = part.Params(**inner(params, name))
            seed = stream(setting.seed, strong) if strong else setting.seed
            chain.append(part(own, Setting(**vars(setting) | {"seed": seed})))
            strong += not at_zero(part, own)
        self.chain: Sequence[Method] = chain
        self.members = nn.ModuleList(chain)
        self.facts = {name: part.facts for name, part in zip(self.parts, chain, strict=True)}

    @classmethod
    def skip(cls, task: Task, channels: int) -> str | None:
        reasons = (part.skip(task, channels) for part in cls.parts.values())
        return next(filter(None, reasons), None)

    @classmethod
    def space(cls, trial: Trial) -> None:
        """The spaces of its methods."""
        for name, part in cls.parts.items():
            part.space(TrialOf(name, trial))

    @classmethod
    def identity(cls, params: Any) -> dict[str, Any]:
        return joined(
            {n: part.identity(part.Params(**inner(params, n))) for n, part in cls.parts.items()}
        )

    def prepare(self, train: Split, workspace: Workspace) -> Split:
        """One after another, but that a generator learns from the run's own images alone."""
        given = train
        for part in self.chain:
            if isinstance(part, GenerativeMethod):
                part.prepare(train, workspace)
            else:
                given = part.prepare(given, workspace)
        return given

    def adapt(self, model: C) -> C:
        for part in self.chain:
            model = part.adapt(model)
        return model

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        for part in self.chain:
            images, targets = part.augment(images, targets)
        return images, targets

    def undecayed(self) -> Iterable[nn.Parameter]:
        return (weight for part in self.chain for weight in part.undecayed())


class LossComposition(Composition):
    """Each method changes what the one before it gave; the last one has a loss of its own.

    A parameter is that of its method, `basic.prob`. The first method that has strength draws what
    it draws alone; each further one has a stream of its own. So with all methods but one at
    strength zero, a composition equals that one bit for bit.
    """

    def loss(
        self, model: Classifier, images: Tensor, targets: Tensor, progress: Progress
    ) -> tuple[Tensor, Logs]:
        return self.chain[-1].loss(model, images, targets, progress)

    def illustrate(self, model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
        for part in self.chain[:-1]:
            images, targets = part.augment(images, targets)
        return self.chain[-1].illustrate(model, images, targets)


@dataclass(frozen=True)
class TrialOf:
    """The trial of a method within that of its composition."""

    name: str
    trial: Trial

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return self.trial.suggest_float(f"{self.name}.{name}", low, high, log=log)

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return self.trial.suggest_int(f"{self.name}.{name}", low, high, log=log)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self.trial.suggest_categorical(f"{self.name}.{name}", choices)


@functools.cache
def compose(chain: tuple[tuple[str, type[Method]], ...]) -> type[Composition]:
    """The methods, by name, as one. Raises BenchError where they cannot be."""
    parts = dict(chain)
    written = "+".join(name for name, _ in chain)
    if len(parts) < len(chain):
        raise BenchError(f"{written}: a method stands there twice; write each once")
    owners = [name for name, part in chain if part.loss is not Method.loss]
    if owners and owners != [chain[-1][0]]:
        said = "has its own loss; write it last"
        if len(owners) > 1:
            said = "have losses of their own; a composition holds one, at its end"
        raise BenchError(f"{written}: {' and '.join(owners)} {said}")
    base = LossComposition if owners else Composition
    attributes = {
        "__doc__": base.__doc__,
        "__module__": __name__,
        "parts": parts,
        "Params": parameters(parts),
        "summary": f"one after another: {', '.join(parts)}",
        "reference": " | ".join(part.reference for part in parts.values()),
        "version": "+".join(str(part.version) for part in parts.values()),
        "zero": joined({name: part.zero for name, part in chain}),
        "quick": joined({name: part.quick for name, part in chain}),
    }
    return type(written, (base,), attributes)


class Together(Parameters):
    """Of each method its own, named `method.parameter`."""

    parts: ClassVar[Parts] = {}

    @model_validator(mode="after")
    def _valid(self) -> "Together":
        """What a method says of its parameters together."""
        for name, part in self.parts.items():
            try:
                part.Params(**inner(self, name))
            except ValidationError as error:
                said = error.errors()[0]["msg"].removeprefix("Value error, ")
                raise ValueError(f"{name}: {said}") from None
        return self


def parameters(parts: Parts) -> type[Parameters]:
    """The parameters of all methods."""
    fields = {
        name: {key: (field.annotation, field) for key, field in part.Params.model_fields.items()}
        for name, part in parts.items()
    }
    made: type[Together] = create_model("Params", __base__=Together, **joined(fields))
    made.__doc__, made.parts = Together.__doc__, parts
    return made


def joined(each: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What methods have by name, as `method.name`."""
    return {f"{name}.{key}": value for name, own in each.items() for key, value in own.items()}


def inner(params: Parameters, name: str) -> dict[str, Any]:
    """The parameters of one method, by their own names."""
    return {
        key.removeprefix(f"{name}."): value for key, value in params if key.startswith(f"{name}.")
    }


def at_zero(part: type[Method], params: Parameters) -> bool:
    """Whether a method does nothing."""
    return bool(part.zero) and all(getattr(params, k) == v for k, v in part.zero.items())
