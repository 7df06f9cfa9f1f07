"""A table as data, and its writers: CSV, LaTeX, Markdown.

Means and SDs are fractions; only the writers turn them into percent. Every string is one line of
plain text; each writer escapes what its format would read as a command.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Literal

from bench.base.words import spreadsheet, visible

Notes = Literal["short", "full", "none"]
DASH = "–"
MEDIUM = 50
"""Characters above which LaTeX sets a table across both columns of a two-column page."""
WIDE = 80
"""Characters above which LaTeX sets a table small."""
LONG = 40
"""Rows above which LaTeX sets a table smaller still, so that it fits a page."""
NOTES_WIDTH = r"\par\smallskip\dimen0=\wd0 \ifdim\dimen0<.8\linewidth\dimen0=.8\linewidth\fi"
"""LaTeX: footnotes are as wide as the table, but four fifths of the line at least."""


FOLDERS = re.compile(r"(?<![\w/~.])(?:~|\.{1,2})?/(?:[^\s/,'\"]+/)*(?=[^\s/,'\"])")
"""The folders of an absolute path, or of one that begins at home or here."""


@dataclass(frozen=True)
class Cell:
    """A mean, its SD, and how they stand out: bold if `best`, followed by `mark`.

    None or nan is what does not exist: without a mean the cell is a dash, without an SD it is the
    mean alone. Printed are `scale` times both, with `decimals` where the table's do not suit.
    `detail` is a sentence of its own, for writers that can show one on demand. `n`, where the cells
    of a table have different numbers of seeds, follows in brackets.
    """

    mean: float | None
    sd: float | None = None
    best: bool = False
    mark: str = ""
    detail: str = ""
    scale: float = 100
    decimals: int | None = None
    n: int | None = None

    @property
    def count(self) -> str:
        """What follows the numbers: ` (20)`, or nothing."""
        return "" if self.n is None or self.mean is None else f" ({self.n})"


MISSING = Cell(None)


@dataclass(frozen=True)
class Row:
    """A label, and a cell for every other column; a string is printed as it is.

    Rows of published numbers are printed below the measured ones, apart and marked.
    """

    label: str
    cells: tuple[Cell | str, ...]
    published: bool = False

    @property
    def heading(self) -> str:
        """The label as every format prints it."""
        return f"{self.label} (published)" if self.published else self.label


@dataclass(frozen=True)
class Table:
    """A table: `columns` are its headers, that of the row labels first.

    `data` is what has to be said of the data on every output ("phantom data, not MedMNIST"): the
    first footnote, and a column of the CSV. `label` is for LaTeX's `\\ref`; `decimals` are those of
    percentages. `answer` is what the table shows, in sentences; `notes` say what its marks and
    columns mean, `origin` how its numbers came about. `titles` are names for print, by name.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    label: str = ""
    data: str = ""
    decimals: int = 1
    answer: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.rows:
            if 1 + len(row.cells) != len(self.columns):
                raise ValueError(
                    f"row {row.label!r} fills {1 + len(row.cells)} of {len(self.columns)} columns"
                )

    @property
    def footnotes(self) -> tuple[str, ...]:
        """What stands under the table."""
        return self.noted("full")

    def noted(self, much: Notes) -> tuple[str, ...]:
        """The footnotes in full, those that a reader of the cells needs (`short`), or none."""
        short = (*filter(None, [self.data]), *self.notes)
        if much != "full":
            return short if much == "short" else ()
        return (*filter(None, [self.data]), *self.answer, *self.notes, *self.origin)

    def in_print(self) -> "Table":
        """The table for readers of a paper or a page: names are printed by their titles."""
        if not self.titles:
            return self

        def of_cell(cell: Cell | str) -> Cell | str:
            return titled(cell, self.titles) if isinstance(cell, str) else cell

        def of_texts(texts: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(titled(text, self.titles) for text in texts)

        rows = (
            replace(row, label=titled(row.label, self.titles), cells=tuple(map(of_cell, row.cells)))
            for row in self.rows
        )
        return replace(
            self,
            title=titled(self.title, self.titles),
            columns=of_texts(self.columns),
            rows=tuple(rows),
            answer=of_texts(self.answer),
            notes=of_texts(self.notes),
            titles={},
        )

    @property
    def groups(self) -> list[list[Row]]:
        """The measured rows, then the published ones; a group without rows is left out."""
        groups = ([row for row in self.rows if row.published is flag] for flag in (False, True))
        return [group for group in groups if group]

    @property
    def lines(self) -> list[list[str]]:
        """The header and all rows as plain text."""
        rows = [row for group in self.groups for row in group]
        values = [[_plain(cell, self.decimals) for cell in row.cells] for row in rows]
        return [
            list(self.columns),
            *([row.heading, *line] for row, line in zip(rows, values, strict=True)),
        ]

    @property
    def width(self) -> int:
        """The characters that a line takes, with two between columns."""
        columns = zip(*self.lines, strict=True)
        return sum(max(map(len, column)) + 2 for column in columns) - 2

    @property
    def alignment(self) -> str:
        """A letter a column: l for labels and words, r for numbers."""
        _, *lines = self.lines
        columns = range(1, len(self.columns))
        return "l" + "".join(
            "l" if any(re.search("[A-Za-z]", line[column]) for line in lines) else "r"
            for column in columns
        )


def titled(text: str, titles: Mapping[str, str]) -> str:
    """The text with each name, where it stands as a word, replaced by its title."""
    if not titles:
        return text
    names = "|".join(sorted(map(re.escape, titles), key=len, reverse=True))
    return re.sub(rf"(?<![\w@./-])({names})(?![\w@/-])", lambda found: titles[found[1]], text)


def mean_cell(cells: Iterable[Cell], sd: float | None = None) -> Cell:
    """The mean of the cells' means, with the caller's SD; a dash if there is a cell missing."""
    means = [math.nan if cell.mean is None else cell.mean for cell in cells]
    return Cell(fmean(means), sd) if means and not math.isnan(sum(means)) else MISSING


def to_csv(table: Table) -> str:
    """The values as printed. Emphasis, marks and footnotes stay out: no parser could use them."""
    published = [row.published for group in table.groups for row in group]
    data = ["data", *("" if claimed else table.data for claimed in published)]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        map(spreadsheet, [*line, origin] if table.data else line)
        for line, origin in zip(table.lines, data, strict=True)
    )
    return out.getvalue()


