"""What is searched: the dimensions of a method, and training parameters that all methods share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution, distribution_to_json
from optuna.trial import FixedTrial, create_trial

from bench.base.errors import BenchError, unknown
from bench.base.plugins import calling
from bench.grid.choice import MethodChoice
from bench.grid.protocol import Protocol
from bench.tuning.point import OF_PROTOCOL
from bench.tuning.quiet import quiet

SHARED: Mapping[str, BaseDistribution] = {
    "lr": FloatDistribution(1e-4, 1e-2, log=True),
    "weight_decay": FloatDistribution(5e-3, 1.0, log=True),
}
"""Training parameters that may join, for all methods alike; ranges as AlgoPerf tunes AdamW in
(Dahl et al. 2023, Benchmarking Neural Network Training Algorithms).
"""


@dataclass(frozen=True)
class Space:
    """The dimensions of a search by name, and the point of the defaults."""

    dimensions: Mapping[str, BaseDistribution]
    defaults: Mapping[str, Any]

    def __bool__(self) -> bool:
        """Whether there is anything to search."""
        return bool(self.dimensions)

    def describe(self) -> dict[str, str]:
        """The dimensions as JSON."""
        return {name: distribution_to_json(kind) for name, kind in self.dimensions.items()}


def space_of(choice: MethodChoice, protocol: Protocol, shared: Sequence[str] = ()) -> Space:
    """The search space of a method, with the shared training parameters that are named.

    Raises BenchError for a dimension that is no parameter, and for a default outside its range.
    """
    trial = FixedTrial(choice.params.model_dump(mode="json"))
    with quiet(), calling(choice.source, "space()"):
        choice.method.space(trial)
    dimensions, defaults = dict(trial.distributions), dict(trial.params)
    for name in shared:
        if name not in SHARED:
            raise unknown("shared training parameter", name, SHARED)
        dimensions[OF_PROTOCOL + name] = SHARED[name]
        defaults[OF_PROTOCOL + name] = getattr(protocol, name)
    for name, kind in dimensions.items():
        try:
            create_trial(params={name: defaults[name]}, distributions={name: kind}, value=0.0)
        except ValueError:
            raise BenchError(
                f"{choice.name}: the default of {name}, {defaults[name]}, is outside of what is "
                f"searched, {kind}"
            ) from None
    return Space(dimensions, defaults)
