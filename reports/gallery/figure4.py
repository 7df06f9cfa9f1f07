"""Figure 4: AILS over α and over β."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from bench.study import Study
from reports.figures import sweep
from reports.figures.figure import Picture, gaps, left_out, note, sample_size, under
from reports.gallery import points
from reports.published.paper import published
from reports.results.results import Results, collect
from reports.results.view import View
from reports.results.wording import stem
from reports.tables.sweep import ALPHA, BETA, Column, Sweep


def pictures(studies: Sequence[Study], view: View) -> list[Picture]:
    """One for each backbone and ratio, from the studies of Tables 5 and 6."""
    return [
        _picture(studies, view, backbone, ratio)
        for backbone in studies[0].selection.backbones
        for ratio in studies[0].measured.ratios
    ]


def _picture(studies: Sequence[Study], view: View, backbone: str, ratio: float) -> Picture:
    tables = (ALPHA, BETA)
    measured = [
        {
            column: collect(study, backbone, ratio, column.quantity, view.combine)
            for column in table.columns
            if column.is_metric
        }
        for study, table in zip(studies, tables, strict=True)
    ]
    panels = [
        _panel(table, table.by_label(study), results)
        for study, table, results in zip(studies, tables, measured, strict=True)
    ]
    anyone = next(iter(measured[0].values()))
    lacking = dict.fromkeys(
        gap for found in measured for one in found.values() for gap in gaps(one)
    )
    main = studies[0]
    return Picture(
        stem(main, "figure4", backbone=backbone, ratio=ratio),
        sweep.draw(panels, note(main, sample_size(main))),
        f"AILS over α and β, {anyone.over}, {under(backbone, ratio)}: mean and 95 % t interval "
        f"over seeds, {sample_size(main)}; hollow: as published, mean ± SD, another protocol."
        + left_out("No point where seeds are missing", list(lacking)),
        [
            {"parameter": table.parameter, "metric": curve.metric, **asdict(point)}
            for table, panel in zip(tables, panels, strict=True)
            for curve in panel.curves
            for point in curve.measured
        ],
    )


def _panel(
    table: Sweep, labels: Mapping[str, float], measured: Mapping[Column, Results]
) -> sweep.Panel:
    claimed = published(table.number)
    drawn = [
        sweep.Curve(
            column.header,
            points.measured((value, results, label) for label, value in labels.items()),
            points.printed({float(v): row[column.published] for v, row in claimed.items()}),
        )
        for column, results in measured.items()
    ]
    return sweep.Panel(table.symbol, list(labels.values()), drawn)
