"""Table 4: how much does a method lose when training images are few?"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bench.grid.notation import method_name
from bench.grid.selection import Selection
from bench.looks import chosen_reference
from bench.stats.verdict import LOWER_IS_BETTER
from bench.study import Study
from reports.results import oddities, pairs
from reports.results.answer import answer
from reports.results.results import PHANTOM, Results, collect, complete, so_many_seeds, whole
from reports.results.tidy import Rows, comparison_rows, numbers, origin, tidy_rows
from reports.results.view import View
from reports.results.wording import footnotes, stem
from reports.tables import cells
from reports.tables.output import Output
from reports.tables.published import NOTE, claimed, row_name
from reports.tables.table import MISSING, Cell, Row, Table

RATIOS = (0.2, 0.3, 0.5, 1.0)


def select(selection: Selection) -> Selection:
    """The protocol's methods on 20, 30 and 50 % of the training split, and on all of it."""
    return selection.model_copy(update={"ratios": RATIOS})


def outputs(study: Study, view: View) -> list[Output]:
    """For each backbone the table, and the loss against full data where that is a ratio."""
    tables = []
    for backbone in study.backbone_labels:
        by_ratio = {
            ratio: collect(study, backbone, ratio, view.quantity, view.combine)
            for ratio in sorted(study.measured.ratios)
        }
        name = stem(study, "table4", view.slug, backbone=backbone)
        tables.append(_table(study, view, backbone, by_ratio, name))
        if 1.0 in by_ratio and len(by_ratio) > 1:
            tables.append(_loss(study, view, backbone, by_ratio, f"{name}-loss"))
    return tables


def _table(
    study: Study, view: View, backbone: str, by_ratio: dict[float, Results], name: str
) -> Output:
    anyone = next(iter(by_ratio.values()))
    reference = chosen_reference(anyone.methods, view.reference)
    tests = {ratio: pairs.families(results, reference) for ratio, results in by_ratio.items()}
    overall = {ratio: pairs.overall(found) for ratio, found in tests.items()}
    odd = {f"{ratio:.0%}": oddities.of(study, [found]) for ratio, found in by_ratio.items()}
    means = {
        f"{ratio:.0%}": [results.means(method) for method in results.methods]
        for ratio, results in by_ratio.items()
    }
    columns = [
        cells.column(
            results,
            cells.over_all(results),
            overall[ratio],
            odd[f"{ratio:.0%}"],
            **anyone.metric.form,
        )
        for ratio, results in by_ratio.items()
    ]
    lines = zip(*columns, strict=True)
    rows = [Row(m, line) for m, line in zip(anyone.methods, lines, strict=True)]
    if view.published:
        rows += _published(view, anyone.methods, list(by_ratio))
    table = Table(
        title=f"{anyone.heading} with fewer training images, {_mean_over(anyone, means)}; "
        f"{backbone}",
        columns=("method", *(f"{ratio:.0%}" for ratio in by_ratio)),
        rows=tuple(rows),
        answer=tuple(
            answer({f"{r:.0%}": family for r, family in overall.items()}, reference, anyone.rule)
        ),
        notes=(
            "Subsets are nested and the same for all methods at a seed. "
            + cells.star_note(
                reference, {f"{r:.0%}": family for r, family in overall.items()}, anyone
            ),
            *cells.numbers_of_seeds(means, anyone.seeds),
            *(
                gap
                for ratio, results in by_ratio.items()
                for gap in cells.gaps(results, f"{ratio:.0%}: ")
            ),
            *cells.undefined(anyone),
            *oddities.explained(odd),
            *([NOTE] if view.published else []),
        ),
        origin=tuple(footnotes(study, [backbone], whole(by_ratio.values()))),
        label="tab:4",
        data=PHANTOM if anyone.phantom else "",
    )
    tidy = [row for results in by_ratio.values() for row in tidy_rows(results)]
    rows_of_tests = [
        row
        for ratio, results in by_ratio.items()
        for row in comparison_rows(results, reference, tests[ratio])
    ]
    return Output(name, table, tidy, rows_of_tests)


