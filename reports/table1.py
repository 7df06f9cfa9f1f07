"""Table 1: methods by datasets, paired against a reference method."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.errors import BenchError, unknown
from bench.store import write_text
from reports.paper import published
from reports.results import PHANTOM, Results
from reports.stats import ALPHA, Comparison, compare_all, summarise
from reports.table import MISSING, Cell, Row, Table, mean_cell, to_csv, to_latex, to_markdown

METRICS = {"acc": "ACC", "auc": "AUC"}


@dataclass(frozen=True)
class Table1:
    """The table as printed, its numbers one row a cell, and its paired tests."""

    table: Table
    cells: list[dict[str, Any]]
    tests: list[dict[str, Any]]


def build(
    results: Results,
    metric: str,
    reference: str | None = None,
    notes: Sequence[str] = (),
    with_published: bool = False,
) -> Table1:
    """Table 1 of one backbone and ratio; `reference` defaults to AILS, else to the first method.

    A cell with a run missing is a dash, and so is the mean over it. Raises BenchError for a
    reference that is not among the methods.
    """
    reference = _reference(results, reference)
    tests = {
        dataset: compare_all(
            {method: results.values[method, dataset] for method in results.methods}, reference
        )
        for dataset in results.datasets
    }
    cells = _embolden([_cells(results, method, tests) for method in results.methods])
    rows = [Row(m, tuple(row)) for m, row in zip(results.methods, cells, strict=True)]
    if with_published:
        rows += _published(results, metric)
    several = len(results.datasets) > 1
    ratio = f", {results.ratio:.0%} of the training split" if results.ratio < 1 else ""
    title = f"{METRICS[metric]} (%), mean ± SD over {len(results.seeds)} seeds, "
    table = Table(
        title=f"{title}{results.backbone}{ratio}",
        columns=("method", *results.datasets, *(["mean"] if several else [])),
        rows=tuple(rows),
        notes=(_test_note(results, reference, tests), *_gaps(results), *notes),
        label=f"tab:1-{metric}",
        data=PHANTOM if results.phantom else "",
    )
    return Table1(table, _tidy(results, metric), _tests(results, metric, reference, tests))


def write(built: Table1, folder: Path, name: Sequence[str]) -> list[Path]:
    """Write the table in every format; the name's parts are joined by hyphens."""
    stem = "-".join(name)
    contents = {
        f"{stem}.csv": to_csv(built.table),
        f"{stem}-tidy.csv": to_tidy_csv(built.cells),
        f"{stem}-tests.csv": to_tidy_csv(built.tests),
        f"{stem}.tex": to_latex(built.table),
        f"{stem}.md": to_markdown(built.table),
    }
    return [write_text(folder / name, text) for name, text in contents.items()]


def to_tidy_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Numbers, one row a cell or test; fractions, nothing rounded; an empty field is undefined."""
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return out.getvalue()


def _reference(results: Results, reference: str | None) -> str:
    if reference is None:
        ours = [m for m in results.methods if m.partition("[")[0] == "ails"]
        return (ours or list(results.methods))[0]
    if reference not in results.methods:
        raise unknown("reference method", reference, results.methods)
    return reference


def _cells(results: Results, method: str, tests: dict[str, dict[str, Comparison]]) -> list[Cell]:
    cells: list[Cell] = []
    for dataset in results.datasets:
        if not results.complete(method, dataset):
            cells.append(MISSING)
            continue
        summary = summarise(results.values[method, dataset].values())
        test = tests[dataset].get(method)
        mark = "*" if test and test.p_holm < ALPHA else ""
        cells.append(Cell(summary.mean, summary.sd, mark=mark))
    if len(cells) == 1:
        return cells
    means = seed_means(results, method)
    return [*cells, mean_cell(cells, summarise(means.values()).sd)]


def seed_means(results: Results, method: str) -> dict[int, float]:
    """The mean over all datasets at each seed that has them all."""
    columns = [results.values[method, dataset] for dataset in results.datasets]
    shared = set.intersection(*(set(column) for column in columns))
    return {seed: fmean(column[seed] for column in columns) for seed in sorted(shared)}


def _embolden(rows: list[list[Cell]]) -> list[list[Cell]]:
    columns = zip(*rows, strict=True)
    best = [max((c.mean for c in column if c.mean is not None), default=None) for column in columns]
    return [
        [
            replace(c, best=c.mean is not None and c.mean == top)
            for c, top in zip(row, best, strict=True)
        ]
        for row in rows
    ]


def _published(results: Results, metric: str) -> list[Row]:
    if metric != "acc":
        raise BenchError("the paper's Table 1 prints ACC only; leave --published or --metric out")
    claimed = published(1)
    rows = []
    for method in dict.fromkeys(label.partition("[")[0] for label in results.methods):
        if method in claimed:
            cells = [claimed[method].get(dataset, MISSING) for dataset in results.datasets]
            numbers = [cell for cell in cells if isinstance(cell, Cell)]
            mean = [mean_cell(numbers)] if len(cells) > 1 else []
            rows.append(Row(method, (*cells, *mean), published=True))
    return rows


def _test_note(results: Results, reference: str, tests: dict[str, dict[str, Comparison]]) -> str:
    if not any(tests.values()):
        return "No paired test: fewer than two methods with two seeds in common."
    compared = len(results.methods) - 1
    family = f"Holm over the {compared} comparisons of a dataset" if compared > 1 else "two-sided"
    return f"* differs from {reference}: paired t-test over seeds, {family}, p < {ALPHA:g}."


def _gaps(results: Results) -> list[str]:
    gaps = [
        f"{method} on {dataset} {len(results.values[method, dataset])} of {len(results.seeds)}"
        for method in results.methods
        for dataset in results.datasets
        if not results.complete(method, dataset)
    ]
    return [f"Runs with a value where a dash stands: {', '.join(gaps)}."] if gaps else []


def _origin(results: Results, metric: str, method: str, dataset: str) -> dict[str, Any]:
    origin = {
        "dataset": dataset,
        "method": method,
        "backbone": results.backbone,
        "ratio": results.ratio,
        "metric": metric,
    }
    return origin | ({"data": PHANTOM} if dataset.startswith("phantom-") else {})


def _tidy(results: Results, metric: str) -> list[dict[str, Any]]:
    rows = []
    for method in results.methods:
        for dataset in results.datasets:
            values = results.values[method, dataset]
            summary = summarise(values.values())
            rows.append(
                _origin(results, metric, method, dataset)
                | {
                    "n": summary.n,
                    "seeds_asked": len(results.seeds),
                    "mean": summary.mean if summary.n else None,
                    "sd": summary.sd if summary.n > 1 else None,
                    "seeds": " ".join(map(str, sorted(values))),
                    "values": " ".join(repr(values[seed]) for seed in sorted(values)),
                }
            )
    return rows


def _tests(
    results: Results, metric: str, reference: str, tests: dict[str, dict[str, Comparison]]
) -> list[dict[str, Any]]:
    return [
        _origin(results, metric, method, dataset) | {"reference": reference} | asdict(comparison)
        for dataset, family in tests.items()
        for method, comparison in family.items()
    ]
