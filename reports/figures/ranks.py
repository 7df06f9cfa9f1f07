"""The critical-difference diagram of average ranks (Demšar, JMLR 2006)."""

import math
from collections.abc import Sequence
from dataclasses import asdict, replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from bench import metrics
from bench.base.errors import BenchError
from bench.looks import chosen_reference
from bench.metrics import Metric
from bench.stats.across import Means, Ranking, against, groups, rank
from bench.stats.paired import summarise
from bench.study import Study
from reports.figures import style
from reports.figures.figure import Figure, gaps, left_out, note, places, sample_size, under
from reports.results.results import Results, collect
from reports.results.tidy import Rows
from reports.results.view import View
from reports.results.wording import method_titles, stem
from reports.tables.table import titled

RANK, ROW, BAR = 0.3, 0.17, 0.09
"""Inches: the width of one rank, the height of a method's line, and of a bar."""
RULER = 0.34
"""Inches from the axis up to the critical difference."""
OVERHANG = 0.06
"""Ranks by which a bar is longer than from the first to the last of its methods."""


@style.styled
def draw(ranking: Ranking, note: str = "") -> MplFigure:
    """Methods on an axis of average ranks, the best on the left; a bar joins those of a group that
    Nemenyi's test does not tell apart."""
    names = sorted(ranking.ranks, key=ranking.ranks.__getitem__)
    half = math.ceil(len(names) / 2)
    sides = names[:half], names[half:][::-1]
    bars = _levels([(ranking.ranks[g[0]], ranking.ranks[g[-1]]) for g in groups(ranking)])
    top = BAR * (2 + max((level + 1 for level, _, _ in bars), default=0))
    depth = top + ROW * (half - 0.4)
    label = f"Average ranks of {len(names)} methods over {len(ranking.datasets)} datasets"
    figure = style.new(_width(ranking, *sides), depth + RULER + 0.45, label, note)
    figure.suptitle(_title(ranking), x=0.01, ha="left", fontsize=style.TEXT)
    axes = figure.subplots()
    _scale(axes, ranking, depth)
    for names, right in zip(sides, (False, True), strict=True):
        for row, name in enumerate(names):
            y = top + ROW * row
            x = axes.get_xlim()[right]
            place = ranking.ranks[name]
            axes.plot([place, place, x], [0, y, y], color="#000000", linewidth=0.6, clip_on=False)
            _beside(axes, x, y, _text(name, place, right), right)
    for level, low, high in bars:
        _bar(axes, low - OVERHANG, high + OVERHANG, BAR * (level + 1))
    return figure


def _title(ranking: Ranking) -> str:
    p = "p < 0.001" if ranking.p < 0.001 else f"p = {ranking.p:.3f}"
    return f"Average ranks over {len(ranking.datasets)} datasets, 1 is best; Friedman {p}"


def _width(ranking: Ranking, left: list[str], right: list[str]) -> float:
    """Room for the texts of both sides, for the axis between them, and for the title."""
    texts = (
        max(style.text_width(_text(name, 10, True)) for name in side) / 72 for side in (left, right)
    )
    needed = sum(texts) + RANK * (len(ranking.ranks) - 1) + 0.25
    title = style.text_width(_title(ranking)) / 72 + 0.1
    return min(style.PAGE, max(style.COLUMN, needed, title))


def _scale(axes: Axes, ranking: Ranking, depth: float) -> None:
    """Ranks from left to right, inches downwards from the axis; the critical difference above."""
    last = len(ranking.ranks)
    axes.set(xlim=(1, last), ylim=(depth, -RULER), yticks=[], xticks=range(1, last + 1))
    axes.xaxis.tick_top()
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.spines["top"].set_visible(True)
    axes.spines["top"].set_position(("data", 0))
    ends = [1, 1 + ranking.critical_difference]
    axes.plot(ends, [-RULER] * 2, color="#000000", marker="|", markersize=5, clip_on=False)
    _beside(axes, 1, -RULER, f"critical difference  {ranking.critical_difference:.2f}", False)


def _text(name: str, rank: float, right: bool) -> str:
    return f"{rank:.2f}  {name}" if right else f"{name}  {rank:.2f}"


def _beside(axes: Axes, x: float, y: float, text: str, right: bool) -> None:
    axes.annotate(
        text,
        (x, y),
        xytext=(3 if right else -3, 0),
        textcoords="offset points",
        ha="left" if right else "right",
        va="center",
        annotation_clip=False,
    )


def _bar(axes: Axes, low: float, high: float, y: float) -> None:
    axes.plot(
        [low, high],
        [y, y],
        color=style.COLOURS[0],
        linewidth=2.5,
        solid_capstyle="butt",
        clip_on=False,
    )


def _levels(bars: list[tuple[float, float]]) -> list[tuple[int, float, float]]:
    """Each bar (low, high) with the first level on which it touches no bar before it."""
    ends: list[float] = []
    placed = []
    for low, high in bars:
        level = next((i for i, end in enumerate(ends) if end + 3 * OVERHANG < low), len(ends))
        ends[level : level + 1] = [high]
        placed.append((level, low, high))
    return placed


def figures(studies: Sequence[Study], view: View) -> list[Figure]:
    """One for each backbone and ratio.

    Raises BenchError with the reason where there are too few datasets or methods.
    """
    (study,) = studies
    return [_figure(study, view, *place) for place in places(study)]


def _figure(study: Study, view: View, backbone: str, ratio: float) -> Figure:
    metric = metrics.get(view.metric)
    results = collect(study, backbone, ratio, f"metrics.{view.metric}", view.combine)
    means = _dataset_means(results)
    ranking = rank(_rising(means, metric))
    if isinstance(ranking, str):
        raise BenchError(ranking)
    reference = chosen_reference(results.methods, view.reference)
    tests = _tests(means, reference)
    lower = "" if metric.higher_is_better else " (the lowest is best)"
    return Figure(
        stem(study, "ranks", metric.name, backbone=backbone, ratio=ratio),
        draw(_titled(study, ranking), note(study, f"{sample_size(results)} on each dataset")),
        f"Average ranks by mean {metric.title}{lower}, {under(backbone, ratio)}, over "
        f"{len(ranking.datasets)} datasets ({', '.join(ranking.datasets)}), "
        f"{sample_size(results)} on each. Methods that a bar joins are not told apart (Nemenyi, "
        "5 %)."
        + (f" Its tests are Wilcoxon's against {reference}, with Holm." if tests else "")
        + _left_out(results, means, ranking),
        [{"method": method, "rank": value} for method, value in ranking.ranks.items()],
        tests,
    )


def _titled(study: Study, ranking: Ranking) -> Ranking:
    """With the methods' names for print."""
    titles = method_titles(study)
    ranks = {titled(method, titles): rank for method, rank in ranking.ranks.items()}
    return replace(ranking, ranks=ranks)


def _rising(means: Means, metric: Metric) -> Means:
    """The means, higher being better."""
    sign = 1 if metric.higher_is_better else -1
    return {method: {d: sign * mean for d, mean in row.items()} for method, row in means.items()}


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
