"""Methods across datasets: the critical-difference diagram, and Wilcoxon with Holm."""

from collections.abc import Sequence
from dataclasses import asdict

from bench.errors import BenchError
from reports import cells, table1
from reports.across import SignedRanks, against, rank
from reports.figures import ranks
from reports.gallery.picture import Picture, note, stem
from reports.output import Rows
from reports.stats import summarise
from reports.study import Study, View
from reports.table1 import METRICS

SELECT = (table1.select,)


def pictures(studies: Sequence[Study], view: View) -> list[Picture]:
    """One for each backbone and ratio.

    Raises BenchError with the reason where there are too few datasets or methods.
    """
    (study,) = studies
    return [
        _picture(study, view, backbone, ratio)
        for backbone in study.backbones
        for ratio in study.ratios
    ]


def _picture(study: Study, view: View, backbone: str, ratio: float) -> Picture:
    means = dataset_means(study, view, backbone, ratio)
    ranking = rank(means)
    if isinstance(ranking, str):
        raise BenchError(ranking)
    signed = against(means, cells.chosen_reference(list(means), view.reference))
    tests = [] if isinstance(signed, str) else _rows(signed)
    return Picture(
        "-".join(stem(study, "ranks", view, backbone, ratio)),
        ranks.draw(ranking, note(study)),
        f"Average ranks by mean {METRICS[view.metric]} over {len(ranking.datasets)} datasets, "
        f"{backbone}. Methods that a bar joins do not differ (Nemenyi, 5 %). Its tests are "
        "Wilcoxon's against the reference, with Holm.",
        [{"method": method, "rank": value} for method, value in ranking.ranks.items()],
        tests,
    )


def _rows(signed: SignedRanks) -> Rows:
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


def dataset_means(
    study: Study, view: View, backbone: str, ratio: float
) -> dict[str, dict[str, float]]:
    """By method the mean over seeds on each dataset that has all of them."""
    results = study.results(backbone, ratio, f"metrics.{view.metric}", view.combine)
    return {
        method: {
            dataset: summarise(results.values[method, dataset].values()).mean
            for dataset in results.datasets
            if results.complete(method, dataset)
        }
        for method in results.methods
    }
