"""A paper's claims, each with its verdict, as a table."""

from collections import Counter
from collections.abc import Sequence
from typing import get_args

from reports.claims.findings import Outcome
from reports.claims.judge import RULES, Verdict
from reports.claims.paper import Paper
from reports.tables.table import Row, Table


def build(paper: Paper, judged: Sequence[Verdict]) -> Table:
    """A row a claim, by verdict, then in the order of the paper."""
    outcomes = [one for one in get_args(Outcome) if any(one == v.verdict for v in judged)]
    counts = Counter(verdict.verdict for verdict in judged)
    named = [f"{counts[one]} {one}" for one in outcomes]
    different = dict.fromkeys(verdict.otherwise for verdict in judged if verdict.otherwise)
    return Table(
        title=f"Claims of {paper.title}",
        columns=("claim", "verdict", "what is compared, and what came out"),
        rows=tuple(_row(v) for one in outcomes for v in judged if v.verdict == one),
        answer=(f"Of {len(judged)} claims: {', '.join(named)}.",),
        notes=(*RULES, *(f"{one}." for one in different)),
    )


def _row(verdict: Verdict) -> Row:
    claim = verdict.claim
    return Row(f"“{claim.text}” ({claim.where})", (verdict.verdict, verdict.result))
