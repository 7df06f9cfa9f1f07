"""Numbers as rows: one a cell or a test; fractions, nothing rounded."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bench.base.words import spreadsheet
from bench.stats.paired import summarise
from reports.results.pairs import OVERALL, Family, Values
from reports.results.results import PHANTOM, Results

Rows = list[dict[str, Any]]


ORIGIN = ("dataset", "method", "backbone", "ratio", "metric")
"""The columns that say what a tidy row is about."""


def origin(results: Results, method: str, dataset: str) -> dict[str, Any]:
    """What a tidy row is about."""
    values = dataset, method, results.backbone, results.ratio, results.name
    about = dict(zip(ORIGIN, values, strict=True))
    return about | ({"data": PHANTOM} if results.phantom else {})


def tidy_rows(results: Results) -> Rows:
    """A row a method and dataset, and one a method for the mean over datasets."""
    several = len(results.datasets) > 1
    return [
        origin(results, method, dataset) | numbers(values, results.seeds)
        for method in results.methods
        for dataset, values in [
            *((dataset, results.values[method, dataset]) for dataset in results.datasets),
            *([(OVERALL, results.means(method))] if several else []),
        ]
    ]


def numbers(values: Values, seeds: Sequence[int]) -> dict[str, Any]:
    """Values by seed and their summary; None is what does not exist."""
    summary = summarise(values.values())
    several = summary.n > 1
    return {
        "n": summary.n,
        "seeds_asked": len(seeds),
        "mean": summary.mean if summary.n else None,
        "sd": summary.sd if several else None,
        "low": summary.low if several else None,
        "high": summary.high if several else None,
        "seeds": " ".join(map(str, sorted(values))),
        "values": " ".join(repr(values[seed]) for seed in sorted(values)),
    }


def comparison_rows(results: Results, reference: str, tests: Mapping[str, Family]) -> Rows:
    return [
        origin(results, method, dataset) | {"reference": reference} | asdict(comparison)
        for dataset, family in tests.items()
        for method, comparison in family.items()
    ]


def to_tidy_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Numbers, one row a cell or test; fractions, nothing rounded; an empty field is undefined."""
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _defined(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _defined(value: Any) -> Any:
    if isinstance(value, str):
        return spreadsheet(value)
    return None if isinstance(value, float) and math.isnan(value) else value
