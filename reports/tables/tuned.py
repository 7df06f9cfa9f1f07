"""Default against tuned parameters, paired by seed, and what the search of each method took."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.grid.notation import write_seeds
from bench.stats.paired import ALPHA
from bench.stats.verdict import FEWEST, Judged
from bench.study import Study
from bench.tuning.point import OF_PROTOCOL
from reports.results import oddities, pairs
from reports.results.oddities import Oddities
from reports.results.results import PHANTOM, Results, collect, whole
from reports.results.tidy import Rows, comparison_rows, tidy_rows
from reports.results.view import View
from reports.results.wording import footnotes, tuned
from reports.tables import cells
from reports.tables.output import Output
from reports.tables.table import DASH, MISSING, Cell, Row, Table

Entries = Mapping[str, Mapping[str, Any]]
"""What the searches found and took, by method."""
COLUMNS = ("method", "default", "tuned", "difference", "95 % interval", "trials", "failed")
SPENT = ("images", "minutes")
PLAIN: dict[str, Any] = {"scale": 1, "decimals": 0}


@dataclass(frozen=True)
class Sides:
    """The results of one dataset, with default and with tuned parameters."""

    default: Results
    tuned: Results
    entries: Entries

    @property
    def dataset(self) -> str:
        return self.default.datasets[0]

    @property
    def tests(self) -> dict[str, Judged]:
        """Tuned minus default, of each method that was tuned; all of them one family."""
        found = ((m, self.tuned.values[m, self.dataset]) for m in self.entries)
        columns = {m: (values, self.default.values[m, self.dataset]) for m, values in found}
        return pairs.against_zero(columns, self.default.seeds, self.default.rule)


def outputs(study: Study, view: View) -> list[Output]:
    """A table for each dataset, backbone and ratio. Raises BenchError for what was not tuned."""
    sets = dict.fromkeys(run.cell.source for run in study.grid.runs)
    alone = [replace(study, datasets=[source]) for source in sets]
    return [
        _output(one, view, Sides(default, found, _entries(one, backbone, ratio)))
        for backbone in dict.fromkeys(run.cell.backbone for run in study.grid.runs)
        for ratio in study.measured.ratios
        for one in alone
        for default, found in [
            [collect(side, backbone, ratio, view.quantity) for side in (one, one.tuned)]
        ]
    ]


def _entries(study: Study, backbone: str, ratio: float) -> Entries:
    place = backbone, ratio
    cells = [run.cell for run in study.grid.runs if (run.cell.backbone, run.cell.ratio) == place]
    entries = {cell.method.label: study.shelf.entry(cell) for cell in cells}
    return {label: entry for label, entry in entries.items() if entry}


def _output(study: Study, view: View, sides: Sides) -> Output:
    results, tests = sides.default, sides.tests
    odd = {
        "default": oddities.of(study, [sides.default]),
        "tuned": oddities.of(study.tuned, [sides.tuned]),
    }
    rows = tuple(_row(sides, method, tests, odd) for method in results.methods)
    title = f"{results.heading} with default and with tuned parameters, mean ± SD over "
    part = f", {results.ratio:.0%} of the training split" if results.ratio < 1 else ""
    title += f"{len(results.seeds)} seeds; {sides.dataset}, {results.backbone}{part}"
    name = "-".join(["tuned", view.slug, sides.dataset, results.backbone, f"{results.ratio:g}"])
    table = Table(
        title=title,
        columns=(*COLUMNS, *SPENT),
        rows=rows,
        notes=(
            f"* differs: paired t-test over seeds, Holm over the {len(tests)} methods, "
            f"p ≤ {ALPHA:g}; nothing is decided below {FEWEST} seeds. The seeds are others than "
            "those of the search.",
            "Trials, failed ones among them, training images and minutes of one worker are those "
            "of the search; a dash where there is nothing to tune.",
            *cells.gaps(results),
            *cells.gaps(sides.tuned, "Tuned: "),
            *oddities.explained(odd),
        ),
        origin=(
            *footnotes(
                searched(study, sides.entries),
                [results.backbone],
                whole([sides.default, sides.tuned]),
            ),
            *tuned(study.tuned, [results.backbone]),
        ),
        label=f"tab:tuned-{view.slug}",
        data=PHANTOM if results.phantom else "",
    )
    return Output(name, table, _tidy(sides), _tests(sides, tests))


def searched(study: Study, entries: Entries) -> Study:
    """The study under the command of its searches."""
    for entry in entries.values():
        shared = [n.removeprefix(OF_PROTOCOL) for n in entry["parameters"] if OF_PROTOCOL in n]
        options = {
            "trials": entry["trials"],
            "tune-seeds": write_seeds(entry["seeds"]),
            "with": ",".join(shared),
            "metric": entry["metric"],
        }
        written = "".join(f" --{name} {value}" for name, value in options.items() if value)
        return replace(study, _command=f"tune{written}")
    return study


def _row(
    sides: Sides, method: str, tests: Mapping[str, Judged], odd: Mapping[str, Oddities]
) -> Row:
    results, entry, test = sides.default, sides.entries.get(method), tests.get(method)
    form = results.metric.form
    default, tuned = (
        cells.marked(
            cells.cell(side.values[method, sides.dataset], results.seeds, **form),
            marks.mark(method, [sides.dataset], side.values[method, sides.dataset]),
        )
        for side, marks in zip((results, sides.tuned), odd.values(), strict=True)
    )
    if entry is None:
        return Row(method, (default, *[DASH] * (len(COLUMNS) - 2), *[DASH] * len(SPENT)))
    spent = entry["trials"], entry["failed"], entry["images"], entry["seconds"] / 60
    counted = [Cell(float(value), **PLAIN) for value in spent[:-1]]
    minutes = Cell(spent[-1], scale=1, decimals=1)
    return Row(method, (default, tuned, *_compared(test, form), *counted, minutes))


def _compared(test: Judged | None, form: Mapping[str, Any]) -> tuple[Cell | str, str]:
    """The difference, and its interval."""
    if test is None:
        return MISSING, DASH
    scale, decimals = form["scale"], form["decimals"] + 1
    mark = "*" if test.differs else ""
    detail = f"p = {test.p:.3g}, Holm {test.p_holm:.3g}"
    cell = Cell(test.difference, mark=mark, detail=detail, scale=scale, decimals=decimals)
    if not test.has_interval:
        return cell, DASH
    return cell, f"{scale * test.low:z.{decimals}f} to {scale * test.high:z.{decimals}f}"


def _tidy(sides: Sides) -> Rows:
    pairs = (("default", sides.default), ("tuned", sides.tuned))
    return [{"parameters": name, **row} for name, side in pairs for row in tidy_rows(side)]


def _tests(sides: Sides, tests: dict[str, Judged]) -> Rows:
    return comparison_rows(sides.tuned, "default", {sides.dataset: tests})
