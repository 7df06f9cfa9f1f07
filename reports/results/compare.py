"""Paired comparisons of a study as rows."""

from dataclasses import fields

from bench.base.errors import BenchError
from bench.looks import chosen_reference
from bench.stats.verdict import Judged
from bench.study import Study
from reports.results import pairs
from reports.results.results import collect
from reports.results.tidy import ORIGIN, Rows, comparison_rows
from reports.results.view import View

COLUMNS = (*ORIGIN, "reference", *(field.name for field in fields(Judged)))


def compare_rows(study: Study, view: View) -> Rows:
    """Each method minus the reference, by dataset and for the mean of several, with verdicts.

    These are of `bench.stats.verdict`. Raises BenchError where there is one method alone.
    """
    if len({run.cell.method for run in study.grid.runs}) < 2:
        raise BenchError("a comparison needs two methods or more; name another one")
    found: Rows = []
    for backbone in study.backbone_labels:
        for ratio in study.measured.ratios:
            results = collect(study, backbone, ratio, view.quantity, view.combine)
            against = chosen_reference(results.methods, view.reference)
            found += comparison_rows(results, against, pairs.families(results, against))
    return found
