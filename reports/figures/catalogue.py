"""The list of figures: name, title, the tables whose runs each shows, and who draws it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.base.errors import unknown
from bench.study import Select, Study, whole
from reports.figures import (
    confusion,
    curves,
    efficiency,
    forest,
    posterior,
    ranks,
    reliability,
    sweep,
    tsne,
)
from reports.figures.figure import Figure
from reports.results.view import View
from reports.results.wording import dataset_titles, method_titles
from reports.tables.catalogue import TABLES
from reports.tables.table import titled


@dataclass(frozen=True)
class Entry:
    """A figure. It is drawn from a study for each of `tables`; from `select` alone where the
    figure needs features, which are extracted by training its runs again.
    """

    name: str
    title: str
    tables: tuple[int, ...]
    draw: Callable[[Sequence[Study], View], list[Figure]]
    select: Select | None = None

    def studies(self, study: Study, view: View) -> list[Study]:
        """What the figure is drawn from."""
        command = f"figure {self.name}{view.options}"
        if self.select:
            return [study.about(self.select, command).about(tsne.one_seed, command, False)]
        selects = [TABLES[number].select for number in self.tables]
        return [study.about(s, command, len(selects) == 1) for s in selects if s]

    def figures(self, studies: Sequence[Study], view: View) -> list[Figure]:
        """The drawings; runs whose predictions do not hold are left out, and named."""
        titles = dataset_titles(studies[0]) | method_titles(studies[0])
        drawn = whole(studies, lambda: self.draw(studies, view))
        return [replace(one, caption=titled(one.caption, titles)) for one in drawn]

    def extract(self, studies: Sequence[Study], split: str, device: str | None = None) -> None:
        """Train again, to the same bits, the runs whose features it needs and the store lacks."""
        for study in studies if self.select else ():
            study.extract(split, device)


FIGURES: Mapping[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("4", "AILS over α and β", (5, 6), sweep.figures),
        Entry("5", "t-SNE of features", (1,), tsne.figures, tsne.select),
        Entry("forest", "paired differences", (1,), forest.figures),
        Entry("ranks", "critical differences", (1,), ranks.figures),
        Entry("efficiency", "accuracy over the ratio", (4,), efficiency.figures),
        Entry("reliability", "calibration", (1,), reliability.figures),
        Entry("confusion", "which class is taken for which", (1,), confusion.figures),
        Entry("curves", "learning curves", (1,), curves.figures),
        Entry("posterior", "what AILS learns", (1,), posterior.figures),
    )
}


def entry(name: str) -> Entry:
    """BenchError for a name that no figure has."""
    if name not in FIGURES:
        raise unknown("figure", name, FIGURES)
    return FIGURES[name]
