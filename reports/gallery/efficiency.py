"""Data efficiency: a metric against the fraction of training images."""

from collections.abc import Sequence
from dataclasses import asdict

from reports import table4
from reports.figures import curves, efficiency
from reports.gallery.picture import Picture, complete, mean_and_interval, note, over
from reports.paper import published
from reports.study import Study, View
from reports.table import Cell
from reports.table1 import METRICS

SELECT = (table4.select,)


def pictures(studies: Sequence[Study], view: View) -> list[Picture]:
    """One for each backbone, from the study of Table 4."""
    (study,) = studies
    ratios = sorted(study.ratios)
    claimed = published(4) if view.metric == "acc" else {}
    pictures = []
    for backbone in study.backbones:
        by_ratio = {r: study.results(backbone, r, f"metrics.{view.metric}") for r in ratios}
        lines = []
        for method in by_ratio[ratios[0]].methods:
            points = [
                curves.Point(ratio, *mean_and_interval(results, method))
                for ratio, results in by_ratio.items()
                if complete(results, method)
            ]
            numbers = claimed.get(method.replace("_", "-"), {}) if view.published else {}
            marks = [
                curves.Published(ratio, cell.mean, cell.sd or float("nan"))
                for ratio in ratios
                if isinstance(cell := numbers.get(f"{ratio:.0%}"), Cell) and cell.mean is not None
            ]
            lines.append(efficiency.Curve(method, points, marks))
        pictures.append(
            Picture(
                "-".join(["efficiency", view.metric, *study.suffix(backbone)]),
                efficiency.draw(lines, ratios, METRICS[view.metric], note(study)),
                f"{METRICS[view.metric]} against the fraction of training images, {over(study)}, "
                f"{backbone}: mean and 95 % interval over seeds.",
                [{"method": line.method, **asdict(p)} for line in lines for p in line.measured],
            )
        )
    return pictures
