"""Paired differences to the reference, with what training and what the images leave open."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from bench.grid import parts
from reports import cells, table1
from reports.bootstrap import Interval, paired_difference
from reports.figures import forest
from reports.gallery.picture import Picture, note, runs_of, stem
from reports.results import Results
from reports.stats import compare
from reports.study import Study, View
from reports.table1 import METRICS

SELECT = (table1.select,)


def pictures(studies: Sequence[Study], view: View) -> list[Picture]:
    """One for each backbone and ratio."""
    (study,) = studies
    pictures = []
    for backbone in study.backbones:
        for ratio in study.ratios:
            results = study.results(backbone, ratio, f"metrics.{view.metric}")
            reference = cells.chosen_reference(results.methods, view.reference)
            rows = [
                row
                for dataset in results.datasets
                for method in results.methods
                if method != reference
                and (row := _row(study, results, dataset, method, reference, view)) is not None
            ]
            if not rows:
                continue
            pictures.append(
                Picture(
                    "-".join(stem(study, "forest", view, backbone, ratio)),
                    forest.draw(rows, reference, METRICS[view.metric], note(study)),
                    f"{METRICS[view.metric]} of each method minus {reference}, paired by seed, "
                    f"{backbone}. Thick: 95 % t interval over seeds (training noise). Thin: 95 % "
                    "percentile interval of a paired bootstrap over test images.",
                    [asdict(row) for row in rows],
                )
            )
    return pictures


def _row(
    study: Study, results: Results, dataset: str, method: str, reference: str, view: View
) -> forest.Row | None:
    test = compare(results.values[method, dataset], results.values[reference, dataset])
    if test is None:
        return None
    row = forest.Row(dataset, method, test.difference, test.low, test.high)
    images = _over_images(study, results, dataset, method, reference, view)
    return replace(row, image_low=images.low, image_high=images.high) if images else row


def _over_images(
    study: Study, results: Results, dataset: str, method: str, reference: str, view: View
) -> Interval | None:
    """None for a combination of backbones: its members have predictions, it has none."""
    runs = runs_of(study, results, dataset)
    one, other = runs.get(method, {}), runs.get(reference, {})
    seeds = sorted(one.keys() & other.keys())
    if len(parts(results.backbone)) > 1 or not seeds:
        return None
    _, targets = study.predictions(one[seeds[0]])
    return paired_difference(
        [study.predictions(one[seed])[0] for seed in seeds],
        [study.predictions(other[seed])[0] for seed in seeds],
        targets,
        one[seeds[0]].cell.task,
        view.metric,
    )
