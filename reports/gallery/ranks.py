"""Methods across datasets: the critical-difference diagram, and Wilcoxon with Holm."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from bench.base.errors import BenchError
from bench.stats.across import Means, Ranking, against, rank
from bench.stats.paired import summarise
from bench.study import Study
from reports.figures import ranks
from reports.figures.figure import Picture, gaps, left_out, note, sample_size, under
from reports.results import pairs
from reports.results.results import Results, collect
from reports.results.tidy import Rows
from reports.results.view import View
from reports.results.wording import stem
from reports.tables.table1 import METRICS


def pictures(studies: Sequence[Study], view: View) -> list[Picture]:
    """One for each backbone and ratio.

    Raises BenchError with the reason where there are too few datasets or methods.
    """
    (study,) = studies
    return [
        _picture(study, view, backbone, ratio)
        for backbone in study.selection.backbones
        for ratio in study.measured.ratios
    ]


def _picture(study: Study, view: View, backbone: str, ratio: float) -> Picture:
    results = collect(study, backbone, ratio, f"metrics.{view.metric}", view.combine)
    means = _dataset_means(results)
    ranking = rank(means)
    if isinstance(ranking, str):
        raise BenchError(ranking)
    reference = pairs.chosen_reference(results.methods, view.reference)
    tests = _tests(means, reference)
    return Picture(
        stem(study, "ranks", view.metric, backbone=backbone, ratio=ratio),
        ranks.draw(ranking, note(study, f"{sample_size(study)} on each dataset")),
        f"Average ranks by mean {METRICS[view.metric]}, {under(backbone, ratio)}, over "
        f"{len(ranking.datasets)} datasets ({', '.join(ranking.datasets)}), "
        f"{sample_size(study)} on each. Methods that a bar joins are not told apart (Nemenyi, 5 %)."
        + (f" Its tests are Wilcoxon's against {reference}, with Holm." if tests else "")
        + _left_out(results, means, ranking),
        [{"method": method, "rank": value} for method, value in ranking.ranks.items()],
        tests,
    )


def _dataset_means(results: Results) -> dict[str, dict[str, float]]:
    """By method the mean over seeds on each dataset that has all of them; no method without any."""
    return {
        method: means
        for method in results.methods
        if (
            means := {
                dataset: summarise(results.values[method, dataset].values()).mean
                for dataset in results.datasets
                if results.complete(method, dataset)
            }
        )
    }


def _left_out(results: Results, means: Means, ranking: Ranking) -> str:
    datasets = tuple(name for name in results.datasets if name not in ranking.datasets)
    methods = tuple(name for name in results.methods if name not in means)
    ranked = replace(results, methods=tuple(means), datasets=datasets)
    return left_out("Datasets left out, as seeds are missing", gaps(ranked)) + left_out(
        "Methods left out, as seeds are missing", gaps(replace(results, methods=methods))
    )


def _tests(means: Means, reference: str) -> Rows:
    """None where there is too little to compare."""
    signed = against(means, reference) if reference in means else ""
    if isinstance(signed, str):
        return []
    return [
        {
            "method": method,
            "reference": signed.reference,
            **asdict(test),
            "smallest_p": signed.smallest_p,
            "smallest_p_holm": signed.smallest_p_holm,
            "datasets": " ".join(signed.datasets),
        }
        for method, test in signed.methods.items()
    ]
