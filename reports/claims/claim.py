"""A claim of a paper, and the ways to say one in effects."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from statistics import fmean

from bench import metrics
from bench.grid.notation import read_choice
from bench.stats.paired import ALPHA
from reports.results.effects import Effect, Term
from reports.tables.published import published, row_name
from reports.tables.table import Cell

Printed = Callable[[Term], float | None]
ACC = "metrics.acc"
TOLERANCE = 0.01
"""A printed accuracy is met by a mean within one percentage point of it. Ours, for every claim."""


@dataclass(frozen=True)
class Claim:
    """A claim and what decides it: that every effect lies in its range, under every reading.

    `readings` are the record's quantities that the paper's word may mean; `level` is that of the
    test that supports it. `measure` says in words what is compared or, without effects, why no
    record decides. `command` makes the records (`table 1`). `each_dataset`: the effects on every
    dataset by itself, not on their mean. `sets` are those that it speaks of, all of the paper where
    empty. `absolute`: about a printed number, which holds for the paper's protocol on its datasets
    alone. `printed` tells what the paper prints for a term; None where only the effects say it.
    """

    name: str
    text: str
    where: str
    measure: str
    effects: tuple[Effect, ...] = ()
    command: str = ""
    readings: tuple[str, ...] = (ACC,)
    level: float = ALPHA
    each_dataset: bool = False
    absolute: bool = False
    sets: tuple[str, ...] = ()
    printed: Printed | None = field(default=lambda term: printed(term), compare=False)

    @property
    def methods(self) -> tuple[str, ...]:
        """Those that its effects are of, as on the command line."""
        terms = [term for effect in self.effects for _, term in effect.terms]
        return tuple(dict.fromkeys(term.method for term in terms))


def scale(quantity: str) -> float:
    """By which a quantity is multiplied in print: 100 for a metric in percent."""
    name = quantity.removeprefix("metrics.").removeprefix("validation.val_")
    return metrics.get(name).scale if name in metrics.names() else 1


def printed(term: Term) -> float | None:
    """The mean accuracy that the paper prints for a term; None where it prints none."""
    name, changed = read_choice(term.method)
    row = row_name(name)
    found: Iterable[Cell | str] = ()
    if changed:
        ((parameter, value),) = changed.items()
        number = {"alpha": 5, "beta": 6}.get(parameter)
        rows = published(number) if number else {}
        found = [line["acc"] for key, line in rows.items() if float(key) == value]
    elif term.backbone:
        found = [published(2)[term.backbone]["ails_acc" if name == "ails" else "baseline_acc"]]
    elif term.ratio < 1:
        found = [published(4)[row][f"{term.ratio:.0%}"]]
    elif row in published(1):
        cells = published(1)[row]
        found = [cells.get(term.dataset, "")] if term.dataset else cells.values()
    means = [cell.mean for cell in found if isinstance(cell, Cell) and cell.mean is not None]
    return fmean(means) if means else None


def accuracy(name: str, *terms: tuple[float, Term], printed: Printed = printed) -> Effect:
    """An effect, claimed to be positive, with what the paper's tables make of it."""
    return Effect(name, terms, printed=_sum(terms, printed))


def _sum(terms: Iterable[tuple[float, Term]], printed: Printed) -> float | None:
    claimed = [(weight, printed(term)) for weight, term in terms]
    numbers = [weight * mean for weight, mean in claimed if mean is not None]
    return sum(numbers) if len(numbers) == len(claimed) else None


def over(term: Term, other: Term) -> Effect:
    return accuracy(f"{term} over {other}", (1, term), (-1, other))


def on(effect: Effect, dataset: str, printed: Printed | None) -> Effect:
    """The same effect, on one dataset."""
    terms = tuple((weight, replace(term, dataset=dataset)) for weight, term in effect.terms)
    there = _sum(terms, printed) if printed else effect.printed
    return replace(effect, name=f"{effect.name} on {dataset}", terms=terms, printed=there)


def near(printed_value: float, name: str, *terms: tuple[float, Term]) -> Effect:
    """An accuracy, or a difference of some, as large as printed."""
    return Effect(name, terms, printed_value - TOLERANCE, printed_value + TOLERANCE)


def reduction(backbone: str, low: float = 0.0, high: float = math.inf) -> Effect:
    """The part by which AILS lowers a quantity of the baseline."""
    terms = (-1, Term("ails", backbone=backbone)), (1, Term("none", backbone=backbone))
    return Effect(f"reduction on {backbone}", terms, low, high, relative=True)
