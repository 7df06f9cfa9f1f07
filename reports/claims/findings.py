"""What records say of a claim under one reading of its quantity.

A claim says that effects lie in ranges. It is supported where every effect does so significantly:
all must, so that no correction is due (intersection-union test). It is contradicted where one lies
outside significantly, after Holm over all. So some of the effects can contradict a claim, and only
all of them can support it. An effect can be smaller than printed as well, by a one-sided t-test
against the printed margin, Holm over the effects. A claim that so few seeds could hardly support,
were the effects as printed, is not decidable: that is said before it is called undecided.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from scipy import stats

from bench.grid.cell import Cell
from bench.stats.paired import ALPHA, Comparison, compare, holm, holm_p, interval, power
from bench.stats.power import pairs_needed
from bench.stats.sequential import level_at, reached, sequential_p
from bench.stats.verdict import FEWEST, clearest
from reports.claims.claim import Claim, on
from reports.results.effects import Effect, Gap, Panel, Series

Outcome = Literal[
    "supported",
    "supported, but smaller than printed",
    "contradicted",
    "smaller than printed",
    "undecided",
    "not decidable",
    "not tested",
]
HARDLY = 0.2
"""Power at the printed size below which a claim is not decidable with so many seeds."""


@dataclass(frozen=True)
class Tested:
    """An effect, the cells that it comes from, and its comparison with `bound`, which decides.

    Where looks are declared, the p are over all so far, and the interval is at the level of the
    last, `confidence`.
    """

    quantity: str
    effect: Effect
    cells: tuple[Cell, ...]
    bound: float
    comparison: Comparison
    differences: tuple[float, ...]
    looks: tuple[int, ...] = ()
    p_smaller: float = math.nan
    """Of the effect being as large as printed or larger, after Holm; nan where none is printed."""

    @property
    def t(self) -> float:
        """The t of the comparison, positive where the mean is inside the claimed range."""
        return self.comparison.t if self.bound == self.effect.low else -self.comparison.t

    @property
    def printed_margin(self) -> float:
        """How far the printed effect is inside the claimed range; nan where none is printed."""
        printed = math.nan if self.effect.printed is None else self.effect.printed
        return printed - self.bound if self.bound == self.effect.low else self.bound - printed

    @property
    def smaller(self) -> bool:
        return self.p_smaller <= ALPHA

    def at_this_look(self, level: float) -> float:
        """The p that the last look so far asks for."""
        return level_at(self.comparison.n, self.looks, level) if self.looks else level

    @property
    def confidence(self) -> float:
        return 1 - self.at_this_look(ALPHA)

    def power(self, level: float) -> float:
        """That of supporting it, were it as printed; nan where nothing is printed."""
        margin, one = self.printed_margin, self.comparison
        if math.isnan(margin) or one.sd == 0:
            return math.nan
        return power(margin / one.sd, one.n, self.at_this_look(level)) if margin > 0 else 0.0

    @property
    def against(self) -> bool:
        return self.t < 0 and self.comparison.p_holm < ALPHA

    def supports(self, level: float) -> bool:
        return self.t > 0 and self.comparison.p < level


@dataclass(frozen=True)
class Finding:
    """The effects that could be tested, and what is missing for the others."""

    quantity: str
    level: float
    tested: tuple[Tested, ...]
    missing: tuple[Gap, ...]

    @property
    def outcome(self) -> Outcome:
        few = any(test.comparison.n < FEWEST for test in self.tested)
        if any(test.against for test in self.tested) and not few:
            return "contradicted"
        if self.missing or not self.tested:
            return "not tested"
        if few:
            return "not decidable"
        smaller = any(test.smaller for test in self.tested)
        if not self.open:
            return "supported, but smaller than printed" if smaller else "supported"
        if smaller:
            return "smaller than printed"
        return "not decidable" if self.hardly else "undecided"

    @property
    def hardly(self) -> bool:
        """Whether one of the effects, all of which have to support, would hardly ever do so."""
        return any(test.power(self.level) < HARDLY for test in self.tested)

    @property
    def open(self) -> list[Tested]:
        """The effects that do not support the claim."""
        return [test for test in self.tested if not test.supports(self.level)]

    @property
    def pairs_to_decide(self) -> int | None:
        """The seeds that would decide, were the true effects those observed; None: too many.

        All effects have to support the claim where all are inside their ranges, and one of those
        outside has to contradict it else.
        """
        outside = [test.comparison for test in self.tested if test.t < 0]
        if outside:
            strict = ALPHA / len(self.tested)
            enough = [pairs_needed(c.difference, c.sd, strict) for c in outside]
            return min((n for n in enough if n is not None), default=None)
        return _most(
            [
                pairs_needed(test.comparison.difference, test.comparison.sd, self.level)
                for test in self.open
            ]
        )

    @property
    def pairs_as_printed(self) -> int | None:
        """The seeds that would show open effects as large as the paper prints them.

        Those that it prints on the other side of what it claims are left out.
        """
        return _most(
            [
                pairs_needed(test.printed_margin, test.comparison.sd, self.level)
                for test in self.open
                if test.printed_margin > 0
            ]
        )


def find(claim: Claim, quantity: str, panel: Panel) -> Finding:
    """Test every effect of a claim, each with the nearer end of its range."""
    effects: Sequence[Effect] = claim.effects
    if claim.each_dataset and panel.datasets:
        effects = [on(e, dataset, claim.printed) for dataset in panel.datasets for e in effects]
    found = {effect: panel.series(effect) for effect in effects}
    spanned = [series.datasets for effect, series in found.items() if effect.spans_datasets]
    everywhere = set[str]().union(*spanned)
    tested: dict[str, Tested] = {}
    missing: list[Gap] = []
    for effect, series in found.items():
        bound = effect.bound(fmean(series.values.values() or [0]))
        effect = _as_printed_there(effect, {panel.sets[d] for d in series.datasets}, claim)
        gaps = series.missing or _uncovered(effect, series, everywhere)
        test = None if gaps else _tested(quantity, effect, series, bound, panel.looks)
        if test:
            tested[effect.name] = test
        else:
            missing += gaps or [Gap("a second seed of", term) for _, term in effect.terms]
    corrected = holm({name: test.comparison for name, test in tested.items()})
    smaller = _smaller(tested, panel.looks)
    return Finding(
        quantity,
        claim.level,
        tuple(
            replace(test, comparison=corrected[name], p_smaller=smaller.get(name, math.nan))
            for name, test in tested.items()
        ),
        tuple(dict.fromkeys(missing)),
    )


def _tested(
    quantity: str, effect: Effect, series: Series, bound: float, looks: tuple[int, ...]
) -> Tested | None:
    one = compare(series.values, dict.fromkeys(series.values, bound))
    if one is None:
        return None
    d = tuple(value - bound for value in series.values.values())
    test = Tested(quantity, effect, series.cells, bound, one, d, looks)
    if not looks:
        return test
    low, high = interval(one, 1 - test.confidence)
    return replace(test, comparison=replace(one, p=clearest(d, looks)[0], low=low, high=high))


def _as_printed_there(effect: Effect, datasets: set[str], claim: Claim) -> Effect:
    """The effect with what is printed of the datasets it was measured on, where that is printed."""
    if effect.printed is None or not effect.spans_datasets or not datasets:
        return effect
    each = [on(effect, dataset, claim.printed).printed for dataset in datasets]
    known = [value for value in each if value is not None]
    return replace(effect, printed=fmean(known) if len(known) == len(each) else effect.printed)


def _smaller(tested: Mapping[str, Tested], looks: tuple[int, ...]) -> dict[str, float]:
    """One-sided p of each effect against its printed margin, Holm over those that have one."""
    found = {}
    for name, test in tested.items():
        if test.bound == test.effect.low == 0 < test.printed_margin and test.comparison.sd > 0:
            n = len(test.differences)
            each = [_below(test, look) for look in reached(n, looks or (n,))]
            found[name] = sequential_p(each, looks or (n,), sides=1)
    return dict(zip(found, holm_p(list(found.values())), strict=True))


def _below(test: Tested, n: int) -> float:
    """One-sided p of the first n seeds against the printed margin."""
    one = stats.ttest_1samp(test.differences[:n], test.printed_margin, alternative="less")
    return float(one.pvalue)


def _uncovered(effect: Effect, series: Series, everywhere: set[str]) -> list[Gap]:
    """The datasets of a claim's other effects that one over all datasets does not reach."""
    if not effect.spans_datasets:
        return []
    return [
        Gap("a cell in common of", replace(term, dataset=dataset))
        for dataset in sorted(everywhere - series.datasets)
        for _, term in effect.terms
    ]


def _most(pairs: Sequence[int | None]) -> int | None:
    known = [n for n in pairs if n is not None]
    return max(known) if known and len(known) == len(pairs) else None
