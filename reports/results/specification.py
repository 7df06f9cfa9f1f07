"""A specification curve: what every reading of a publication gave, against one reference.

After Simonsohn, Simmons and Nelson (2020): all readings are shown, sorted by effect, and tested
together. Each is compared, paired by seed, with the default reading and with a reference method.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special

from bench.base.errors import BenchError, unknown
from bench.grid.cell import Cell
from bench.grid.choice import MethodChoice
from bench.stats.paired import ALPHA
from bench.stats.verdict import Judged
from bench.store.measured import Measured
from reports.results import pairs
from reports.results.results import PHANTOM, complete, seed_means

if TYPE_CHECKING:
    from methods.method import Reading

DEFAULT = "default"
HARDLY = 0.05
"""The share of accepted offsets below which a reading hardly augments."""
NO_FILTER = -1.0
"""The threshold that every cosine passes."""
FLIPS = 2**14
"""Sign flips beyond which they are sampled."""
TIE, RELATIVE_TIE = 1e-12, 1e-9
Values = Mapping[int, float]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """One reading, and what it gave.

    `readings` are those of the method that it takes. `values` and `accepted` (`accept_rates`) are
    by seed, means over the places. `equals` names the first reading that gave the same, whose
    comparisons it has. These are None where a run that they need is missing, or where there are
    too few.
    """

    name: str
    choice: MethodChoice
    readings: tuple["Reading", ...]
    values: Values
    accepted: Values
    equals: str | None
    to_default: Judged | None
    to_reference: Judged | None

    @property
    def kind(self) -> str:
        """How much of it is not the default: nothing, one reading, or several jointly."""
        return DEFAULT if self.name == DEFAULT else "joint" if len(self.readings) > 1 else "one"

    @property
    def rejects_nothing(self) -> bool:
        """Whether its filter accepts every offset at every seed."""
        return set(self.accepted.values()) == {1.0}

    @property
    def rejects_nearly_all(self) -> bool:
        """Whether hardly an offset passes its filter, so that hardly anything is augmented."""
        return bool(self.accepted) and fmean(self.accepted.values()) < HARDLY


@dataclass(frozen=True)
class Specification:
    """All readings of a method, the effect against the reference rising; those without one last.

    `places` are the cells of the reference: dataset, backbone and ratio of every mean.
    """

    method: str
    metric: str
    reference: str
    seeds: tuple[int, ...]
    places: tuple[Cell, ...]
    baseline: Values
    outcomes: tuple[Outcome, ...]

    @property
    def default(self) -> Outcome:
        return next(outcome for outcome in self.outcomes if outcome.name == DEFAULT)

    @property
    def compared(self) -> list[Outcome]:
        """Those with an effect, rising."""
        return [outcome for outcome in self.outcomes if outcome.to_reference]

    @property
    def distinct(self) -> list[Outcome]:
        """Of those compared the ones that equal no other: the family of the tests."""
        return [outcome for outcome in self.compared if not outcome.equals]

    @property
    def effects(self) -> list[Judged]:
        """Reading minus reference of the distinct outcomes, rising."""
        return [outcome.to_reference for outcome in self.distinct if outcome.to_reference]

    @property
    def differences(self) -> Floats:
        """The same at each seed: distinct outcomes × seeds."""
        rows = [[o.values[s] - self.baseline[s] for s in self.seeds] for o in self.distinct]
        return np.array(rows, dtype=float)

    @property
    def gaps(self) -> dict[str, int]:
        """How many seeds are done, of the readings (and the reference) that have not all."""
        values = {outcome.name: outcome.values for outcome in self.outcomes}
        values |= {self.reference: self.baseline}
        return {name: len(v) for name, v in values.items() if not complete(v, self.seeds)}

    @property
    def data(self) -> str:
        return PHANTOM if any(place.phantom for place in self.places) else ""

    @property
    def where(self) -> str:
        """What the means are over."""
        datasets = ", ".join(dict.fromkeys(place.dataset for place in self.places))
        backbones = ", ".join(dict.fromkeys(place.backbone for place in self.places))
        ratios = [f"{ratio:.0%}" for ratio in dict.fromkeys(place.ratio for place in self.places)]
        part = "" if ratios == ["100%"] else f", {', '.join(ratios)} of the training split"
        return f"{datasets}; {backbones}{part}"


@dataclass(frozen=True)
class Tally:
    """Effects against the reference, of distinct `outcomes`: how many are above zero, significantly
    above and below (Holm); their median and range, as fractions.

    `bar_d_z` is the |d_z| that the clearest effect must exceed to be significant, and `bar` that
    effect where the SD of the differences is the median of all.
    """

    outcomes: int
    positive: int
    better: int
    worse: int
    median: float
    lowest: float
    highest: float
    bar_d_z: float
    bar: float


@dataclass(frozen=True)
class SignFlip:
    """Two-sided p of all outcomes together: of their median t, and of the share of them on the
    side of zero that more are on. `least` is the lowest that so many seeds allow.

    The share is no measure of an effect: where outcomes agree, all are on one side at most flips.
    """

    median: float
    share: float
    least: float


def analyse(measured: Measured, method: str, metric: str, reference: str = "none") -> Specification:
    """Compare all readings of a method that the grid holds.

    BenchError where the default reading or the reference is not in the grid.
    """
    values, accepted = measured.values(f"metrics.{metric}"), accept_rates(measured)
    choices = {cell.method.label: cell.method for cell in values}
    default = MethodChoice.parse(method).name
    for label in (default, reference):
        if label not in choices:
            raise unknown("method in this selection", label, choices)
    places = tuple(cell for cell in values if cell.method == choices[reference])
    readings = {default: choices[default]}
    readings |= {label: c for label, c in choices.items() if c.name == default}
    means = {label: _means(values, places, choices[label]) for label in (*readings, reference)}
    whole = {m: c for m, c in readings.items() if complete(means[m], measured.seeds)}
    firsts = _firsts(measured, places, whole)
    distinct = dict.fromkeys(firsts.values())
    to_reference, to_default = (
        pairs.against({label: means[label] for label in (*distinct, to)}, to, measured.seeds)
        for to in (reference, default)
    )
    names = _names(readings)
    outcomes = [
        Outcome(
            names[label],
            choice,
            _taken(choice),
            means[label],
            _means(accepted, places, choice),
            None if first == label else names[first],
            to_default.get(first),
            to_reference.get(first),
        )
        for label, choice in readings.items()
        for first in [firsts.get(label, label)]
    ]
    return Specification(
        default,
        metric,
        reference,
        measured.seeds,
        places,
        means[reference],
        tuple(sorted(outcomes, key=_rank)),
    )


def accept_rates(measured: Measured) -> dict[Cell, Values]:
    """The share of the offsets that the filter accepts, over the selected epoch, by cell and seed.

    Absent where there is no filter.
    """
    rates, thresholds = (measured.values(f"validation.{name}") for name in ("accept_rate", "tau"))
    return {
        cell: {s: rate for s, rate in found.items() if thresholds[cell].get(s) != NO_FILTER}
        for cell, found in rates.items()
    }


def tally(found: Specification) -> Tally:
    """BenchError where there are no effects."""
    effects = found.effects
    if not effects:
        raise BenchError("no reading has an effect yet: finish the runs, of two seeds at least")
    bar_d_z = _bar_d_z(len(found.seeds), len(effects))
    differences = [effect.difference for effect in effects]
    significant = [effect.difference for effect in effects if effect.differs]
    return Tally(
        outcomes=len(effects),
        positive=sum(difference > 0 for difference in differences),
        better=sum(difference > 0 for difference in significant),
        worse=sum(difference < 0 for difference in significant),
        median=median(differences),
        lowest=min(differences),
        highest=max(differences),
        bar_d_z=bar_d_z,
        bar=bar_d_z * median(effect.sd for effect in effects),
    )


def sign_flip(differences: npt.ArrayLike) -> SignFlip:
    """Test all outcomes together; `differences` to the reference are outcomes × seeds.

    Where nothing has an effect, the differences of a seed are as likely with all their signs
    turned: all, as they share the reference's run. Exact over the 2^n ways to turn those of n
    seeds; over `FLIPS` of them at random where they are more. Effects are studentised, so that the
    size is kept where some runs collapse and noise is not symmetric (`tests/simulations/joint.py`).
    """
    d = np.asarray(differences, dtype=float)
    seeds = d.shape[1]
    means = d @ _signs(seeds).T / seeds
    medians = np.abs(np.median(_studentised(d, means), axis=0))
    shares = np.maximum((means > TIE).mean(axis=0), (means < -TIE).mean(axis=0))
    return SignFlip(_p(medians), _p(shares), max(2.0 ** (1 - seeds), 1 / FLIPS))


def _studentised(d: Floats, means: Floats) -> Floats:
    """The t of each outcome (row) at each flip; its mean in units of 1e-12 where all are one."""
    seeds = d.shape[1]
    squares = (d**2).sum(1, keepdims=True) - seeds * means**2
    spread = np.sqrt(np.maximum(squares, 0) / max(1, seeds - 1) / seeds)
    return np.asarray(means / np.maximum(spread, TIE))


def _signs(seeds: int) -> Floats:
    """A row a flip; the first turns nothing."""
    if 2**seeds <= FLIPS:
        return np.array(list(product((1.0, -1.0), repeat=seeds)))
    drawn = np.random.default_rng(0).choice((1.0, -1.0), (FLIPS, seeds))
    drawn[0] = 1
    return drawn


def _p(null: Floats) -> float:
    """How much of it is no less than its first value, which was observed."""
    return float((null >= null[0] * (1 - RELATIVE_TIE) - TIE).mean())


def _bar_d_z(pairs: int, comparisons: int) -> float:
    """Holm's first step: the |d_z| at which p of the paired t-test is ALPHA / comparisons."""
    critical = special.stdtrit(pairs - 1, 1 - ALPHA / (2 * comparisons))
    return float(critical) / math.sqrt(pairs)


