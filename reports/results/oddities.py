"""Runs that a reader should know of: those that predict one class only, and outliers of their cell.

They are marked and counted like all others; none is ever left out.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from bench.base.errors import BenchError
from bench.base.task import Task
from bench.grid.cell import Run
from bench.grid.notation import parts
from bench.metrics import decisions
from bench.stats.paired import OUTLYING, outlying
from bench.study import Study
from reports.results.results import Results
from reports.results.wording import ranges

Odd = dict[tuple[str, str], list[int]]
"""Seeds by method and dataset."""


def far_off(results: Results) -> Odd:
    """The outliers of each cell."""
    found = {place: [*outlying(values)] for place, values in results.values.items()}
    return {place: seeds for place, seeds in found.items() if seeds}


def of_one_class(study: Study, results: Results) -> Odd:
    """The runs that predict one class for every test image."""
    found: Odd = {}
    for run, record in study.measured.records.items():
        cell = run.cell
        place = cell.method.label, cell.dataset
        asked = cell.backbone in parts(results.backbone) and cell.ratio == results.ratio
        if asked and place in results.values and predicts_one_class(study, run, record):
            found.setdefault(place, []).append(run.seed)
    return found


def predicts_one_class(study: Study, run: Run, record: Mapping[str, Any]) -> bool:
    """Read from the predictions, where the mean recall over classes is such that it could be."""
    recall = record["metrics"].get("balanced_acc")
    if run.cell.task is Task.MULTILABEL or recall is None or not _a_share(recall):
        return False
    with suppress(BenchError):
        scores, _ = study.arrays(run)
        return len(np.unique(decisions(scores, run.cell.task))) == 1
    return False


def _a_share(recall: float) -> bool:
    """Whether it is 0, or 1 of a whole number of classes."""
    return recall == 0 or (recall <= 0.5 and abs(1 / recall - round(1 / recall)) < 1e-6)


def sentences(one_class: Odd, far: Odd) -> list[str]:
    """What the mark † means, where there is one."""
    kinds = {
        "predicts one class only": one_class,
        f"is further than {OUTLYING:g} robust SDs from the median of its seeds": far,
    }
    said = [
        f"{kind}: " + ", ".join(f"{m} on {d} seed {ranges(s)}" for (m, d), s in odd.items())
        for kind, odd in kinds.items()
        if odd
    ]
    return [f"† a run {'; a run '.join(said)}. None is left out."] if said else []
