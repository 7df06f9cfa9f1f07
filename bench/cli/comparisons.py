"""How comparisons look in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.tables.table import Row, Table

COLUMNS = (
    "method",
    "n",
    "difference",
    "these images",
    "p",
    "verdict",
)
OF_NEW_IMAGES = ("new images", "p, new", "verdict, new")
EXPLAINED = (
    "These images: would other seeds say the same? New: on other images, too? p is after "
    "Holm over the comparisons of its table; intervals are at the level of Holm's last step: they "
    "exclude 0 exactly where a difference is shown, unless it was decided at an earlier look."
)


def print_tests(rows: Iterable[Mapping[Any, Any]], answers: Iterable[str] = ()) -> None:
    """Paired differences for these and for new images, a table for each dataset; below them the
    answers in sentences.
    """
    from bench.engines.progress import console
    from reports.tables.terminal import Terminal

    out = console()
    tables = [_table(group, list(found)) for group, found in _grouped(rows).items()]
    for table in tables:
        out.print()
        out.print(Terminal(table))
    if tables:
        out.print(EXPLAINED, style="dim", highlight=False)
    for said in answers:
        out.print(said, highlight=False)


Group = tuple[str, ...]


def _grouped(rows: Iterable[Mapping[Any, Any]]) -> dict[Group, list[Mapping[Any, Any]]]:
    """By all that a table has in common."""
    found: dict[Group, list[Mapping[Any, Any]]] = {}
    for row in rows:
        ratio = "" if row["ratio"] == 1 else f"{row['ratio']:.0%}"
        group = row["dataset"], row["metric"], row["reference"], row["backbone"], ratio
        found.setdefault(group, []).append(row)
    return found


def _table(group: Group, rows: list[Mapping[Any, Any]]) -> Table:
    from reports.tables.table import Table

    dataset, metric, reference, *where = group
    title = ", ".join([dataset, _quantity(metric), *filter(None, where)])
    family = rows[0]["family"]
    counted = f"{family} comparison" + "s" * (family != 1)
    new = any(row["p_new"] == row["p_new"] for row in rows)
    columns = (*COLUMNS, *(OF_NEW_IMAGES if new else ()))
    lines = tuple(_row(row, len(columns) - 1) for row in rows)
    return Table(f"{title}: method minus {reference} ({counted})", columns, lines)


def _metric(quantity: str) -> str:
    """The name of the metric in `acc`, `val_acc` and `loss of acc`."""
    return quantity.removeprefix("val_").removeprefix("loss of ")


def _quantity(quantity: str) -> str:
    """As readers know it, with its unit: `ACC in points`, `validation ACC in points`."""
    from bench import metrics

    name = _metric(quantity)
    if (metric := metrics.METRICS.get(name)) is None:
        return quantity
    said = quantity.replace("val_", "validation ").replace(name, metric.title)
    return said + " in points" * (metric.scale == 100)


def _row(row: Mapping[Any, Any], cells: int) -> Row:
    """The first so many cells."""
    from bench import metrics
    from reports.tables.table import Row

    metric = metrics.METRICS.get(_metric(row["metric"]))
    scale, digits = (metric.scale, metric.decimals + 1) if metric else (1, 3)
    return Row(
        row["method"],
        (  # those of new images last
            str(row["n"]),
            f"{scale * row['difference']:z.{digits}f}",
            _interval(row, "low_family", "high_family", scale, digits),
            f"{row['p_holm']:.2g}",
            row["verdict"],
            _interval(row, "low_new", "high_new", scale, digits),
            "–" if row["p_new"] != row["p_new"] else f"{row['p_new_holm']:.2g}",
            row["verdict_new"] + ", the images limit it" * bool(row["images_limit"]),
        )[:cells],
    )


def _interval(row: Mapping[Any, Any], low: str, high: str, scale: float, digits: int) -> str:
    """`[-1.20, 0.30]`; a dash where there is none."""
    ends = (f"{scale * row[name]:z.{digits}f}" for name in (low, high))
    return "–" if row[low] != row[low] else f"[{', '.join(ends)}]"
