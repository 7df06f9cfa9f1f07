"""Evidence in a sentence: where, how much, how sure, and what is missing."""

import math
from collections.abc import Iterable, Sequence

from scipy import special

from bench.grid import configs
from bench.stats.verdict import FORETELLS
from bench.store.measured import Measured
from reports.claims.claim import scale
from reports.claims.findings import HARDLY, Finding, Tested
from reports.claims.paper import Paper
from reports.results.effects import Term

MANY = 1000
"""Seeds above which an observed effect counts as near zero, and the printed one is asked about."""


def protocol_name(measured: Measured) -> str:
    """The shipped protocol that all runs were made under, or `own`."""
    used = {run.protocol for run in measured.grid.runs}
    return next((n for n in configs.names() if used == {configs.load(n).protocol}), "own")


def scope(findings: Sequence[Finding], under: str, paper: Paper) -> str:
    """Datasets, backbones, protocol and seeds that the findings rest on."""
    tested = [test for finding in findings for test in finding.tested]
    cells = [cell for test in tested for cell in test.cells]
    here = dict.fromkeys(cell.dataset for cell in cells)
    own = {name: paper.stands_for.get(name.partition("@")[0]) for name in here}
    named = [f"{name} (for {of})" if of else name for name, of in own.items()]
    backbones = ", ".join(dict.fromkeys(cell.backbone for cell in cells))
    seeds = sorted({test.comparison.n for test in tested})
    count = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return (
        f"On {', '.join(named)} ({len(here)} of the paper's {len(paper.datasets)} datasets), "
        f"{backbones}, {under} protocol, {count} seeds"
    )


def otherwise(findings: Sequence[Finding], measured: Measured, paper: Paper) -> str:
    """What our protocol has different from the paper's, as far as that says; nothing where none."""
    cells = {cell for finding in findings for test in finding.tested for cell in test.cells}
    runs = [run for run in measured.grid.runs if run.cell in cells]
    if not runs:
        return ""
    ours: dict[str, Sequence[object]] = {
        "backbones": sorted({run.cell.backbone for run in runs}),
        "source_size": sorted({run.cell.source_size for run in runs}),
        "seeds": sorted({test.comparison.n for finding in findings for test in finding.tested}),
    }
    found = []
    said: dict[str, object] = {"backbones": list(paper.backbones), **paper.protocol}
    for name, theirs in said.items():
        here = ours.get(name) or sorted(
            {str(value) for run in runs for value in _listed(getattr(run.protocol, name))}
        )
        wanted = sorted(map(str, _listed(theirs)))
        if wanted and set(map(_plain, here)) != set(map(_plain, wanted)):
            word = name.replace("_", " ")
            found.append(f"{word} {', '.join(map(str, here)) or 'none'}, not {', '.join(wanted)}")
    return f"Unlike the paper: {'; '.join(found)}" if found else ""


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else [value]


def _plain(value: object) -> str:
    """Alike for `1e-3` and 0.001, for 5 and 5.0."""
    try:
        return str(float(str(value)))
    except ValueError:
        return str(value)


def told(finding: Finding) -> str:
    """What was found under one reading, by the effect that speaks most against the claim."""
    tests = finding.tested
    worst = min(tests, key=lambda test: test.t)
    smaller = [test for test in tests if test.smaller]
    if "smaller" in finding.outcome:
        least = min(smaller, key=lambda test: test.p_smaller)
        return (
            f"{len(smaller)} of {len(tests)} smaller than printed; most so {_numbers(least)}, "
            f"printed {_number(least, least.effect.printed or 0)}, Holm {least.p_smaller:.2g}"
        )
    if finding.outcome == "not decidable":
        return f"{_numbers(worst)}{_hardly(finding)}"
    if len(tests) == 1:
        return _numbers(worst)
    if finding.outcome == "contradicted":
        against = sum(test.against for test in tests)
        corrected = f"Holm {worst.comparison.p_holm:.2g}"
        return f"{against} of {len(tests)} against the claim; most so {_numbers(worst, corrected)}"
    support = len(tests) - len(finding.open)
    return f"{support} of {len(tests)} as claimed; least so {_numbers(worst)}"


def _hardly(finding: Finding) -> str:
    """What so few seeds could show."""
    powers = [p for test in finding.tested if (p := test.power(finding.level)) < HARDLY]
    n = min(test.comparison.n for test in finding.tested)
    if not powers:
        return f"; {n} seeds decide nothing"
    return f"; were it as printed, {n} seeds would support it in {min(powers):.0%} of studies"


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
    if "contradicted" in outcomes and any(one.startswith("supported") for one in outcomes):
        return None, "the readings disagree, which more seeds do not settle"
    undecided = [f for f in findings if f.outcome in ("undecided", "not decidable")]
    if not undecided:
        return None, "the readings disagree"
    counts = [finding.pairs_to_decide for finding in undecided]
    known = [n for n in counts if n is not None]
    observed = max(known) if len(known) == len(counts) else None
    here = min(test.comparison.n for finding in undecided for test in finding.tested)
    if here < FORETELLS:
        return None, f"from {FORETELLS} seeds on it is told how many would decide"
    if observed is not None and observed <= MANY:
        return observed, f"{_range(observed, here)} seeds would decide at the observed effects"
    printed = max((n for f in undecided if (n := f.pairs_as_printed) is not None), default=None)
    far = f"more than {MANY:,} seeds would decide at the observed effects"
    if printed is None:
        return observed, far
    if printed > here:
        return printed, f"{far}, {_range(printed, here)} at the printed ones"
    return observed, f"{far}; {_range(printed, here)} would have shown the printed ones"


def _range(seeds: int, n: int) -> str:
    """The seeds for a spread that n seeds may have shown too small or too large (5 to 95 %)."""
    low, high = ((n - 1) / special.chdtri(n - 1, tail) for tail in (0.05, 0.95))
    return f"{max(2, math.ceil(seeds * low)):,} to {math.ceil(seeds * high):,}"


def _numbers(test: Tested, corrected: str = "") -> str:
    """Value, interval and p of an effect, in its unit."""
    c, effect = test.comparison, test.effect
    percent = _scale(test) == 100
    unit = "" if not percent else " %" if effect.is_level or effect.relative else " points"
    value, low, high = (_number(test, x + test.bound) for x in (c.difference, c.low, c.high))
    interval = f"{100 * test.confidence:.4g} % interval {low} to {high}"
    interval = interval if c.has_interval else "equal at every seed"
    details = [interval, f"p = {c.p:.2g}"]
    if effect.low:
        details.insert(1, f"claimed {_number(test, effect.low)} to {_number(test, effect.high)}")
        details[-1] += " from its nearer end"
    return f"{effect.name} {value}{unit} ({', '.join(filter(None, [*details, corrected]))})"


def _number(test: Tested, value: float) -> str:
    digits = ".1f" if _scale(test) == 100 else ".3g"
    return format(_scale(test) * value, f"{'' if test.effect.is_level else '+'}z{digits}")


def _scale(test: Tested) -> float:
    return 100 if test.effect.relative else scale(test.quantity)
