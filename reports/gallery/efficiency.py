"""Data efficiency: a metric against the fraction of training images."""

from collections.abc import Sequence
from dataclasses import asdict

from bench.study import Study
from reports.figures import efficiency
from reports.figures.figure import Picture, gaps, left_out, note, sample_size
from reports.gallery import points
from reports.published.paper import published, row_name
from reports.results.results import collect
from reports.results.view import View
from reports.results.wording import stem
from reports.tables.table1 import METRICS


def pictures(studies: Sequence[Study], view: View) -> list[Picture]:
    """One for each backbone, from the study of Table 4."""
    (study,) = studies
    return [_picture(study, view, backbone) for backbone in study.selection.backbones]


def _picture(study: Study, view: View, backbone: str) -> Picture:
    ratios = sorted(study.measured.ratios)
    by_ratio = {
        ratio: collect(study, backbone, ratio, f"metrics.{view.metric}", view.combine)
        for ratio in ratios
    }
    anyone = by_ratio[ratios[0]]
    claimed = published(4) if view.published and view.metric == "acc" else {}
    lines = [
        efficiency.Curve(
            method,
            points.measured((ratio, results, method) for ratio, results in by_ratio.items()),
            points.printed({r: claimed.get(row_name(method), {}).get(f"{r:.0%}") for r in ratios}),
        )
        for method in anyone.methods
    ]
    lacking: dict[str, list[str]] = {}
    for ratio, results in by_ratio.items():
        for gap in gaps(results):
            lacking.setdefault(gap, []).append(f"{ratio:.0%}")
    return Picture(
        stem(study, "efficiency", view.metric, backbone=backbone),
        efficiency.draw(lines, ratios, METRICS[view.metric], note(study, sample_size(study))),
        f"{METRICS[view.metric]} against the fraction of training images, {anyone.over}, "
        f"{backbone}: mean and 95 % t interval over seeds, {sample_size(study)}. Methods "
        "stand side by side at each fraction."
        + left_out(
            "No point where seeds are missing",
            [f"{gap} at {', '.join(at)}" for gap, at in lacking.items()],
        ),
        [{"method": line.method, **asdict(p)} for line in lines for p in line.measured],
    )
