"""Table 2: does AILS help every backbone, and does it converge in fewer epochs?"""

from typing import Any

from bench.base.errors import BenchError
from bench.grid.notation import parts
from bench.grid.selection import Selection
from bench.study import Study
from reports.results import oddities, pairs
from reports.results.answer import answer
from reports.results.oddities import Oddities
from reports.results.results import PHANTOM, Results, collect, whole
from reports.results.tidy import Rows, comparison_rows, tidy_rows
from reports.results.view import View
from reports.results.wording import footnotes, stem
from reports.tables import cells
from reports.tables.output import Output
from reports.tables.published import NOTE, claimed
from reports.tables.table import Cell, Row, Table

BACKBONES = ("mobilenetv3", "resnest101", "densenet121", "efficientnet_b4", "swin_tiny")
SMALLEST = 32
"""Pixels that all five backbones can take; smaller sources are enlarged to it."""
FDI = ("fdi", "fdi_accepted", "fdi_rel")
EPOCHS: dict[str, Any] = {"scale": 1, "decimals": 1}
PLAIN: dict[str, Any] = {"scale": 1, "decimals": 2}


def select(selection: Selection) -> Selection:
    """The five backbones of the paper, with and without AILS."""
    size = selection.input_size or selection.source_size
    return selection.model_copy(
        update={
            "backbones": BACKBONES,
            "methods": ("none", "ails"),
            "input_size": max(size, SMALLEST),
        }
    )


def outputs(study: Study, view: View) -> list[Output]:
    """One table for each ratio. Raises BenchError where there are not two methods."""
    return [_output(study, view, ratio) for ratio in study.measured.ratios]


def _output(study: Study, view: View, ratio: float) -> Output:
    measured = {
        name: {
            backbone: collect(
                study, backbone, ratio, path, view.combine if name == "metric" else "mean"
            )
            for backbone in study.backbone_labels
        }
        for name, path in {
            "metric": view.quantity,
            "epochs": "epochs_to_convergence",
            **{name: f"validation.{name}" for name in FDI},
        }.items()
    }
    rows = _rows(study, measured)
    tidy = [row for group in measured.values() for r in group.values() for row in tidy_rows(r)]
    return Output(
        stem(study, "table2", view.slug, ratio=ratio),
        _table(study, view, rows, measured["metric"]),
        tidy,
        _tests(measured["metric"], measured["epochs"]),
    )


def _rows(study: Study, measured: dict[str, dict[str, Results]]) -> list[Row]:
    metric, fdi, epochs = measured["metric"], measured["fdi"], measured["epochs"]
    anyone = next(iter(metric.values()))
    baseline, method = _two(anyone)
    increase = _increase(metric, baseline, method)
    form = anyone.metric.form
    odd = _odd(study, metric)

    def mean(backbone: str, method: str) -> Cell:
        seeds = metric[backbone].means(method)
        mark = odd[backbone].mark(method, anyone.datasets, seeds)
        return cells.marked(cells.mean(metric[backbone], method, **form), mark)

    return [
        Row(
            backbone,
            (
                mean(backbone, baseline),
                mean(backbone, method),
                cells.cell(
                    pairs.differences(
                        metric[backbone].means(method), metric[backbone].means(baseline)
                    ),
                    anyone.seeds,
                    increase.get(backbone),
                    **form,
                ),
                cells.mean(fdi[backbone], method, **PLAIN),
                cells.mean(epochs[backbone], baseline, **EPOCHS),
                cells.mean(epochs[backbone], method, **EPOCHS),
            ),
        )
        for backbone in study.backbone_labels
    ]


def _table(study: Study, view: View, rows: list[Row], metric: dict[str, Results]) -> Table:
    anyone = next(iter(metric.values()))
    baseline, method = _two(anyone)
    increase = _increase(metric, baseline, method)
    notes = (
        f"Increase: {method} minus {baseline}, paired by seed. "
        + cells.star_note("0", {"increase": increase}, anyone, bold=False),
        "FDI: mean distance of augmented from original features over an epoch, 0 for those that "
        "the filter rejects, not normalised; other definitions are in the tidy CSV. Epochs: until "
        "95 % of the highest validation ACC.",
        *cells.numbers_of_seeds(
            {name: map(results.means, results.methods) for name, results in metric.items()},
            anyone.seeds,
        ),
        *(gap for name, results in metric.items() for gap in cells.gaps(results, f"{name}: ")),
        *cells.undefined(anyone),
        *oddities.explained(_odd(study, metric)),
        *([NOTE] if view.published else []),
    )
    return Table(
        title=f"{anyone.heading} of {baseline} and {method}, {len(rows)} backbones, {anyone.over}",
        columns=(
            "backbone",
            baseline,
            f"+{method}",
            "increase",
            "FDI",
            f"epochs {baseline}",
            f"epochs {method}",
        ),
        rows=(*rows, *(_published(study, view) if view.published else [])),
        answer=tuple(answer({"the backbones": increase}, baseline, anyone.rule)),
        notes=notes,
        origin=tuple(footnotes(study, study.backbone_labels, whole(metric.values()))),
        label="tab:2",
        data=PHANTOM if anyone.phantom else "",
    )


def _odd(study: Study, metric: dict[str, Results]) -> dict[str, Oddities]:
    """By backbone."""
    return {backbone: oddities.of(study, [results]) for backbone, results in metric.items()}


def _two(results: Results) -> tuple[str, str]:
    if len(results.methods) != 2:
        raise BenchError(
            f"table 2 compares two methods, not {len(results.methods)}; "
            "name the baseline and one other: --methods none,ails"
        )
    baseline, method = results.methods
    return baseline, method


def _increase(group: dict[str, Results], baseline: str, method: str) -> pairs.Family:
    """By backbone, of the mean over datasets."""
    return pairs.against_zero(
        {
            backbone: (results.means(method), results.means(baseline))
            for backbone, results in group.items()
        },
        next(iter(group.values())).seeds,
        next(iter(group.values())).rule,
        lambda backbone, seeds: pairs.over_images(
            group[backbone], baseline, group[backbone].datasets
        )(method, seeds),
    )


def _tests(*groups: dict[str, Results]) -> Rows:
    """Of the metric and of epochs to convergence: method against baseline on each backbone."""
    rows: Rows = []
    for group in groups:
        baseline, method = _two(next(iter(group.values())))
        for backbone, test in _increase(group, baseline, method).items():
            family = {pairs.OVERALL: {method: test}}
            rows += comparison_rows(group[backbone], baseline, family)
    return rows


def _published(study: Study, view: View) -> list[Row]:
    printed = claimed(2, view.slug)
    order = ("baseline_acc", "ails_acc", "increase", "fdi", "epochs_baseline", "epochs_ails")
    return [
        Row(name, tuple(printed[name][column] for column in order), published=True)
        for name in dict.fromkeys(part for b in study.backbone_labels for part in parts(b))
        if name in printed
    ]
