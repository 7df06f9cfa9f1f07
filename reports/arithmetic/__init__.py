"""What arithmetic alone says about printed tables: no record is read and nothing is trained.

Numbers stay as printed (percent, where a paper prints percent): their digits are the evidence. Each
check is a module; `audit_tables` runs those that suit any table, `audit_paper` all of them on
`reports/published`.
"""

from reports.arithmetic.finding import (
    LEGEND,
    SEVERITIES,
    Finding,
    as_rows,
    as_table,
    ordered,
)
from reports.arithmetic.generic import Known, audit_tables
from reports.arithmetic.paper import audit_paper

__all__ = [
    "LEGEND",
    "SEVERITIES",
    "Finding",
    "Known",
    "as_rows",
    "as_table",
    "audit_paper",
    "audit_tables",
    "ordered",
]
