"""The checks that suit any table, of whatever paper or of our own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.errors import BenchError
from reports.arithmetic.bounds import bounds, granularity
from reports.arithmetic.finding import Finding
from reports.arithmetic.p_values import stated_p_values
from reports.arithmetic.printed import Printed, read
from reports.arithmetic.recomputed import stated_means
from reports.arithmetic.steps import constant_steps, lockstep_sds


def audit_tables(
    paths: Sequence[Path], n: int = 10, images: Mapping[str, int] = {}
) -> list[Finding]:
    """Check tables whose means and SDs are of n runs.

    `images` are the test images behind each column of accuracies of single models, where these are
    known; only then can it be checked whether the means are means of counts.
    Raises BenchError for a file that is no table, and for fewer than two runs.
    """
    if n < 2:
        raise BenchError(
            f"{n} runs have no SD; give the number of runs behind each mean, 2 or more"
        )
    tables = [read(path) for path in paths]
    return [f for t in tables for f in (*audit_table(t, n), *granularity(t, n, images))]


def audit_table(table: Printed, n: int) -> list[Finding]:
    """Every check that needs no more than the table and n."""
    return [
        *stated_means(table),
        *constant_steps(table, n),
        *lockstep_sds(table, n),
        *stated_p_values(table, n),
        *bounds(table, n),
    ]
