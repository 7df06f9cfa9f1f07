"""Reports in Python: what the records of a study say, as tables, figures and a page."""

import html
import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, get_args, overload

from rich.console import Console

from bench.base.errors import BenchError, Note, unknown
from bench.base.files import write_text
from bench.base.words import slug, visible
from bench.study import Study, run, whole
from reports.figures import catalogue as figures
from reports.figures import style
from reports.figures.figure import Figure
from reports.figures.figure import write as write_figure
from reports.page import own, site
from reports.page import report as page
from reports.results.compare import COLUMNS, compare_rows
from reports.results.results import Combine
from reports.results.view import View
from reports.tables import catalogue as tables
from reports.tables import tuned as tuning
from reports.tables.html import to_html
from reports.tables.output import Output
from reports.tables.output import write as write_table
from reports.tables.table import Notes, to_latex, to_markdown
from reports.tables.terminal import Terminal

if TYPE_CHECKING:
    import pandas as pd

Item = TypeVar("Item")
SPLITS = ("val", "test")
NOTHING_PAIRED = "no comparison yet: no two methods have two seeds in common that are done"


class Several(Sequence[Item]):
    """One for each backbone, ratio or dataset of a study; most often there is one."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = tuple(items)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)


class Tables(Several[Output]):
    """Tables as data: each has `.table` as printed, `.cells` and `.tests` as rows of numbers."""

    def to_latex(self, notes: Notes = "short") -> str:
        """Floats that need no package but booktabs.

        Short notes say what marks and columns mean, full ones also how the numbers came about.
        """
        if notes not in get_args(Notes):
            raise unknown("notes", str(notes), get_args(Notes))
        return "\n".join(to_latex(one.table, notes) for one in self)

    def to_markdown(self) -> str:
        return "\n".join(to_markdown(one.table) for one in self)

    def to_frame(self) -> "pd.DataFrame":
        """The numbers behind the cells, a row each: fractions, nothing rounded."""
        return _frame([row for one in self for row in one.cells])

    def tests(self) -> "pd.DataFrame":
        """The paired tests, a row each."""
        return _frame([row for one in self for row in one.tests])

    def write(self, folder: str | Path) -> list[Path]:
        """Write CSV, LaTeX and Markdown; returns the paths."""
        return [path for one in self for path in write_table(one, Path(folder))]

    def _repr_html_(self) -> str:
        return "\n".join(to_html(one.table) for one in self)

    def __repr__(self) -> str:
        """As in a terminal of 100 columns."""
        out = io.StringIO()
        console = Console(file=out, width=100, markup=False, force_jupyter=False, color_system=None)
        for one in self:
            console.print(Terminal(one.table))
        return out.getvalue()


class Figures(Several[Figure]):
    """Figures: each has `.drawing` of matplotlib, `.caption`, and `.rows`, the numbers shown."""

    def to_frame(self) -> "pd.DataFrame":
        """The numbers shown, a row each."""
        return _frame([row for one in self for row in one.rows])

    def write(self, folder: str | Path) -> list[Path]:
        """Write SVG, PDF and CSV; returns the paths."""
        return [path for one in self for path in write_figure(one, Path(folder))]

    def __repr__(self) -> str:
        return "\n".join(one.caption for one in self)

    def _repr_html_(self) -> str:
        return "\n".join(
            f"<figure>{style.inline(one.drawing, one.name)}"
            f"<figcaption>{html.escape(visible(one.caption))}</figcaption>"
            "</figure>"
            for one in self
        )


def compare(
    study: Study,
    reference: str | None = None,
    metric: str = "acc",
    combine: Combine = "mean",
    split: Literal["val", "test"] = "test",
) -> "pd.DataFrame":
    """Every method minus the reference, paired by seed: a row a method and dataset.

    The columns are those of `bench.stats.verdict.Judged`: differences and intervals are fractions
    (`low` to `high` 95 % alone, `low_family` to `high_family` at `level`, as tables show them);
    `p_holm` is p after Holm over the methods of a dataset; `verdict` is of these images,
    `verdict_new` of new ones. `dataset` is `mean` for the mean over all. The reference is AILS,
    else the first method, where none is named. Choose parameters by `split="val"`, never by the
    test split.
    """
    view = View(metric, reference, combine, split=_of_metrics(split))
    study.refresh()
    rows = whole([study], lambda: compare_rows(study, view))
    if not rows:
        warnings.warn(NOTHING_PAIRED, Note, stacklevel=2)
    return _frame(rows, COLUMNS)


def table(
    number: int | str,
    study: Study,
    *,
    metric: str = "acc",
    reference: str | None = None,
    combine: Combine = "mean",
    published: bool = False,
    split: Literal["val", "test"] = "test",
) -> Tables:
    """Table 1 to 6 of the paper, from the cells that it needs: `bench table`.

    What the study names goes before what the table is about. A cell with a run missing is a dash:
    `needs(number, study).run()` does them. `published` adds the paper's numbers, in rows of their
    own; `split="val"` shows the validation split.
    """
    view = View(metric, reference, combine, published, _of_metrics(split))
    entry = tables.entry(number)
    return Tables(entry.outputs(entry.study(study, view), view))


def tuned(study: Study, metrics: Sequence[str] = ("acc", "auc")) -> Tables:
    """Default against tuned parameters, and what the search took: after `Study.tune`.

    A table for each metric, dataset, backbone and ratio. `study.run()` and `study.tuned.run()` do
    the runs that are compared.
    """
    return Tables([one for metric in metrics for one in tuning.outputs(study, View(metric))])


def needs(number: int | str, study: Study) -> Study:
    """The study of the cells that a table needs: `reports.needs(4, study).run(workers=2)`."""
    return tables.entry(number).study(study)


def figure(
    name: int | str,
    study: Study,
    *,
    metric: str = "acc",
    reference: str | None = None,
    published: bool = False,
    split: Literal["train", "val", "test"] = "test",
    run_missing: bool = False,
) -> Figures:
    """A figure by its name, `"4"`, `"forest"`, …, from the runs that it needs: `bench figure`.

    What has a run missing is left out, and named in the caption; `run_missing` does these runs
    first. `split` is whose features figure 5 shows.
    """
    view = View(metric, reference, published=published, split=split)
    entry = figures.entry(str(name))
    asked = entry.studies(study, view)
    if run_missing:
        run(asked)
        entry.extract(asked, split)
    drawn = entry.figures(asked, view)
    if not drawn:
        raise BenchError(f"nothing to draw for figure {entry.name}: no run that it needs is done")
    return Figures(drawn)


def report(study: Study, path: str | Path | None = None) -> Path:
    """Write all that the records say as one HTML file, and return its path; nothing is run.

    Of one's own images it says the answer first, and nothing of a paper; the datasets are in the
    file's name.
    """
    mine, name = own.is_own(study), study.config.slug
    found = own.build(study) if mine else page.build(page.Content(study))
    if mine:
        name = slug("-".join((*(info.name for info in study.grid.datasets), study.config.name)))
    path = Path(path or study.store.root / f"report-{name}.html")
    if path.is_dir():
        raise BenchError(f"{path} is a folder; name a file, such as {path / 'report.html'}")
    return write_text(path, site.render(found))


def _of_metrics(split: str) -> str:
    """The split if metrics are of it; else BenchError, for only features are of `train`."""
    if split not in SPLITS:
        raise unknown("split", str(split), SPLITS)
    return split


def _frame(rows: Sequence[dict[str, object]], columns: Sequence[str] = ()) -> "pd.DataFrame":
    """`columns` are those of a frame without rows."""
    import pandas as pd

    return pd.DataFrame(list(rows), columns=None if rows else list(columns))
