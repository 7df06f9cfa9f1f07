"""Calibration: accuracy against confidence."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bench.grid.cell import Run
from bench.grid.notation import parts
from bench.study import Study
from reports.figures import reliability
from reports.figures.figure import Picture, gaps, left_out, note, runs_of, sample_size, under
from reports.figures.reliability import EDGES, Reliability, axis_names
from reports.results.results import Results, collect
from reports.results.tidy import Rows
from reports.results.view import View
from reports.results.wording import stem


def pictures(studies: Sequence[Study], view: View) -> list[Picture]:
    """One for each dataset, backbone and ratio; a combination of backbones has none."""
    (study,) = studies
    drawn = []
    for backbone in study.selection.backbones:
        if len(parts(backbone)) > 1:
            continue
        for ratio in study.measured.ratios:
            results = collect(study, backbone, ratio, "metrics.ece")
            methods = tuple(m for m in results.methods if m in (view.calibrated or results.methods))
            drawn += [
                _picture(study, replace(results, methods=methods, datasets=(dataset,)))
                for dataset in results.datasets
            ]
    return [picture for picture in drawn if picture]


def _picture(study: Study, results: Results) -> Picture | None:
    """Of the one dataset; None where no method has all seeds."""
    (dataset,) = results.datasets
    runs = runs_of(study, results, dataset)
    found = [
        _reliability(study, method, runs[method].values())
        for method in results.methods
        if results.complete(method, dataset)
    ]
    if not found:
        return None
    (info,) = (info for info in study.measured.grid.datasets if info.name == dataset)
    predicted, observed = axis_names(info.task)
    return Picture(
        stem(study, "reliability", dataset, backbone=results.backbone, ratio=results.ratio),
        reliability.draw(found, info.task, note(study)),
        f"Calibration on {dataset}, {under(results.backbone, results.ratio)}: {observed} against "
        f"{predicted} in 15 bins, {sample_size(study)} pooled, and how often each "
        f"{predicted} occurs. ECE: mean ± SD over runs of the error of each."
        + left_out("Left out, as seeds are missing", gaps(results)),
        [row for one in found for row in _rows(one)],
    )


def _reliability(study: Study, method: str, runs: Iterable[Run]) -> Reliability:
    return Reliability(
        method, [reliability.bin_scores(*study.arrays(run), run.cell.task) for run in runs]
    )


def _rows(one: Reliability) -> Rows:
    """One for each bin; an empty one has no confidence and no accuracy."""
    ece, bins = one.ece, one.pooled
    return [
        {
            "method": one.method,
            "n": ece.n,
            "ece": ece.mean,
            "ece_sd": ece.sd,
            "low": low,
            "high": high,
            "predictions": count,
            "confidence": confidence / count if count else math.nan,
            "accuracy": right / count if count else math.nan,
        }
        for low, high, count, confidence, right in zip(
            EDGES[:-1].tolist(),
            EDGES[1:].tolist(),
            bins.counts.tolist(),
            bins.confidence.tolist(),
            bins.right.tolist(),
            strict=True,
        )
    ]
