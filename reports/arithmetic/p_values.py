"""Stated p values, against every p that the printed means, SDs and n can give.

An unpaired test follows from mean, SD and n. A paired one depends on the correlation of the runs
too, which no table prints: its t is d√n / √(s₁² + s₂² - 2 r s₁ s₂) for an r between -1 and 1.
"""

import math
from dataclasses import dataclass

from scipy import stats

from reports.arithmetic.finding import Finding, Severity
from reports.arithmetic.printed import P_VALUES, Entry, Number, Printed, Range
from reports.arithmetic.steps import CORRELATION


@dataclass(frozen=True)
class Claim:
    """A stated p: all values that it can stand for."""

    text: str
    values: Range

    @classmethod
    def parse(cls, text: str) -> "Claim | None":
        """`<0.01`, `p < 0.01` or `0.003`; None if it is none of these."""
        plain = text.replace(" ", "").removeprefix("p").removeprefix("=")
        number = Number.parse(plain.lstrip("<≤"))
        if number is None or not 0 <= number.value <= 1:
            return None
        below = plain[0] in "<≤"
        return cls(text, Range(0, number.value) if below else number.unrounded)


def welch(a: Entry, b: Entry, n: int) -> float:
    """The two-sided p of Welch's test from the printed digits."""
    (m1, s1), (m2, s2) = _digits(a), _digits(b)
    if s1 == s2 == 0:
        return _p(m1 - m2, 0, n, 2 * n - 2)
    return float(stats.ttest_ind_from_stats(m1, s1, n, m2, s2, n, equal_var=False).pvalue)


def paired(a: Entry, b: Entry, n: int, correlation: float) -> float:
    """The two-sided p of the paired t-test from the printed digits, at this correlation."""
    (m1, s1), (m2, s2) = _digits(a), _digits(b)
    variance = s1**2 + s2**2 - 2 * correlation * s1 * s2
    return _p(m1 - m2, math.sqrt(max(0.0, variance)), n, n - 1)


def attainable(a: Entry, b: Entry, n: int) -> Range:
    """Every p of a t-test, paired with any correlation or not, over every rounding of the digits.

    Paired: the SD of the differences lies between |s₁ - s₂| and s₁ + s₂. Unpaired: at the highest
    t, the most degrees of freedom (2n - 2) bound the smallest p from below.
    """
    difference = a.mean.unrounded - b.mean.unrounded
    s1, s2 = _sd(a), _sd(b)
    apart = s1 - s2
    furthest = max(abs(difference.low), abs(difference.high))
    nearest = max(0.0, difference.low, -difference.high)
    smallest = min(
        _p(furthest, max(0.0, apart.low, -apart.high), n, n - 1),
        _p(furthest, math.hypot(s1.low, s2.low), n, 2 * n - 2),
    )
    return Range(smallest, _p(nearest, s1.high + s2.high, n, n - 1))


def needed_correlation(a: Entry, b: Entry, n: int, p: float) -> float:
    """The pairing correlation from which a paired t-test of the printed digits gives at most p.

    Above 1 if none does.
    """
    (m1, s1), (m2, s2) = _digits(a), _digits(b)
    sd = abs(m1 - m2) * math.sqrt(n) / float(stats.t.isf(p / 2, n - 1))
    product = 2 * s1 * s2
    excess = s1**2 + s2**2 - sd**2
    return excess / product if product else math.copysign(math.inf, excess)


def check(table: Printed, first: str, second: str, column: str, claim: Claim, n: int) -> Finding:
    """Whether the difference of two rows in one column, both with SDs, bears the stated p."""
    a, b = table.entries[first, column], table.entries[second, column]
    severity, reading = _verdict(a, b, n, claim.values)
    return Finding(
        "p values",
        table.name,
        f"{first} against {second}, {column}",
        severity,
        f"p {claim.text} is stated; {a} against {b} (n = {n}) gives p = {welch(a, b, n):#.3g} by "
        f"Welch's test. {reading}",
    )


def _verdict(a: Entry, b: Entry, n: int, stated: Range) -> tuple[Severity, str]:
    possible = attainable(a, b, n)
    if not possible.meets(stated):
        return "contradiction", "No correlation and no rounding gives the stated value."
    if welch(a, b, n) <= stated.high:
        return "consistent", "The printed digits bear it."
    needed = needed_correlation(a, b, n, stated.high)
    if needed > 1:
        return "implausible", (
            f"A paired t-test gives {paired(a, b, n, 1):#.3g} even at correlation 1; only the "
            f"rounding of the digits leaves room (p from {possible.low:.2g})."
        )
    reading = f"A paired t-test needs a correlation of at least {needed:.2f} of the runs."
    return "implausible" if needed > CORRELATION else "note", reading


def stated_p_values(table: Printed, n: int) -> list[Finding]:
    """Columns of p values (`p`, `p acc`): each belongs to the nearest mean±SD column on its left.

    The row without a p is the reference. A column with another number of such rows is left out.
    """
    found = []
    for position, header in enumerate(table.headers):
        left = [c for c in table.headers[:position] if any((r, c) in table.sds for r in table.rows)]
        if not left or not P_VALUES.fullmatch(header):
            continue
        rows = [row for row in table.rows if (row, left[-1]) in table.sds]
        claims = {row: Claim.parse(table.words.get((row, header), "")) for row in rows}
        references = [row for row in rows if (row, header) not in table.words]
        if len(references) == 1:
            found += [
                check(table, row, references[0], left[-1], claim, n)
                for row, claim in claims.items()
                if claim
            ]
    return found


def _digits(entry: Entry) -> tuple[float, float]:
    return entry.mean.value, entry.sd.value if entry.sd else math.nan


def _sd(entry: Entry) -> Range:
    low, high = (entry.sd.unrounded.low, entry.sd.unrounded.high) if entry.sd else (0.0, math.inf)
    return Range(max(0.0, low), high)


def _p(difference: float, sd: float, n: int, freedom: int) -> float:
    if sd == 0:
        return 0.0 if difference else 1.0
    return 2 * float(stats.t.sf(abs(difference) * math.sqrt(n) / sd, freedom))
