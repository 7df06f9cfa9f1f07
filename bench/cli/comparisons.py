"""How comparisons look in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def print_tests(rows: Iterable[Mapping[Any, Any]], answers: Iterable[str] = ()) -> None:
    """Paired differences for these and for new images: interval, p after Holm, verdict; below
    them the answers in sentences.
    """
    from rich.table import Table

    from bench import metrics
    from bench.engines.progress import console

    view = Table(box=None, pad_edge=False)
    words = ("dataset", "comparison", "metric")
    numbers = (
        "n",
        "of",
        "difference",
        "these images",
        "p",
        "verdict",
        "new images",
        "p",
        "verdict",
    )
    for column in (*words, *numbers):
        left = column in (*words, "verdict")
        view.add_column(column, justify="left" if left else "right")
    for row in rows:
        name = row["metric"].removeprefix("val_").removeprefix("loss of ")
        metric = metrics.METRICS.get(name)
        scale, digits = (metric.scale, metric.decimals + 1) if metric else (1, 3)
        view.add_row(
            row["dataset"],
            f"{row['method']} − {row['reference']}",
            row["metric"],
            str(row["n"]),
            str(row["family"]),
            f"{scale * row['difference']:z.{digits}f}",
            _interval(row, "low_family", "high_family", scale, digits),
            f"{row['p_holm']:.2g}",
            row["verdict"],
            _interval(row, "low_new", "high_new", scale, digits),
            "–" if row["p_new"] != row["p_new"] else f"{row['p_new_holm']:.2g}",
            row["verdict_new"] + ", the images limit it" * bool(row["images_limit"]),
        )
    console().print(view)
    console().print(
        "of: comparisons of the family; p: after Holm over them. Intervals are at the level of its "
        "last step: they exclude 0 exactly where a difference is shown.",
        style="dim",
    )
    for said in answers:
        console().print(said, highlight=False)


def _interval(row: Mapping[Any, Any], low: str, high: str, scale: float, digits: int) -> str:
    """`-1.20 to 0.30`; a dash where there is none."""
    ends = (f"{scale * row[name]:z.{digits}f}" for name in (low, high))
    return "–" if row[low] != row[low] else " to ".join(ends)
