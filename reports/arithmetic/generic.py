"""The checks that suit any table, of whatever paper or of our own."""

from collections.abc import Sequence
from pathlib import Path

from bench.base.errors import BenchError
from reports.arithmetic.bounds import bounds
from reports.arithmetic.finding import Finding
from reports.arithmetic.identical import same_rows
from reports.arithmetic.p_values import stated_p_values
from reports.arithmetic.recomputed import stated_means
from reports.arithmetic.steps import constant_steps, lockstep_sds
from reports.published.printed import Printed, read


def audit_tables(paths: Sequence[Path], n: int = 10) -> list[Finding]:
    """Check tables whose means and SDs are of n runs, each and against one another.

    Raises BenchError for a file that is no table, and for fewer than two runs.
    """
    if n < 2:
        raise BenchError(
            f"{n} runs have no SD; give the number of runs behind each mean, 2 or more"
        )
    tables = [read(path) for path in paths]
    each = [finding for table in tables for finding in audit_table(table, n) or [_nothing(table)]]
    return [*each, *same_rows(tables, n)]


def audit_table(table: Printed, n: int) -> list[Finding]:
    """Every check that needs no more than the table and n."""
    return [
        *stated_means(table),
        *constant_steps(table, n),
        *lockstep_sds(table, n),
        *stated_p_values(table, n),
        *bounds(table, n),
    ]


def _nothing(table: Printed) -> Finding:
    statement = (
        "Nothing could be checked: no percentages with SDs, no steps that are the same in three "
        "columns, no mean of the others and no p values."
    )
    return Finding("all checks", table.name, "all cells", "note", statement)