def _firsts(
    measured: Measured, places: Sequence[Cell], readings: Mapping[str, MethodChoice]
) -> dict[str, str]:
    """For each reading the first whose runs have all the same metrics."""
    metrics = {
        (run.cell, run.seed): tuple(sorted(record["metrics"].items()))
        for run, record in measured.records.items()
    }
    first: dict[tuple[Any, ...], str] = {}
    return {
        label: first.setdefault(
            tuple(metrics[replace(p, method=choice), s] for p in places for s in measured.seeds),
            label,
        )
        for label, choice in readings.items()
    }


def _means(values: Mapping[Cell, Values], places: Sequence[Cell], choice: MethodChoice) -> Values:
    """The mean over all places at each seed that has them all."""
    return seed_means([values.get(replace(place, method=choice), {}) for place in places])


def _taken(choice: MethodChoice) -> tuple["Reading", ...]:
    parameters = choice.params.model_dump().items()
    return tuple(r for r in choice.method.readings if r.changes.items() <= parameters)


def _names(readings: Mapping[str, MethodChoice]) -> dict[str, str]:
    """What a reading is called: its parameters, or a number where it is a joint one."""
    names: dict[str, str] = {}
    joint = 0
    for label, choice in readings.items():
        if label == choice.name:
            names[label] = DEFAULT
        elif len(_taken(choice)) > 1:
            joint += 1
            names[label] = f"joint {joint}"
        else:
            names[label] = label.removeprefix(choice.name)[1:-1]
    return names


def _rank(outcome: Outcome) -> tuple[bool, float, str]:
    """Equal readings side by side, the first of them first where the sort is stable."""
    effect = outcome.to_reference
    return effect is None, effect.difference if effect else 0.0, outcome.equals or outcome.name
