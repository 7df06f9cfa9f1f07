"""Which points of a space come next: quasi-random ones first, then those of TPE.

A batch depends on the space, its number and what came before it, and on no other chance: so a
search that was interrupted resumes with the same trials.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import BaseSampler, QMCSampler, TPESampler
from optuna.trial import FrozenTrial, create_trial

from bench.base.streams import stream
from bench.tuning.point import Point
from bench.tuning.quiet import quiet
from bench.tuning.space import Space

BATCH = 4
"""Trials that are proposed together, whatever the number of workers."""
STARTUP = 2 * BATCH
"""Trials before TPE: the defaults, then quasi-random points."""
SAMPLER = f"{STARTUP - 1} Sobol points after the defaults, then TPE in batches of {BATCH}"
DIGITS = 4
"""Significant digits of a value that is tried: all that a person would write."""


def batch(space: Space, past: Sequence[FrozenTrial], names: Sequence[str]) -> list[Point]:
    """The points of the batch after `past`, whole batches of ended trials.

    `names` tell the search from others: where TPE leads depends on them. The quasi-random points
    do not: spaces of one size start from the same ones.
    """
    first = len(past)
    if first < STARTUP:
        return startup(space)[first : first + BATCH]
    seed = stream("tuning", *names, first // BATCH) % 2**32
    return ask(TPESampler(n_startup_trials=1, seed=seed), space, past, BATCH)


def startup(space: Space) -> list[Point]:
    """The defaults, and the quasi-random points."""
    defaults = dict(space.defaults)
    known = create_trial(params=defaults, distributions=dict(space.dimensions), value=0.0)
    with quiet():
        sobol = QMCSampler(scramble=True, seed=0)
    return [defaults, *ask(sobol, space, [known], STARTUP - 1)]


def ask(sampler: BaseSampler, space: Space, past: Sequence[FrozenTrial], count: int) -> list[Point]:
    """So many points at once, in the knowledge of ended trials."""
    with quiet():
        search = optuna.create_study(sampler=sampler, direction="maximize")
        search.add_trials(past)
        dimensions = dict(space.dimensions)
        asked = [search.ask(fixed_distributions=dimensions).params for _ in range(count)]
    return [{k: rounded(v, dimensions[k]) for k, v in sorted(one.items())} for one in asked]


def rounded(value: Any, kind: BaseDistribution) -> Any:
    """A real number to four digits, within its range; anything else as it is."""
    if not isinstance(kind, FloatDistribution) or kind.step:
        return value
    return min(max(float(f"{value:.{DIGITS}g}"), kind.low), kind.high)


def ended(point: Mapping[str, Any], space: Space, worth: float | None) -> FrozenTrial:
    """A trial as Optuna keeps it: more is better; None where it failed."""
    state = optuna.trial.TrialState.FAIL if worth is None else optuna.trial.TrialState.COMPLETE
    return create_trial(
        state=state, value=worth, params=dict(point), distributions=dict(space.dimensions)
    )
