"""Small multiples: a panel for each method, in rows that are as even as can be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from reports.figures import style

CONTEXT: dict[str, Any] = {"color": style.GRAY, "alpha": 0.45, "linewidth": 0.6, "zorder": 1}
"""The look of the other methods, behind the one of the panel."""


@dataclass(frozen=True)
class Multiples:
    """A figure and its axes (block, method); the panels of a block share their axes.

    Where there are several blocks, those of a method stand below one another.
    """

    figure: MplFigure
    axes: NDArray[Any]
    columns: int

    def left(self, block: int = 0) -> list[Axes]:
        """The panels of a block with nothing left of them."""
        return list(self.axes[block, :: self.columns])

    def last(self) -> list[Axes]:
        """The panels of the last row, which the label of the horizontal axis is for."""
        rows = -(-self.axes.shape[1] // self.columns)
        return list(self.axes[-1, (rows - 1) * self.columns :])


def multiples(
    names: Sequence[str],
    label: str,
    note: str = "",
    blocks: int = 1,
    most: int = 5,
    height: float = 1.25,
) -> Multiples:
    """Panels with these titles, at most so many side by side, each so many inches high."""
    rows = -(-len(names) // most)
    columns = -(-len(names) // rows)
    width = min(style.PAGE, max(style.COLUMN, style.PAGE * columns / most + 0.3))
    figure = style.new(width, height * rows * blocks + 0.7, label, note)
    grid = figure.subplots(rows * blocks, columns, squeeze=False, sharex=True)
    ordered = grid.reshape(rows, blocks, columns).swapaxes(0, 1).reshape(blocks, -1)
    for axes in ordered[:, len(names) :].flat:
        axes.remove()
    found = Multiples(figure, ordered[:, : len(names)], columns)
    for name, axes in zip(names, found.axes[0], strict=True):
        axes.set_title(style.wrap(name, (width - 0.5) / columns - 0.1))
    for block in range(blocks):
        found.axes[block, 0].locator_params(axis="y", nbins=4, steps=[1, 2, 5, 10])
        for axes in found.axes[block, 1:]:
            axes.sharey(found.axes[block, 0])
            axes.tick_params(labelleft=axes in found.left(block))
    for axes in found.axes[-1, -columns:]:  # nothing is below them
        axes.tick_params(labelbottom=True)
    return found


def behind(axes: Axes, x: Sequence[float], others: Iterable[Sequence[float]]) -> None:
    """The other methods' values at `x`."""
    for values in others:
        axes.plot(x, values, **CONTEXT)


def context(methods: int) -> list[Line2D]:
    """The entry of a legend for the other methods, where there are others."""
    return [Line2D([], [], label="the other methods", **CONTEXT)] if methods > 1 else []
