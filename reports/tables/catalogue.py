"""The list of tables: number, title, the runs that each needs, and who makes it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.base.errors import unknown
from bench.study import Select, Study, whole
from reports.results.view import View
from reports.results.wording import dataset_titles, method_titles
from reports.tables import sweep, table1, table2, table3, table4
from reports.tables.output import Output


@dataclass(frozen=True)
class Entry:
    """A table: `select` turns a selection into the table's own; None where it needs no runs."""

    number: int
    title: str
    select: Select | None
    make: Callable[[Study, View], Sequence[Output]]

    def study(self, study: Study, view: View = View(), named_last: bool = True) -> Study:  # noqa: B008
        """The study with the cells of this table."""
        return study.about(
            self.select or (lambda selection: selection),
            f"table {self.number}{view.options}",
            named_last,
        )

    def outputs(self, study: Study, view: View) -> Sequence[Output]:
        """The table; runs whose predictions do not hold are left out, and named."""
        return [named(one, study) for one in whole([study], lambda: self.make(study, view))]


def named(output: Output, study: Study) -> Output:
    """Datasets by their names for readers; titles of methods for print."""
    table = replace(output.table, titles=dataset_titles(study)).in_print()
    return replace(output, table=replace(table, titles=method_titles(study)))


TABLES: Mapping[int, Entry] = {
    entry.number: entry
    for entry in (
        Entry(1, "methods on datasets", table1.select, table1.outputs),
        Entry(2, "backbones, with and without AILS", table2.select, table2.outputs),
        Entry(3, "the datasets", None, table3.outputs),
        Entry(4, "fewer training images", table4.select, table4.outputs),
        Entry(5, "AILS over α", sweep.ALPHA.select, sweep.ALPHA.outputs),
        Entry(6, "AILS over β", sweep.BETA.select, sweep.BETA.outputs),
    )
}


def entry(number: int | str) -> Entry:
    """BenchError for a number that no table has."""
    if not str(number).isdigit() or int(number) not in TABLES:
        raise unknown("table", str(number), map(str, TABLES))
    return TABLES[int(number)]


def of_runs() -> dict[int, Entry]:
    """Those that are made of records."""
    return {number: found for number, found in TABLES.items() if found.select}
