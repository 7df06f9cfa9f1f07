"""Stated p values, against every p that the printed means, SDs and n can give."""

from dataclasses import dataclass

from reports.arithmetic.finding import Finding, Severity
from reports.arithmetic.sample_correlation import exceeds
from reports.arithmetic.steps import CORRELATION
from reports.arithmetic.t_tests import (
    attainable,
    favourable_welch,
    least_correlation,
    needed_correlation,
    paired,
    unpaired,
    welch,
)
from reports.published.numbers import Entry, Number, Range
from reports.published.printed import Printed
from reports.published.quantities import P_VALUES

ALPHA = 1e-4
"""Level of one comparison; a table has up to a hundred."""


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
        f"Welch's two-sided t-test. {reading}",
    )


def stated_p_values(table: Printed, n: int) -> list[Finding]:
    """Columns of p values (`p`, `p acc`): each belongs to the nearest mean±SD column on its left.

    The row without a p is the reference. A column with another number of such rows is left out.
    """
    found = []
    sds = table.sds
    for position, header in enumerate(table.headers):
        left = [c for c in table.headers[:position] if any((r, c) in sds for r in table.rows)]
        if not left or not P_VALUES.fullmatch(header):
            continue
        rows = [row for row in table.rows if (row, left[-1]) in sds]
        claims = {row: Claim.parse(table.words.get((row, header), "")) for row in rows}
        references = [row for row in rows if (row, header) not in table.words]
        if len(references) == 1:
            found += [
                check(table, row, references[0], left[-1], claim, n)
                for row, claim in claims.items()
                if claim
            ]
    return found


def _verdict(a: Entry, b: Entry, n: int, stated: Range) -> tuple[Severity, str]:
    """An alarm is what no rounding, no pairing and no one-sided test (half the p) makes likely."""
    possible, rounded, digits = attainable(a, b, n), unpaired(a, b, n), welch(a, b, n)
    if 2 * stated.high < possible.low:
        return "contradiction", (
            f"No two-sided t-test, paired or not, gives less than {possible.low:.2g} over every "
            "rounding of the digits, and a one-sided one gives no less than half of it."
        )
    if stated.low > rounded.high:
        return "note", _larger(stated, possible)
    if digits < stated.low:
        return (
            "consistent",
            f"The rounding of the digits leaves room for it (to {rounded.high:.2g}).",
        )
    if digits <= stated.high:
        return "consistent", "The printed digits bear it."
    chance = 1.0
    if rounded.low > 2 * stated.high:
        chance = exceeds(least_correlation(a, b, n, 2 * stated.high), CORRELATION, n)
    reading = _smaller(a, b, n, stated.high)
    if chance >= ALPHA:
        return "note", reading
    return "implausible", (
        f"{reading} Even for a one-sided test, {n} runs with a true correlation of {CORRELATION:g} "
        f"show one as high with probability {chance:.1g}."
    )


def _larger(stated: Range, possible: Range) -> str:
    if stated.low > possible.high:
        return (
            "The stated value is larger than any two-sided t-test of these runs gives "
            f"({possible.high:.2g}); another test or a correction may give it."
        )
    return (
        "The stated value is larger than an unpaired one gives; a paired one of runs that "
        "correlate negatively, another test or a correction may give it."
    )


def _smaller(a: Entry, b: Entry, n: int, p: float) -> str:
    """What gives p, which Welch's test of the printed digits does not."""
    best, least = paired(a, b, n, 1), attainable(a, b, n).low
    if least > p:
        return f"No two-sided t-test gives it (paired or not, from {least:.2g}); a one-sided may."
    digits = (
        f"gives {best:#.3g} even at correlation 1; only their rounding leaves room."
        if best > p
        else f"needs a correlation of {needed_correlation(a, b, n, p):.2f} of the runs."
    )
    student = unpaired(a, b, n).low
    without = (
        f", and without pairing Welch's test gives {favourable_welch(a, b, n):.2g}, Student's "
        f"{student:.2g}"
        if student <= p
        else ""
    )
    return (
        f"From the printed digits a paired one {digits} At the most favourable rounding a "
        f"correlation of {least_correlation(a, b, n, p):.2f} suffices{without}."
    )
