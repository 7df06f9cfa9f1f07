"""Paired comparisons of a study as rows."""

from collections.abc import Iterator
from dataclasses import fields

from bench.base.errors import BenchError
from bench.looks import chosen_reference
from bench.stats.verdict import Judged
from bench.study import Study
from reports.results import pairs
from reports.results.answer import answer
from reports.results.results import Results, collect
from reports.results.tidy import ORIGIN, Rows, comparison_rows
from reports.results.view import View

COLUMNS = (*ORIGIN, "reference", *(field.name for field in fields(Judged)))


def compare_rows(study: Study, view: View) -> Rows:
    """Each method minus the reference, by dataset and for the mean of several, with verdicts.

    These are of `bench.stats.verdict`. Raises BenchError where there is one method alone.
    """
    found: Rows = []
    for results, reference, tests in families(study, view):
        found += comparison_rows(results, reference, tests)
    return found


def answers(study: Study, view: View) -> list[str]:
    """The same in sentences, those of each backbone and ratio apart."""
    found = []
    for results, reference, tests in families(study, view):
        where = f"{results.backbone}, {results.ratio:.0%}: "
        found += [where + said for said in answer(tests, reference, results.rule)]
    return found


def families(study: Study, view: View) -> Iterator[tuple[Results, str, dict[str, pairs.Family]]]:
    """The results of each backbone and ratio, their reference, and the comparisons with it."""
    if len({run.cell.method for run in study.grid.runs}) < 2:
        raise BenchError("a comparison needs two methods or more; name another one")
    for backbone in study.backbone_labels:
        for ratio in study.measured.ratios:
            results = collect(study, backbone, ratio, view.quantity, view.combine)
            reference = chosen_reference(results.methods, view.reference)
            yield results, reference, pairs.families(results, reference)
