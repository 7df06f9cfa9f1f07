"""A specification curve: what every reading of a publication gave, against one reference.

After Simonsohn, Simmons and Nelson (2020): all readings are shown, sorted by effect. Each is
compared, paired by seed, with the default reading and with a reference method.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from bench.errors import BenchError, unknown
from bench.grid import Cell, MethodChoice
from reports.results import PHANTOM, Measured, seed_means
from reports.stats import ALPHA, Comparison, compare_all

if TYPE_CHECKING:
    from methods.method import Reading

DEFAULT = "default"
ACCEPTED = "validation.accept_rate"
"""The share of the offsets that the filter accepts, over the selected epoch."""
Values = Mapping[int, float]


@dataclass(frozen=True)
class Outcome:
    """One reading, and what it gave.

    `readings` are those of the method that it takes. `values` are by seed, means over the places;
    the comparisons are None where a run that they need is missing, or where there are too few.
    """

    name: str
    choice: MethodChoice
    readings: tuple["Reading", ...]
    values: Values
    accepted: Values
    to_default: Comparison | None
    to_reference: Comparison | None

    @property
    def kind(self) -> str:
        """How much of it is not the default: nothing, one ambiguity, or several jointly."""
        return DEFAULT if self.name == DEFAULT else "joint" if len(self.readings) > 1 else "one"


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
    def effects(self) -> list[Comparison]:
        """Reading minus reference, rising."""
        return [o.to_reference for o in self.outcomes if o.to_reference]

    @property
    def gaps(self) -> dict[str, int]:
        """How many seeds are done, of the readings (and the reference) that have not all."""
        values = {outcome.name: outcome.values for outcome in self.outcomes}
        values |= {self.reference: self.baseline}
        return {name: len(v) for name, v in values.items() if not set(self.seeds) <= v.keys()}

    @property
    def data(self) -> str:
        return PHANTOM if any(p.dataset.startswith("phantom-") for p in self.places) else ""

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
    """Effects against the reference: how many, above zero, significantly above and below (Holm);
    their median and range, as fractions.
    """

    readings: int
    positive: int
    better: int
    worse: int
    median: float
    lowest: float
    highest: float


def analyse(measured: Measured, method: str, metric: str, reference: str = "none") -> Specification:
    """Compare all readings of a method that the grid holds.

    BenchError where the default reading or the reference is not in the grid.
    """
    values, accepted = measured.values(f"metrics.{metric}"), measured.values(ACCEPTED)
    choices = {cell.method.label: cell.method for cell in values}
    default = MethodChoice.parse(method).name
    for label in (default, reference):
        if label not in choices:
            raise unknown("method in this selection", label, choices)
    places = tuple(cell for cell in values if cell.method == choices[reference])
    readings = {label: c for label, c in choices.items() if c.name == default}
    means = {label: _means(values, places, choices[label]) for label in (*readings, reference)}
    complete = {label: m for label, m in means.items() if set(measured.seeds) <= m.keys()}
    to_reference = _family(complete, reference)
    to_default = _family({m: complete[m] for m in readings if m in complete}, default)
    names = _names(readings)
    outcomes = [
        Outcome(
            names[label],
            choice,
            _taken(choice),
            means[label],
            _means(accepted, places, choice),
            to_default.get(label),
            to_reference.get(label),
        )
        for label, choice in readings.items()
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


def tally(effects: Sequence[Comparison]) -> Tally:
    """BenchError where there are none."""
    if not effects:
        raise BenchError("no reading has an effect yet: finish the runs, of two seeds at least")
    differences = [effect.difference for effect in effects]
    significant = [effect.difference for effect in effects if effect.p_holm < ALPHA]
    return Tally(
        readings=len(effects),
        positive=sum(difference > 0 for difference in differences),
        better=sum(difference > 0 for difference in significant),
        worse=sum(difference < 0 for difference in significant),
        median=median(differences),
        lowest=min(differences),
        highest=max(differences),
    )


def _means(values: Mapping[Cell, Values], places: Sequence[Cell], choice: MethodChoice) -> Values:
    """The mean over all places at each seed that has them all."""
    return seed_means([values.get(replace(place, method=choice), {}) for place in places])


def _family(values: Mapping[str, Values], reference: str) -> dict[str, Comparison]:
    return compare_all(values, reference) if reference in values else {}


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


def _rank(outcome: Outcome) -> tuple[bool, float]:
    effect = outcome.to_reference
    return effect is None, effect.difference if effect else 0.0
