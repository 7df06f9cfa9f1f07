"""A specification curve: the effect of every reading, and below it what the reading changes.

After Simonsohn, Simmons and Nelson (Nature Human Behaviour 2020).
"""

from itertools import groupby
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D

from bench import metrics
from bench.stats.paired import ALPHA
from bench.study import Study
from reports.figures import style
from reports.figures.figure import Figure, in_percent
from reports.results.specification import DEFAULT, Outcome, Specification, analyse, tally
from reports.tables import readings

CURVE, ROW, FRAME = 2.2, 0.125, 1.1
"""Inches: the height of the curve, of a row of the matrix below it, and of legend and note."""
COPY = "copy"
BLUE, RED = style.COLOURS[:2]
LOOKS: dict[str, dict[str, Any]] = {
    "one": {"color": BLUE, "marker": "o", "markersize": 3.4},
    "joint": {"color": BLUE, "marker": "o", "markersize": 3.4, "markerfacecolor": "#ffffff"},
    DEFAULT: {"color": RED, "marker": "D", "markersize": 4.6},
    COPY: {"color": style.GRAY, "marker": "x", "markersize": 3.4},
}
GUIDE: dict[str, Any] = {"color": RED, "linestyle": ":", "linewidth": 0.7, "zorder": 1}
NAMES = {
    DEFAULT: "default reading",
    "one": "one ambiguity read otherwise",
    "joint": "several, at random",
    COPY: "equal to another in every metric",
}
INTERVALS: dict[bool, dict[str, Any]] = {
    True: {"color": "#000000", "linewidth": 1.6},
    False: {"color": style.GRAY, "linewidth": 0.9},
}
"""Of effects that are significant, and that are not."""


CAPTION = "Every reading's difference to the baseline, and below it what the reading changes."


def figure(study: Study, asked: readings.Readings) -> Figure:
    """The figure that goes with the table of readings. BenchError where none has an effect yet."""
    found = analyse(study.measured, asked.method, asked.metric, asked.reference)
    built = readings.output(study, asked)
    return Figure(built.name, draw(found, readings.conclusion(found)), CAPTION, built.tests)


@style.styled
def draw(found: Specification, note: str = "") -> MplFigure:
    """Effects against the reference in points, rising, with 95 % intervals; a dot in the matrix is
    a reading that is taken, no dot in a band the default.

    A reading that equals another has no interval of its own; one with a run missing is left out.
    BenchError where none is complete.
    """
    numbers = tally(found)
    outcomes = found.compared
    taken = _declared(outcomes)
    title = metrics.get(found.metric).title
    label = (
        f"{len(outcomes)} readings of {found.method}, {numbers.outcomes} outcomes, by their "
        f"difference to {found.reference} in {title}, and what each of them changes"
    )
    height = CURVE + ROW * len(taken) + FRAME
    drawing = style.new(style.PAGE, height, label, _note(found, note))
    curve, matrix = drawing.subplots(
        2, 1, sharex=True, height_ratios=[CURVE, ROW * max(1, len(taken))]
    )
    _curve(curve, found, outcomes)
    _matrix(matrix, outcomes, taken)
    style.add_legend(drawing, _handles(outcomes))
    return drawing


def _note(found: Specification, note: str) -> str:
    gaps = len(found.outcomes) - len(found.compared)
    sentences = [
        f"{found.data[:1].upper()}{found.data[1:]}." if found.data else "",
        f"{found.where}; n = {len(found.seeds)} seeds.",
        "A dot: this reading is taken. No dot in a band: the default is.",
        f"Left out, as a run is missing: {gaps}." if gaps else "",
        note,
    ]
    return " ".join(filter(None, sentences))


def _declared(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    """Ambiguity and title of the readings that are taken, in the order of their declaration."""
    taken = [reading for outcome in outcomes for reading in outcome.readings]
    declared = outcomes[0].choice.method.readings
    return [(reading.ambiguity, reading.title) for reading in declared if reading in taken]


def _curve(axes: Axes, found: Specification, outcomes: list[Outcome]) -> None:
    metric = metrics.get(found.metric)
    axes.axhline(0, color="#000000", linewidth=0.6)
    for x, outcome in enumerate(outcomes):
        effect = outcome.to_reference
        assert effect
        if effect.has_interval and not outcome.equals:
            ends = [metric.scale * effect.low, metric.scale * effect.high]
            axes.plot([x, x], ends, zorder=2, **INTERVALS[effect.p_holm < ALPHA])
        axes.plot(x, metric.scale * effect.difference, zorder=3, **LOOKS[_kind(outcome)])
        if outcome.kind == DEFAULT:
            axes.axhline(metric.scale * effect.difference, **GUIDE)
            axes.axvline(x, **GUIDE)
    unit = " (points)" if in_percent(metric) else ""
    axes.set_ylabel(f"{metric.title}: reading − {found.reference}{unit}")
    axes.set_xlim(-1, len(outcomes))
    axes.grid(axis="y")


def _matrix(axes: Axes, outcomes: list[Outcome], taken: list[tuple[str, str]]) -> None:
    rows = {reading: row for row, reading in enumerate(taken)}
    bands = [list(band) for _, band in groupby(taken, key=lambda reading: reading[0])]
    for band in bands[::2]:
        first, last = rows[band[0]], rows[band[-1]]
        axes.axhspan(first - 0.5, last + 0.5, color=style.GRAY, alpha=0.15, linewidth=0)
    for x, outcome in enumerate(outcomes):
        if outcome.kind == DEFAULT:
            axes.axvline(x, **GUIDE)
        for reading in outcome.readings:
            row = rows[reading.ambiguity, reading.title]
            axes.plot(x, row, **LOOKS[_kind(outcome)] | {"markersize": 3})
    names = [f"{title}  {ambiguity}" for ambiguity, title in taken]
    axes.set_yticks(range(len(taken)), names)
    axes.set(ylim=(len(taken) - 0.5, -0.5), xticks=[])
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(False)


def _kind(outcome: Outcome) -> str:
    return COPY if outcome.equals else outcome.kind


def _handles(outcomes: list[Outcome]) -> list[Line2D]:
    kinds = {_kind(outcome) for outcome in outcomes}
    points = [
        Line2D([], [], linestyle="none", label=name, **LOOKS[kind])
        for kind, name in NAMES.items()
        if kind in kinds
    ]
    significant = f"95 % interval; black: Holm p < {ALPHA:g}"
    return [*points, Line2D([], [], label=significant, **INTERVALS[True])]
