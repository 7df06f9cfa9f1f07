"""A specification curve: the effect of every reading, and below it what the reading changes.

After Simonsohn, Simmons and Nelson (Nature Human Behaviour 2020).
"""

from itertools import groupby
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.stats.paired import ALPHA
from reports.figures import style
from reports.results.specification import DEFAULT, Outcome, Specification, tally

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


@style.styled
def draw(found: Specification, note: str = "") -> Figure:
    """Effects against the reference in points, rising, with 95 % intervals; a dot in the matrix is
    a reading that is taken, no dot in a band the default.

    A reading that equals another has no interval of its own; one with a run missing is left out.
    BenchError where none is complete.
    """
    numbers = tally(found)
    outcomes = found.compared
    readings = _declared(outcomes)
    label = (
        f"{len(outcomes)} readings of {found.method}, {numbers.outcomes} outcomes, by their "
        f"difference to {found.reference} in {found.metric.upper()}, and what each of them changes"
    )
    height = CURVE + ROW * len(readings) + FRAME
    figure = style.new(style.PAGE, height, label, _note(found, note))
    curve, matrix = figure.subplots(
        2, 1, sharex=True, height_ratios=[CURVE, ROW * max(1, len(readings))]
    )
    _curve(curve, found, outcomes)
    _matrix(matrix, outcomes, readings)
    style.add_legend(figure, _handles(outcomes))
    return figure


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
    axes.axhline(0, color="#000000", linewidth=0.6)
    for x, outcome in enumerate(outcomes):
        effect = outcome.to_reference
        assert effect
        if effect.has_interval and not outcome.equals:
            ends = [100 * effect.low, 100 * effect.high]
            axes.plot([x, x], ends, zorder=2, **INTERVALS[effect.p_holm < ALPHA])
        axes.plot(x, 100 * effect.difference, zorder=3, **LOOKS[_kind(outcome)])
        if outcome.kind == DEFAULT:
            axes.axhline(100 * effect.difference, **GUIDE)
            axes.axvline(x, **GUIDE)
    axes.set_ylabel(f"{found.metric.upper()}: reading − {found.reference} (points)")
    axes.set_xlim(-1, len(outcomes))
    axes.grid(axis="y")


def _matrix(axes: Axes, outcomes: list[Outcome], readings: list[tuple[str, str]]) -> None:
    rows = {reading: row for row, reading in enumerate(readings)}
    bands = [list(band) for _, band in groupby(readings, key=lambda reading: reading[0])]
    for band in bands[::2]:
        first, last = rows[band[0]], rows[band[-1]]
        axes.axhspan(first - 0.5, last + 0.5, color=style.GRAY, alpha=0.15, linewidth=0)
    for x, outcome in enumerate(outcomes):
        if outcome.kind == DEFAULT:
            axes.axvline(x, **GUIDE)
        for reading in outcome.readings:
            row = rows[reading.ambiguity, reading.title]
            axes.plot(x, row, **LOOKS[_kind(outcome)] | {"markersize": 3})
    names = [f"{title}  {ambiguity}" for ambiguity, title in readings]
    axes.set_yticks(range(len(readings)), names)
    axes.set(ylim=(len(readings) - 0.5, -0.5), xticks=[])
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
