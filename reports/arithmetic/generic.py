"""The checks that suit any table, of whatever paper or of our own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.base.errors import BenchError
from reports.arithmetic.bounds import bounds
from reports.arithmetic.finding import Finding
from reports.arithmetic.grim import grim
from reports.arithmetic.identical import same_rows
from reports.arithmetic.p_values import stated_p_values
from reports.arithmetic.recomputed import stated_means
from reports.arithmetic.steps import constant_steps, lockstep_sds
from reports.arithmetic.what_was_read import what_was_read
from reports.published.printed import Printed, read_all
from reports.published.sheets import Decimal

RUNS = 10
"""What is taken where nobody says of how many runs means and SDs are."""


@dataclass(frozen=True)
class Known:
    """What a reader knows of tables and the tables do not say.

    `runs` are those behind a mean; `images` those of the test split of a column that holds
    accuracies; `decimal` is the mark before fractions; `mean_column` the column of means.
    """

    runs: int | None = None
    images: Mapping[str, int] = field(default_factory=dict)
    decimal: Decimal | None = None
    mean_column: str | None = None

    @property
    def n(self) -> int:
        return self.runs or RUNS


def audit_tables(paths: Sequence[Path], known: Known = Known()) -> list[Finding]:
    """Check tables, each and against one another; first of all say what was read.

    Raises BenchError for a file without a table, for fewer than two runs, and for a column that no
    table has.
    """
    if known.n < 2:
        raise BenchError(
            f"{known.n} runs have no SD; give the number of runs behind each mean, 2 or more"
        )
    tables = [t for path in paths for t in read_all(path, known.decimal, known.mean_column)]
    each = [finding for table in tables for finding in _said(table, known)]
    return [*each, *same_rows(tables, known.n)]


def _said(table: Printed, known: Known) -> list[Finding]:
    """What was read of a table, and what its checks say."""
    checks = audit_table(table, known.n) + grim(table, known.runs, known.images)
    return what_was_read(table) + (checks or [_nothing(table)])


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
        "columns, no mean of the others, no p values, and no accuracy on a known number of images."
    )
    return Finding("all checks", table.name, "all cells", "note", statement)
