"""What a claim says in numbers: sums of means over cells, paired by seed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from statistics import fmean

from bench.grid.cell import Cell
from bench.grid.choice import MethodChoice
from bench.grid.notation import read_choice
from bench.looks import at_a_look
from bench.store.measured import Measured


@dataclass(frozen=True)
class Term:
    """A method's mean at each seed: over all cells, or those of one dataset or backbone.

    `method` is written as on the command line, `ails[alpha=0.1]`.
    """

    method: str
    ratio: float = 1.0
    backbone: str = ""
    dataset: str = ""

    def __str__(self) -> str:
        ratio = f" at {self.ratio:.0%}" if self.ratio < 1 else ""
        places = [place for place in (self.dataset, self.backbone) if place]
        return f"{self.method}{ratio}" + (f" on {', '.join(places)}" if places else "")


@dataclass(frozen=True)
class Effect:
    """A weighted sum of terms at each seed, of which a claim says that it is in (low, high).

    A term of weight zero only narrows the cells, to those that it shares. `relative`: divided by
    the last term. `printed` is what the paper's own numbers make of it.
    """

    name: str
    terms: tuple[tuple[float, Term], ...]
    low: float = 0.0
    high: float = math.inf
    relative: bool = False
    printed: float | None = None

    @property
    def is_level(self) -> bool:
        """Whether it is a level of the quantity, not a difference."""
        return sum(weight for weight, _ in self.terms) != 0

    @property
    def spans_datasets(self) -> bool:
        """Whether it is about the mean over all datasets that there are."""
        return not any(term.dataset for _, term in self.terms)

    def bound(self, value: float) -> float:
        """The nearer end of the claimed range: the one that decides."""
        return self.low if value - self.low <= self.high - value else self.high


@dataclass(frozen=True)
class Gap:
    """What is missing of a term: `1 of 10 runs of`, `a second seed of`."""

    what: str
    term: Term


@dataclass(frozen=True)
class Series:
    """An effect by seed and the cells that it comes from or, where there is a gap, only that."""

    values: dict[int, float]
    cells: tuple[Cell, ...]
    missing: tuple[Gap, ...]

    @property
    def datasets(self) -> set[str]:
        return {cell.dataset for cell in self.cells}


class Panel:
    """One quantity of what is measured on some sets, which `sets` maps to a paper's own names.

    A set that stands for another may be named without its content (`blood_again` of
    `blood_again@1a2b3c4d`), and is left out where the other is there too; phantoms never count.
    Where `looks` are declared a cell has the seeds of the last that it has reached.
    """

    def __init__(
        self,
        measured: Measured,
        quantity: str,
        sets: Mapping[str, str],
        looks: tuple[int, ...] = (),
    ) -> None:
        values, self.looks = measured.values(quantity), looks
        there = {cell.dataset for cell in values}
        self.sets = dict(sets) | {
            name: sets[stem]
            for name in there - sets.keys()
            if (stem := name.partition("@")[0]) in sets and sets[stem] != stem
        }
        self.seeds: dict[Cell, list[int]] = {}
        for run in measured.grid.runs:
            self.seeds.setdefault(run.cell, []).append(run.seed)
        self.values = {
            cell: at_a_look(by_seed, self.seeds[cell], looks)
            for cell, by_seed in values.items()
            if not cell.phantom and self._counts(cell.dataset, there)
        }
        self._cells: dict[Term, dict[tuple[object, ...], Cell]] = {}

    def _counts(self, dataset: str, there: set[str]) -> bool:
        own = self.sets.get(dataset)
        return own == dataset or (own is not None and own not in there)

    @property
    def datasets(self) -> tuple[str, ...]:
        """By the paper's names."""
        return tuple(dict.fromkeys(self.sets[cell.dataset] for cell in self.values))

    def series(self, effect: Effect) -> Series:
        """The effect over the datasets, backbones and sizes that all its terms have in common.

        Every cell weighs the same. A cell counts only with all seeds that were asked for, or with
        those of the first look.
        """
        terms = [term for _, term in effect.terms]
        places = [self._at(term) for term in terms]
        shared = [place for place in places[0] if all(place in others for others in places)]
        if not shared:
            absent = [term for term, found in zip(terms, places, strict=True) if not found]
            gaps = [Gap("no cell of", term) for term in absent]
            return Series({}, (), tuple(gaps or (Gap("a cell in common of", t) for t in terms)))
        used = [[found[place] for place in shared] for found in places]
        cells = tuple(dict.fromkeys(cell for group in used for cell in group))
        gaps = [gap for cell in cells if (gap := self._gap(cell))]
        return Series({}, (), tuple(gaps)) if gaps else Series(self._sums(effect, used), cells, ())

    def _gap(self, cell: Cell) -> Gap | None:
        asked = self.seeds[cell][: self.looks[0]] if self.looks else self.seeds[cell]
        left = len(set(asked) - self.values[cell].keys())
        what = "no run of" if left == len(asked) else f"{left} of {len(asked)} runs of"
        return Gap(what, term_of(cell)) if left else None

    def _sums(self, effect: Effect, used: list[list[Cell]]) -> dict[int, float]:
        seeds = set.intersection(*(set(self.values[cell]) for group in used for cell in group))
        sums = {}
        for seed in sorted(seeds):
            means = [fmean(self.values[cell][seed] for cell in group) for group in used]
            total = sum(w * mean for (w, _), mean in zip(effect.terms, means, strict=True))
            sums[seed] = total / means[-1] if effect.relative else total
        return sums

    def _at(self, term: Term) -> dict[tuple[object, ...], Cell]:
        """The term's cells by what it leaves open; a backbone that it names is not open."""
        if term not in self._cells:
            self._cells[term] = {
                (
                    cell.dataset,
                    cell.source_size,
                    cell.input_size,
                    "" if term.backbone else cell.backbone,
                ): cell
                for cell in self.values
                if cell.ratio == term.ratio
                and term.backbone in ("", cell.backbone)
                and term.dataset in ("", self.sets[cell.dataset])
                and is_meant(cell.method, term.method)
            }
        return self._cells[term]


def is_meant(choice: MethodChoice, text: str) -> bool:
    """Whether a method as written is this choice; what is not written is as the protocol has it."""
    name, given = _parsed(text)
    if choice.name != name:
        return False
    _, changed = _parsed(choice.label)
    return changed.keys() <= given.keys() and all(
        getattr(choice.params, key) == value for key, value in given.items()
    )


_parsed = cache(read_choice)


def term_of(cell: Cell) -> Term:
    """The term of one cell."""
    return Term(cell.method.label, cell.ratio, cell.backbone, cell.dataset)
