"""Paired differences to the reference, with what training and what the images leave open."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from statistics import fmean

from bench.stats.bootstrap import Interval, paired_difference
from bench.stats.paired import compare
from bench.study import Study
from reports.figures import forest
from reports.figures.figure import Picture, gaps, left_out, note, runs_of, sample_size, under
from reports.results import pairs
from reports.results.results import Results, collect
from reports.results.view import View
from reports.results.wording import stem
from reports.tables.table1 import METRICS


def pictures(studies: Sequence[Study], view: View) -> list[Picture]:
    """One for each backbone and ratio."""
    (study,) = studies
    drawn = [
        _picture(study, view, backbone, ratio)
        for backbone in study.selection.backbones
        for ratio in study.measured.ratios
    ]
    return [picture for picture in drawn if picture]


def _picture(study: Study, view: View, backbone: str, ratio: float) -> Picture | None:
    """None where no method has all seeds."""
    results = collect(study, backbone, ratio, f"metrics.{view.metric}", view.combine)
    reference = pairs.chosen_reference(results.methods, view.reference)
    rows = [
        _row(study, results, dataset, method, reference, view)
        for dataset in results.datasets
        for method in results.methods
        if method != reference
        and results.complete(method, dataset)
        and results.complete(reference, dataset)
    ]
    if not rows:
        return None
    return Picture(
        stem(study, "forest", view.metric, backbone=backbone, ratio=ratio),
        forest.draw(rows, reference, METRICS[view.metric], note(study, sample_size(study))),
        f"{METRICS[view.metric]} of each method minus {reference}, paired by seed, "
        f"{under(backbone, ratio)}, {sample_size(study)}. Thick: 95 % t interval over seeds "
        "(training noise); none where there is one seed, or all differences are the same. Thin: "
        "95 % percentile interval of a paired bootstrap over test images."
        + _left_out(results, reference),
        [asdict(row) for row in rows],
    )


def _row(
    study: Study, results: Results, dataset: str, method: str, reference: str, view: View
) -> forest.Row:
    values, others = results.values[method, dataset], results.values[reference, dataset]
    row = forest.Row(dataset, method, fmean(pairs.differences(values, others).values()))
    if test := compare(values, others):
        row = replace(row, low=test.low, high=test.high)
    if images := _over_images(study, results, dataset, method, reference, view):
        row = replace(row, image_low=images.low, image_high=images.high)
    return row


def _left_out(results: Results, reference: str) -> str:
    compared = [d for d in results.datasets if results.complete(reference, d)]
    return left_out(
        f"Datasets left out, as {reference} lacks seeds",
        gaps(replace(results, methods=(reference,))),
    ) + left_out("Left out, as seeds are missing", gaps(replace(results, datasets=tuple(compared))))


def _over_images(
    study: Study, results: Results, dataset: str, method: str, reference: str, view: View
) -> Interval | None:
    """None for a combination of backbones: its members have predictions, it has none."""
    runs = runs_of(study, results, dataset)
    one, other = runs.get(method, {}), runs.get(reference, {})
    seeds = sorted(one.keys() & other.keys())
    if not seeds:
        return None
    _, targets = study.arrays(one[seeds[0]])
    return paired_difference(
        [study.arrays(one[seed])[0] for seed in seeds],
        [study.arrays(other[seed])[0] for seed in seeds],
        targets,
        one[seeds[0]].cell.task,
        view.metric,
    )