def to_markdown(table: Table, much: Notes = "full") -> str:
    """A pipe table under its title in bold; a paragraph for each footnote."""

    def value(cell: Cell | str) -> str:
        text = _markdown(_plain(cell, table.decimals))
        if isinstance(cell, str):
            return text
        return (f"**{text}**" if cell.best else text) + _markdown(cell.mark)

    rows = [
        [_markdown(column) for column in table.columns],
        [{"l": ":--", "r": "--:"}[letter] for letter in table.alignment],
        *([_markdown(row.heading), *map(value, row.cells)] for g in table.groups for row in g),
    ]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    notes = map(_markdown, table.noted(much))
    return "\n\n".join([f"**{_markdown(table.title)}**", lines, *notes]) + "\n"


def to_latex(table: Table, much: Notes = "short") -> str:
    """A float that needs no package but booktabs; `NOTES_WIDTH` tells that of its footnotes.

    It names no folder: of a path in its origin the last part is left.
    """
    table = table.in_print()
    table = replace(table, origin=tuple(FOLDERS.sub("", line) for line in table.origin))
    wide = table.width > WIDE
    environment = "table*" if table.width > MEDIUM else "table"
    size, small = r"\small", r"\scriptsize"
    if wide:
        size = r"\footnotesize\setlength{\tabcolsep}{3.5pt}"
    if len(table.rows) > LONG:
        size = r"\scriptsize\setlength{\tabcolsep}{3.5pt}\renewcommand{\arraystretch}{0.9}"
        small = r"\tiny"
    plus_minus = r"{\tiny$\pm$%s}" if wide else r"\,$\pm$\,%s"

    def value(cell: Cell | str) -> str:
        if isinstance(cell, str):
            return _latex(cell)
        printed = [number.replace("-", "$-$") for number in numbers(cell, table.decimals)]
        mean, *sd = printed or [_latex(DASH)]
        text = mean + "".join(plus_minus % number for number in sd) + cell.count
        mark = rf"\rlap{{$^{{{_latex(cell.mark)}}}$}}" if cell.mark else ""
        return (rf"\textbf{{{text}}}" if cell.best else text) + mark

    def line(cells: Iterable[str]) -> str:
        return " & ".join(cells) + r" \\"

    groups = [
        [r"\midrule", *(line([_latex(row.heading), *map(value, row.cells)]) for row in group)]
        for group in table.groups
    ]
    notes = [_latex(note) + r"\par" for note in table.noted(much)]
    lines = [
        rf"\begin{{{environment}}}[t]",
        r"\centering",
        rf"\caption{{{_latex(table.title)}}}",
        *([rf"\label{{{table.label}}}"] if table.label else []),
        r"\smallskip",
        size,
        rf"\sbox0{{\begin{{tabular}}{{@{{}}{table.alignment}@{{}}}}",
        r"\toprule",
        line(map(_latex, table.columns)),
        *(text for group in groups for text in group),
        r"\bottomrule",
        r"\end{tabular}}\usebox0",
        *([NOTES_WIDTH, rf"\parbox{{\dimen0}}{{{small}\raggedright", *notes, "}"] if notes else []),
        rf"\end{{{environment}}}",
    ]
    return "\n".join(lines) + "\n"


