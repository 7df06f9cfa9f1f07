"""What a check found."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from reports.tables.table import Row, Table

Severity = Literal["contradiction", "implausible", "note", "consistent"]
SEVERITIES: tuple[Severity, ...] = ("contradiction", "implausible", "note", "consistent")
LEGEND = (
    "contradiction: no unrounded value could give it; implausible: possible, but very improbable; "
    "note: worth knowing; consistent: checked and passed."
)


@dataclass(frozen=True)
class Finding:
    """One result of one check.

    A `contradiction` is what no unrounded value could give, an `implausible` is possible but very
    improbable (`p` bounds its probability, the printed SDs taken as true, where the check has one),
    a `note` is worth knowing, and `consistent` is a check that was made and passed. `where` names
    rows and columns.
    """

    check: str
    table: str
    where: str
    severity: Severity
    statement: str
    p: float | None = None

    @property
    def alarm(self) -> bool:
        """Whether the printed numbers speak against themselves."""
        return self.severity in ("contradiction", "implausible")


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """The gravest first; within a severity as they came."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def as_rows(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """For `reports.tables.output.to_tidy_csv`."""
    return [asdict(finding) for finding in ordered(findings)]


def as_table(findings: Sequence[Finding], title: str) -> Table:
    """For every writer of `reports.tables.table`."""
    return Table(
        title=title,
        columns=("severity", "check", "table", "where", "statement"),
        rows=tuple(
            Row(f.severity, (f.check, f.table, f.where, f.statement)) for f in ordered(findings)
        ),
        notes=(LEGEND,),
        label="tab:arithmetic",
    )