def _loss(
    study: Study, view: View, backbone: str, by_ratio: dict[float, Results], name: str
) -> Output:
    full = by_ratio[1.0]
    reference = chosen_reference(full.methods, view.reference)
    rows: dict[str, list[Cell]] = {method: [] for method in full.methods}
    tidy: Rows = []
    tests: Rows = []
    families: dict[str, pairs.Family] = {}
    rule = replace(full.rule, words=LOWER_IS_BETTER)
    odd = {f"{ratio:.0%}": oddities.of(study, [found]) for ratio, found in by_ratio.items()}
    losses: dict[str, list[pairs.Values]] = {}
    for ratio, results in by_ratio.items():
        if ratio == 1.0:
            continue
        compared = {method: _by_worth(full, results, method) for method in full.methods}
        loss = {method: pairs.differences(*columns) for method, columns in compared.items()}
        from_zero = pairs.against_zero(compared, full.seeds, rule)
        from_reference = pairs.against(loss, reference, full.seeds, rule)
        families[f"{ratio:.0%}"] = from_reference
        losses[f"{ratio:.0%}"] = [*loss.values()]
        for method, values in loss.items():
            cell = cells.cell(values, full.seeds, from_reference.get(method), **full.metric.form)
            marks = (odd[f"{r:.0%}"].mark(method, full.datasets, values) for r in (ratio, 1.0))
            rows[method].append(cells.marked(cell, max(marks)))
            about = origin(results, method, pairs.OVERALL) | {"metric": f"loss of {full.name}"}
            tidy.append(about | numbers(values, full.seeds))
        for against, family in (("full data", from_zero), (f"loss of {reference}", from_reference)):
            for row in comparison_rows(results, against, {pairs.OVERALL: family}):
                tests.append(row | {"metric": f"loss of {full.name}"})
    points = "Points of " if full.metric.scale == 100 else ""
    table = Table(
        title=f"{points}{full.metric.title} lost against full data, {_mean_over(full, losses)}; "
        f"{backbone}",
        columns=("method", *(f"{ratio:.0%}" for ratio in by_ratio if ratio != 1.0)),
        rows=tuple(Row(method, tuple(line)) for method, line in rows.items()),
        answer=tuple(answer(families, f"the loss of {reference}", rule)),
        notes=(
            "Full data minus subset, paired by seed. "
            + cells.star_note(f"the loss of {reference}", families, full, bold=False),
            "Whether a loss differs from 0 is in the tests CSV (reference: full data).",
            *cells.numbers_of_seeds(losses, full.seeds),
            *oddities.explained(odd),
        ),
        origin=tuple(footnotes(study, [backbone], whole(by_ratio.values()))),
        label="tab:4-loss",
        data=PHANTOM if full.phantom else "",
    )
    return Output(name, table, tidy, tests)


def _by_worth(full: Results, subset: Results, method: str) -> tuple[pairs.Values, pairs.Values]:
    """The columns of full data and of a subset; where lower is better, the other way round."""
    columns = full.means(method), subset.means(method)
    return columns if full.metric.higher_is_better else columns[::-1]


def _mean_over(results: Results, columns: Mapping[str, Iterable[pairs.Values]]) -> str:
    each = [values for column in columns.values() for values in column]
    counts = {len(values) for values in each if complete(values, results.seeds)}
    return f"mean ± SD over {so_many_seeds(counts or {len(results.seeds)})}, {results.over}"


def _published(view: View, methods: tuple[str, ...], ratios: list[float]) -> list[Row]:
    printed = claimed(4, view.slug)
    return [
        Row(
            method,
            tuple(numbers.get(f"{ratio:.0%}", MISSING) for ratio in ratios),
            published=True,
        )
        for method in dict.fromkeys(method_name(label) for label in methods)
        if (numbers := printed.get(row_name(method)))
    ]