def numbers(cell: Cell, decimals: int) -> list[str]:
    """Mean and SD as printed, as far as they exist."""
    if cell.mean is None or math.isnan(cell.mean):
        return []
    if cell.decimals is not None:
        decimals = cell.decimals
    values = [cell.mean] if cell.sd is None or math.isnan(cell.sd) else [cell.mean, cell.sd]
    return [f"{cell.scale * value:z.{decimals}f}" for value in values]


def _plain(cell: Cell | str, decimals: int) -> str:
    if isinstance(cell, str):
        return cell
    return (" ± ".join(numbers(cell, decimals)) or DASH) + cell.count


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|$~&])", r"\\\1", visible(text))


LATIN = {chr(code) for code in range(0x20, 0x7F)} | set(
    "ÄÖÜäöüßÀÁÂÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕØÙÚÛÝàáâãåæçèéêëìíîïñòóôõøùúûýÿ"
)
"""Letters that LaTeX has without a package."""
LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "`": r"\textasciigrave{}",
        "|": r"\textbar{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        '"': r"\char34{}",
        "[": "{[}",  # after a line's end, \\ would take [ and * for its own arguments
        "]": "{]}",
        "*": "{*}",
        **{character: "\\" + character for character in "#$%&_{}"},
        "–": r"\textendash{}",
        "—": r"\textemdash{}",
        "±": r"$\pm$",
        "×": r"$\times$",
        "−": r"$-$",
        "≤": r"$\leq$",
        "≥": r"$\geq$",
        "α": r"$\alpha$",
        "†": r"\dag{}",
        "β": r"$\beta$",
        "σ": r"$\sigma$",
        "δ": r"$\delta$",
        "λ": r"$\lambda$",
        "τ": r"$\tau$",
        "κ": r"$\kappa$",
        "√": r"$\surd$",
        "²": r"$^{2}$",
        "‖": r"$\|$",
        "→": r"$\rightarrow$",
        "✓": r"$\surd$",
        "“": "``",
        "”": "''",
    }
)


def _letter(letter: str) -> str:
    """What pdfLaTeX has no letter for is its number there, and itself in XeLaTeX and LuaLaTeX."""
    code = ord(letter)
    if code in LATEX or letter in LATIN:
        return LATEX.get(code, letter)
    return rf"\ifdefined\Umathchar {letter}\else U+{code:04X}\fi{{}}"


def _latex(text: str) -> str:
    """`--` stays two hyphens, and a list without spaces may break after its commas."""
    text = re.sub("-(?=-)", "-{}", "".join(map(_letter, visible(text))))
    return re.sub(r",(?=[^\s\d])", r",\\allowbreak{}", text)
