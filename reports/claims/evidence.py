"""Evidence in a sentence: where, how much, how sure, and what is missing."""

from collections.abc import Iterable, Sequence

from bench.grid import configs
from bench.grid.cell import Cell
from bench.stats.power import MOST
from bench.store.measured import Measured
from reports.claims.ails import DATASETS
from reports.claims.findings import Finding, Tested
from reports.results.effects import Term
from reports.results.results import PHANTOM

MANY = 1000
"""Seeds above which an observed effect counts as near zero, and the printed one is asked about."""


def protocol_name(measured: Measured) -> str:
    """The shipped protocol that all runs were made under, or `own`."""
    used = {run.protocol for run in measured.grid.runs}
    return next((n for n in configs.names() if used == {configs.load(n).protocol}), "own")


def is_phantom(cells: Sequence[Cell]) -> bool:
    return any(cell.phantom for cell in cells)


def scope(findings: Sequence[Finding], under: str) -> str:
    """Datasets, backbones, protocol and seeds that the findings rest on."""
    tested = [test for finding in findings for test in finding.tested]
    cells = [cell for test in tested for cell in test.cells]
    datasets = list(dict.fromkeys(cell.dataset for cell in cells))
    known = len(set(datasets) & set(DATASETS))
    whose = PHANTOM if is_phantom(cells) else f"{known} of the paper's {len(DATASETS)} datasets"
    backbones = ", ".join(dict.fromkeys(cell.backbone for cell in cells))
    seeds = sorted({test.comparison.n for test in tested})
    count = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return f"On {', '.join(datasets)} ({whose}), {backbones}, {under} protocol, {count} seeds"


def told(finding: Finding) -> str:
    """What was found under one reading, by the effect that speaks most against the claim."""
    tests = finding.tested
    worst = min(tests, key=lambda test: test.t)
    if len(tests) == 1:
        return _numbers(worst)
    if finding.outcome == "contradicted":
        against = sum(test.against for test in tests)
        corrected = f"Holm {worst.comparison.p_holm:.2g}"
        return f"{against} of {len(tests)} against the claim; most so {_numbers(worst, corrected)}"
    support = len(tests) - len(finding.open)
    return f"{support} of {len(tests)} as claimed; least so {_numbers(worst)}"


def lacking(finding: Finding) -> str:
    """What is missing, terms of the same gap together."""
    alike: dict[str, list[Term]] = {}
    for gap in finding.missing:
        alike.setdefault(gap.what, []).append(gap.term)
    return f"missing: {'; '.join(f'{what} {_together(terms)}' for what, terms in alike.items())}"


def _together(terms: Sequence[Term]) -> str:
    """All methods, then all ratios, datasets and backbones of some terms."""

    def each(words: Iterable[str]) -> str:
        return ", ".join(dict.fromkeys(filter(None, words)))

    ratios = each(f"{ratio:.0%}" for ratio in sorted(term.ratio for term in terms))
    places = each([*(term.dataset for term in terms), *(term.backbone for term in terms)])
    return (
        each(term.method for term in terms)
        + (f" at {ratios}" if ratios != "100%" else "")
        + (f" on {places}" if places else "")
    )


def needed(findings: Sequence[Finding]) -> tuple[int | None, str]:
    """The seeds that would decide an undecided claim, and a sentence on them."""
    outcomes = {finding.outcome for finding in findings}
    if {"supported", "contradicted"} <= outcomes:
        return None, "the readings disagree, which more seeds do not settle"
    undecided = [finding for finding in findings if finding.outcome == "undecided"]
    counts = [finding.pairs_to_decide for finding in undecided]
    known = [n for n in counts if n is not None]
    observed = max(known) if len(known) == len(counts) else None
    if observed is not None and observed <= MANY:
        return observed, f"about {observed} seeds would decide at the observed effects"
    here = min(test.comparison.n for finding in undecided for test in finding.tested)
    printed = max((n for f in undecided if (n := f.pairs_as_printed) is not None), default=None)
    far = f"{observed:,}" if observed else f"more than {MOST:,}"
    sentence = f"{far} seeds would decide at the observed effects"
    if printed is None:
        return observed, sentence
    if printed > here:
        return printed, f"{sentence}, about {printed} at the printed ones"
    return observed, f"{sentence}; about {printed} would have shown the printed ones"


def _numbers(test: Tested, corrected: str = "") -> str:
    """Value, interval and p of an effect, in its unit."""
    c, effect = test.comparison, test.effect
    percent = test.quantity.startswith("metrics.") or effect.relative
    unit = "" if not percent else " %" if effect.is_level or effect.relative else " points"

    def number(value: float) -> str:
        form = f"{'' if effect.is_level else '+'}z{'.1f' if percent else '.3g'}"
        return format(100 * value if percent else value, form)

    value, low, high = (number(x + test.bound) for x in (c.difference, c.low, c.high))
    interval = f"95 % interval {low} to {high}" if c.has_interval else "equal at every seed"
    details = [interval, f"p = {c.p:.2g}"]
    if effect.low:
        details.insert(1, f"claimed {number(effect.low)} to {number(effect.high)}")
        details[-1] += " from its nearer end"
    return f"{effect.name} {value}{unit} ({', '.join(filter(None, [*details, corrected]))})"
