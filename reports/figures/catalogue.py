"""The list of figures: name, title, the tables whose runs each shows, and who draws it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.base.errors import unknown
from bench.study import Select, Study
from reports.figures.figure import Picture
from reports.gallery import efficiency, figure4, figure5, forest, ranks, reliability
from reports.results.view import View
from reports.tables.catalogue import TABLES


@dataclass(frozen=True)
class Entry:
    """A figure. It is drawn from a study for each of `tables`; from `select` alone where the
    figure needs features, which are extracted by training its runs again.
    """

    name: str
    title: str
    tables: tuple[int, ...]
    pictures: Callable[[Sequence[Study], View], list[Picture]]
    select: Select | None = None

    def studies(self, study: Study, view: View) -> list[Study]:
        """What the figure is drawn from."""
        command = f"figure {self.name}{view.options}"
        if self.select:
            return [study.about(self.select, command).about(figure5.one_seed, command, False)]
        selects = [TABLES[number].select for number in self.tables]
        return [study.about(s, command, len(selects) == 1) for s in selects if s]

    def extract(self, study: Study, split: str, device: str | None = None) -> None:
        """Train again, to the same bits, the runs whose features are not in the store."""
        if self.select:
            study.extract(split, device)


FIGURES: Mapping[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("4", "AILS over α and β", (5, 6), figure4.pictures),
        Entry("5", "t-SNE of features", (1,), figure5.pictures, figure5.select),
        Entry("forest", "paired differences", (1,), forest.pictures),
        Entry("ranks", "critical differences", (1,), ranks.pictures),
        Entry("efficiency", "accuracy over the ratio", (4,), efficiency.pictures),
        Entry("reliability", "calibration", (1,), reliability.pictures),
    )
}


def entry(name: str) -> Entry:
    """BenchError for a name that no figure has."""
    if name not in FIGURES:
        raise unknown("figure", name, FIGURES)
    return FIGURES[name]
