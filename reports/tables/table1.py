"""Table 1: methods by datasets, paired against a reference method."""

from collections.abc import Sequence

from bench.base.words import slug
from bench.grid.notation import method_name
from bench.grid.selection import Selection
from bench.looks import chosen_reference
from bench.study import Study
from reports.results import oddities, pairs
from reports.results.answer import answer
from reports.results.oddities import NOTHING_ODD, Oddities
from reports.results.results import PHANTOM, Results, collect
from reports.results.tidy import comparison_rows, tidy_rows
from reports.results.view import View
from reports.results.wording import footnotes, stem
from reports.tables import cells
from reports.tables.output import Output
from reports.tables.published import NOTE, claimed, row_name
from reports.tables.table import MISSING, Cell, Row, Table, mean_cell


def select(selection: Selection) -> Selection:
    """The cells of this table: the protocol's own selection."""
    return selection


def outputs(study: Study, view: View) -> list[Output]:
    """A table for each backbone or combination and each ratio."""
    return [
        _output(study, view, backbone, ratio)
        for backbone in study.backbone_labels
        for ratio in study.measured.ratios
    ]


def _output(study: Study, view: View, backbone: str, ratio: float) -> Output:
    results = collect(study, backbone, ratio, view.quantity, view.combine)
    origin = footnotes(study, [backbone], results.whole)
    name = stem(study, "table1", view.slug, backbone=backbone, ratio=ratio)
    return build(results, view, oddities.of(study, [results]), origin, name)


def build(
    results: Results,
    view: View,
    odd: Oddities = NOTHING_ODD,
    origin: Sequence[str] = (),
    name: str = "table1",
) -> Output:
    """Table 1 of one backbone and ratio.

    A cell with a run missing is a dash, and so is the mean over it. Raises BenchError for a
    reference that is not among the methods.
    """
    reference = chosen_reference(results.methods, view.reference)
    tests = pairs.families(results, reference)
    form = results.metric.form
    columns = [cells.column(results, name, family, odd, **form) for name, family in tests.items()]
    lines = zip(*columns, strict=True)
    rows = [Row(method, line) for method, line in zip(results.methods, lines, strict=True)]
    if view.published:
        rows += _published(results)
    ratio = f", {results.ratio:.0%} of the training split" if results.ratio < 1 else ""
    title = f"{results.heading}, mean ± SD over {results.over_seeds}, "
    table = Table(
        title=f"{title}{results.backbone}{ratio}",
        columns=("method", *cells.columns(results)),
        rows=tuple(rows),
        answer=tuple(answer(tests, reference, results.rule)),
        notes=(
            cells.star_note(reference, tests, results),
            *cells.seeds_of_columns(results),
            *cells.gaps(results),
            *cells.undefined(results),
            *odd.sentences(),
            *([NOTE] if view.published else []),
        ),
        origin=tuple(origin),
        label=f"tab:1-{slug(view.slug)}",
        data=PHANTOM if results.phantom else "",
    )
    return Output(name, table, tidy_rows(results), comparison_rows(results, reference, tests))


def _published(results: Results) -> list[Row]:
    printed = claimed(1, results.name)
    rows = []
    for method in dict.fromkeys(method_name(label) for label in results.methods):
        numbers = printed.get(row_name(method), {})
        if not numbers.keys().isdisjoint(results.datasets):
            line = [numbers.get(dataset, MISSING) for dataset in results.datasets]
            known = [cell for cell in line if isinstance(cell, Cell)]
            rows.append(
                Row(
                    method,
                    (*line, *([mean_cell(known)] if len(line) > 1 else [])),
                    published=True,
                )
            )
    return rows
