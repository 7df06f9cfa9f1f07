"""Tables 5 and 6: AILS over α and over β, all else equal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench import metrics
from bench.base.errors import BenchError
from bench.grid.selection import Selection
from bench.looks import chosen_reference
from bench.stats.paired import summarise
from bench.study import Study
from reports.results import oddities, pairs
from reports.results.answer import answer
from reports.results.oddities import Oddities
from reports.results.results import PHANTOM, Results, collect
from reports.results.tidy import Rows, comparison_rows, tidy_rows
from reports.results.view import View
from reports.results.wording import footnotes, stem
from reports.tables import cells
from reports.tables.output import Output
from reports.tables.published import NOTE, published
from reports.tables.table import DASH, MISSING, Cell, Row, Table

CHOSEN = "✓"
PLAIN: dict[str, Any] = {"scale": 1, "decimals": 3}


@dataclass(frozen=True)
class Column:
    """A column: its header, the quantity it prints and the reading that is, and the paper's name.

    `readings` are further readings of the same word, in the tidy CSV only.
    """

    header: str
    quantity: str
    published: str
    reading: str = ""
    readings: tuple[str, ...] = ()

    @property
    def is_metric(self) -> bool:
        return self.quantity.startswith(("metrics.", "validation.val_"))

    def of(self, view: View) -> "Column":
        """The column, of a metric on the split that is shown."""
        if not self.is_metric:
            return self
        shown = replace(view, metric=self.quantity.removeprefix("metrics."))
        return replace(self, quantity=shown.quantity)


@dataclass(frozen=True)
class Sweep:
    """A table of the paper over one parameter: its number, the parameter, the values, columns."""

    number: int
    parameter: str
    symbol: str
    values: tuple[float, ...]
    columns: tuple[Column, ...]
    method: str = "ails"

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(f"{self.method}[{self.parameter}={value:g}]" for value in self.values)

    def select(self, selection: Selection) -> Selection:
        """The method at every value of the paper."""
        return selection.model_copy(update={"methods": self.methods})

    def outputs(self, study: Study, view: View) -> list[Output]:
        """A table for each backbone or combination and each ratio."""
        shown = self.showing(view)
        return [
            _output(shown, study, view, backbone, ratio)
            for backbone in study.backbone_labels
            for ratio in study.measured.ratios
        ]

    def showing(self, view: View) -> "Sweep":
        """The table with a column of the metric that was asked for, and metrics of its split."""
        columns = self.columns
        if f"metrics.{view.metric}" not in {column.quantity for column in columns}:
            title = metrics.get(view.metric).title
            columns = (Column(title, f"metrics.{view.metric}", ""), *columns)
        return replace(self, columns=tuple(column.of(view) for column in columns))

    def by_label(self, study: Study) -> dict[str, float]:
        """The swept parameter of every method of the study, ascending.

        Raises BenchError for a method that has no such parameter, or differs in another one.
        """
        values: dict[str, float] = {}
        others: dict[tuple[str, str, float], set[tuple[str, str]]] = {}
        for run in study.measured.grid.runs:
            choice = run.cell.method
            params = choice.params.model_dump(mode="json")
            if self.parameter not in params:
                raise BenchError(
                    f"table {self.number} varies {self.parameter}, which {choice.label} does not "
                    f'have; write --methods "{self.method}[{self.parameter}=0.2],…"'
                )
            values[choice.label] = float(params.pop(self.parameter))
            place = run.cell.dataset, run.cell.backbone, run.cell.ratio
            others.setdefault(place, set()).add((choice.name, str(params)))
        if any(len(found) > 1 for found in others.values()):
            raise BenchError(
                f"table {self.number} varies {self.parameter} alone; "
                "the methods named differ in more than that"
            )
        return dict(sorted(values.items(), key=lambda item: item[1]))


ALPHA = Sweep(
    number=5,
    parameter="alpha",
    symbol="α",
    values=(0.1, 0.3, 0.5, 0.7),
    columns=(
        Column("ACC", "metrics.acc", "acc"),
        Column("AUC", "metrics.auc", "auc"),
        Column(
            "FDI",
            "validation.fdi",
            "fdi",
            "mean distance ‖f' − f‖ of augmented from original features, 0 for those that the "
            "filter rejects; without these, and relative to ‖f‖, it is in the tidy CSV",
            ("validation.fdi_accepted", "validation.fdi_rel", "validation.accept_rate"),
        ),
        Column(
            "KL",
            "validation.kl_dim",
            "kl",
            "divergence of q(δ|f) from the prior, mean over dimensions; their sum, and β times it, "
            "are in the tidy CSV",
            ("validation.kl_sum", "validation.beta_kl"),
        ),
    ),
)
"""Table 5: the magnitude α of the offsets."""
BETA = Sweep(
    number=6,
    parameter="beta",
    symbol="β",
    values=(0.1, 0.5, 1.0, 1.5, 2.0),
    columns=(
        Column("ACC", "metrics.acc", "acc"),
        Column("AUC", "metrics.auc", "auc"),
        Column(
            "KL",
            "validation.kl_dim",
            "kl",
            "divergence of q(δ|f) from the prior, mean over dimensions, not multiplied by β; "
            "their sum, and β times it, are in the tidy CSV",
            ("validation.kl_sum", "validation.beta_kl"),
        ),
        Column(
            "σ²",
            "validation.aug_feature_var",
            "sigma2",
            "variance of the augmented features f' over a batch, mean over dimensions; those of "
            "the posterior and of the offsets are in the tidy CSV",
            ("validation.post_var", "validation.offset_var"),
        ),
    ),
)
"""Table 6: the weight β of the KL term."""


def selected(sweep: Sweep, study: Study, backbone: str, ratio: float) -> str | None:
    """The label of the value that is best on validation, by mean over datasets and seeds.

    By the metric that selects epochs, under `last` by AUC; the test split has no say. None where a
    run is missing; of equals the first.
    """
    metric = metrics.selecting(study.config.protocol.select) or metrics.get("auc")
    results = collect(study, backbone, ratio, f"validation.val_{metric.name}")
    if not all(results.complete(m, d) for m in results.methods for d in results.datasets):
        return None
    sign = 1 if metric.higher_is_better else -1
    means = {
        label: sign * summarise(results.means(label).values()).mean
        for label in sweep.by_label(study)
    }
    return max(means, key=lambda label: means[label])


def _output(sweep: Sweep, study: Study, view: View, backbone: str, ratio: float) -> Output:
    labels = sweep.by_label(study)
    measured = {
        column: collect(
            study, backbone, ratio, column.quantity, view.combine if column.is_metric else "mean"
        )
        for column in sweep.columns
    }
    default = next((label for label in labels if "[" not in label), next(iter(labels)))
    anyone = next(iter(measured.values()))
    reference = chosen_reference(anyone.methods, view.reference or default)
    families = {c: pairs.families(results, reference) for c, results in measured.items()}
    choice = selected(sweep, study, backbone, ratio)
    odd = {c.header: oddities.of(study, [r]) for c, r in measured.items() if c.is_metric}
    rows = [
        Row(f"{labels[label]:g}", (*line, CHOSEN if label == choice else ""))
        for label, line in _lines(labels, measured, families, odd).items()
    ]
    of_metrics = {c.header: pairs.overall(t) for c, t in families.items() if c.is_metric}
    against = f"{sweep.symbol} = {labels[reference]:g}"
    part = f", {ratio:.0%} of the training split" if ratio < 1 else ""
    part += ", validation split" * (view.split == "val")
    table = Table(
        title=f"{sweep.method} over {sweep.symbol}: mean ± SD over {anyone.over_seeds}, "
        f"{anyone.over}; {backbone}{part}",
        columns=(sweep.symbol, *(column.header for column in sweep.columns), "selected"),
        rows=(*rows, *(_published(sweep) if view.published else [])),
        answer=tuple(answer(of_metrics, against, anyone.rule)),
        notes=(
            "ACC and AUC in percent. " + cells.star_note(against, of_metrics, anyone),
            "Selected: the best mean on the validation split, never on test.",
            *(f"{c.header}: {c.reading}." for c in sweep.columns if c.reading),
            *cells.gaps(anyone),
            *cells.undefined(anyone),
            *oddities.explained(odd),
            *([NOTE] if view.published else []),
        ),
        origin=tuple(footnotes(study, [backbone], anyone.whole)),
        label=f"tab:{sweep.number}",
        data=PHANTOM if anyone.phantom else "",
    )
    tests = [
        row
        for column, results in measured.items()
        for row in comparison_rows(results, reference, families[column])
    ]
    shown = () if view.slug == "acc" else (view.slug,)
    name = stem(study, f"table{sweep.number}", *shown, backbone=backbone, ratio=ratio)
    return Output(name, table, _tidy(sweep, study, measured, backbone, ratio), tests)


def _lines(
    labels: Iterable[str],
    measured: dict[Column, Results],
    families: dict[Column, dict[str, pairs.Family]],
    odd: Mapping[str, Oddities],
) -> dict[str, list[Cell]]:
    """By label a cell a column; the best metrics are bold, and stars stand at metrics alone."""
    columns = []
    for column, results in measured.items():
        tests = pairs.overall(families[column]) if column.is_metric else {}
        form = results.metric.form if column.is_metric else PLAIN
        if column.is_metric:
            place, marks = cells.over_all(results), odd[column.header]
            found = cells.column(results, place, tests, marks, list(labels), **form)
        else:
            found = [cells.mean(results, label, **form) for label in labels]
        columns.append(found)
    return dict(zip(labels, map(list, zip(*columns, strict=True)), strict=True))


def _tidy(
    sweep: Sweep,
    study: Study,
    measured: dict[Column, Results],
    backbone: str,
    ratio: float,
) -> Rows:
    """Every quantity that is printed and every other reading of it."""
    labels = sweep.by_label(study)
    further = [
        collect(study, backbone, ratio, reading)
        for column in sweep.columns
        for reading in column.readings
    ]
    return [
        {sweep.parameter: labels[row["method"]], **row}
        for results in (*measured.values(), *further)
        for row in tidy_rows(results)
    ]


def _published(sweep: Sweep) -> list[Row]:
    rows = []
    for value, numbers in published(sweep.number).items():
        line = [numbers.get(column.published, MISSING) for column in sweep.columns]
        chosen = CHOSEN if numbers.get("selected") == "yes" else ""
        rows.append(Row(value, (*map(_blank, line), chosen), published=True))
    return rows


def _blank(cell: Cell | str) -> Cell | str:
    return MISSING if cell in ("", DASH) else cell
