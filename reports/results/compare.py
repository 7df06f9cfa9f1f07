"""Paired comparisons of a study as rows."""

from dataclasses import fields

from bench import metrics
from bench.base.errors import BenchError
from bench.stats.paired import ALPHA, Comparison
from bench.study import Study
from reports.results import pairs
from reports.results.results import collect
from reports.results.tidy import ORIGIN, Rows, comparison_rows
from reports.results.view import View

COLUMNS = (*ORIGIN, "reference", *(field.name for field in fields(Comparison)), "verdict")
FEWEST = 5
"""Seeds below which nothing is decided."""


def compare_rows(study: Study, view: View) -> Rows:
    """Each method minus the reference, by dataset and for the mean of several, with a verdict.

    `better` or `worse` where p after Holm over the methods of the dataset is below 5 % and there
    are five seeds or more; else `undecided`. Raises BenchError where there is one method alone.
    """
    if len({run.cell.method for run in study.grid.runs}) < 2:
        raise BenchError("a comparison needs two methods or more; name another one")
    found: Rows = []
    for backbone in study.backbone_labels:
        for ratio in study.measured.ratios:
            results = collect(study, backbone, ratio, view.quantity, view.combine)
            against = pairs.chosen_reference(results.methods, view.reference)
            found += comparison_rows(results, against, pairs.families(results, against))
    sign = 1 if metrics.get(view.metric).higher_is_better else -1
    for row in found:
        row["verdict"] = _verdict(sign * row["difference"], row["p_holm"], row["n"])
    return found


def _verdict(gain: float, p: float, n: int) -> str:
    if n < FEWEST or not p < ALPHA:
        return "undecided"
    return "better" if gain > 0 else "worse"
