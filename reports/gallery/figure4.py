"""Figure 4: AILS over α and over β."""

from collections.abc import Sequence
from dataclasses import asdict

from reports import table5, table6
from reports.figures import curves, sweep
from reports.gallery.picture import Picture, complete, mean_and_interval, note, over
from reports.paper import published
from reports.study import Study, View
from reports.sweep import Sweep
from reports.table import Cell

SELECT = (table5.select, table6.select)


def pictures(studies: Sequence[Study], view: View) -> list[Picture]:
    """One for each backbone, from the studies of Tables 5 and 6."""
    pictures = []
    for backbone in studies[0].backbones:
        panels, rows = [], []
        for study, table in zip(studies, (table5.SWEEP, table6.SWEEP), strict=True):
            panel = _panel(study, table, backbone)
            panels.append(panel)
            rows += [
                {"parameter": table.parameter, "metric": curve.metric, **asdict(point)}
                for curve in panel.curves
                for point in curve.measured
            ]
        pictures.append(
            Picture(
                "-".join(["figure4", *studies[0].suffix(backbone)]),
                sweep.draw(panels, note(studies[0])),
                f"AILS over α and β, {over(studies[0])}, {backbone}: mean and 95 % interval over "
                "seeds; hollow: as published, mean ± SD, another protocol.",
                rows,
            )
        )
    return pictures


def _panel(study: Study, table: Sweep, backbone: str) -> sweep.Panel:
    ratio = study.ratios[0]
    labels = table.by_label(study)
    claimed = published(table.number)
    drawn = []
    for column in table.columns:
        if not column.is_metric:
            continue
        results = study.results(backbone, ratio, column.quantity)
        points = [
            curves.Point(value, *mean_and_interval(results, label))
            for label, value in labels.items()
            if complete(results, label)
        ]
        marks = [
            curves.Published(float(value), cell.mean, cell.sd or float("nan"))
            for value, numbers in claimed.items()
            if isinstance(cell := numbers[column.published], Cell) and cell.mean is not None
        ]
        drawn.append(sweep.Curve(column.header, points, marks))
    return sweep.Panel(table.symbol, list(labels.values()), drawn)
