"""What AILS learns: how far its posterior is from its prior by epoch, a panel a dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bench.grid.notation import method_name, parts
from bench.study import Study
from reports.figures import style
from reports.figures.figure import (
    Figure,
    by_epoch,
    curves_of,
    left_out,
    note,
    places,
    runs_of,
    under,
)
from reports.figures.multiples import multiples
from reports.results.results import Results, collect
from reports.results.tidy import Rows
from reports.results.view import View
from reports.results.wording import stem

QUANTITIES = {
    "kl_dim": ("KL per dimension\n(nats)", 0.0),
    "post_var": ("variance over\nthat of p", 1.0),
}
"""Of a record's curves: the name on the axis, and the value at which posterior and prior agree."""


@dataclass(frozen=True)
class Posterior:
    """Of one dataset: each quantity by run and epoch (S, E)."""

    dataset: str
    values: Mapping[str, NDArray[np.float64]]


@style.styled
def draw(found: Sequence[Posterior], note: str = "") -> MplFigure:
    """Means over runs with bands from the least to the most."""
    label = f"How far the posterior of AILS is from its prior by epoch, on {len(found)} datasets"
    names = [f"{one.dataset} (n = {len(one.values['kl_dim'])})" for one in found]
    panels = multiples(names, label, note, blocks=2, height=1.1)
    for block, (quantity, (name, prior)) in enumerate(QUANTITIES.items()):
        for one, axes in zip(found, panels.axes[block], strict=True):
            runs = one.values[quantity]
            epochs = np.arange(1, runs.shape[1] + 1)
            axes.axhline(prior, color=style.GRAY, linewidth=0.8, linestyle="--")
            axes.fill_between(
                epochs, runs.min(0), runs.max(0), color=style.COLOURS[0], alpha=0.25, linewidth=0
            )
            axes.plot(epochs, runs.mean(0), color=style.COLOURS[0], marker="o", markersize=2)
            axes.grid(axis="y")
        for axes in panels.left(block):
            axes.set_ylabel(name)
    panels.axes[0, 0].xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    for axes in panels.last():
        axes.set_xlabel("epoch")
    style.add_legend(
        panels.figure,
        [
            Line2D([], [], color=style.COLOURS[0], label="mean over seeds"),
            Patch(color=style.COLOURS[0], alpha=0.25, linewidth=0, label="least to most"),
            Line2D([], [], color=style.GRAY, linestyle="--", label="at the prior"),
        ],
    )
    return panels.figure


def figures(studies: Sequence[Study], view: View) -> list[Figure]:
    """One for each setting of AILS, backbone and ratio; a combination of backbones has none."""
    (study,) = studies
    found = [
        _figure(study, results, method)
        for backbone, ratio in places(study)
        if len(parts(backbone)) == 1
        for results in [collect(study, backbone, ratio, "metrics.acc")]
        for method in results.methods
        if method_name(method) == "ails"
    ]
    return [figure for figure in found if figure]


def _figure(study: Study, results: Results, method: str) -> Figure | None:
    """Of the datasets where all seeds are done; None where there is none."""
    whole = [d for d in results.datasets if results.complete(method, d)]
    if not whole:
        return None
    found = [_read(study, results, method, dataset) for dataset in whole]
    backbone, ratio = results.backbone, results.ratio
    return Figure(
        stem(
            study,
            "posterior",
            *([] if method == "ails" else [method]),
            backbone=backbone,
            ratio=ratio,
        ),
        draw(found, note(study, f"{method}, {under(backbone, ratio)}")),
        f"Posterior q(δ | f) of {method} after each epoch, {under(backbone, ratio)}: its "
        "divergence from the prior p(δ), mean over dimensions, and its variance over that of p. "
        "Where they are 0 and 1 the head has learned nothing, and AILS adds noise of one size. "
        "Band: the least to the most over seeds."
        + left_out(
            "Left out, as seeds are missing", [d for d in results.datasets if d not in whole]
        ),
        [row for one in found for row in _rows(method, one)],
    )


def _read(study: Study, results: Results, method: str, dataset: str) -> Posterior:
    curves = curves_of(study, runs_of(study, results, dataset)[method].values())
    return Posterior(dataset, by_epoch(curves, QUANTITIES))


def _rows(method: str, one: Posterior) -> Rows:
    """One for each epoch and quantity."""
    return [
        {
            "method": method,
            "dataset": one.dataset,
            "epoch": epoch,
            "quantity": quantity,
            "mean": float(values.mean()),
            "least": float(values.min()),
            "most": float(values.max()),
            "n": len(values),
        }
        for quantity, runs in one.values.items()
        for epoch, values in enumerate(runs.T, start=1)
    ]
