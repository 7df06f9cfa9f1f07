"""The terminal's writer of a table: cells are whole, at any width."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import rich.box
import rich.table
from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from bench.base.words import visible
from reports.tables.table import DASH, Cell, Notes, Table, numbers

LONG = 32
"""Characters above which the texts of a column break into lines."""
GAP, EDGE = 2, 1
"""Characters between columns, and left of all."""


@dataclass(frozen=True)
class Terminal:
    """Title, table and footnotes for a rich console; published rows are dim.

    Where the columns do not fit side by side, they go on in a further table below, with the labels
    of the rows again.
    """

    table: Table
    much: Notes = "full"

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        yield Text(visible(self.table.title), "bold")
        for columns in blocks(self.table, options.max_width):
            yield self._block(columns)
        for note in self.table.noted(self.much):
            yield Text(visible(note), "dim")

    def _block(self, columns: list[int]) -> rich.table.Table:
        """The labels, and these columns."""
        out = rich.table.Table(box=rich.box.HORIZONTALS, padding=(0, 1, 0, 0), pad_edge=False)
        for column in (0, *columns):
            left = self.table.alignment[column] == "l"
            justify: Literal["left", "right"] = "left" if left else "right"
            name, wraps = visible(self.table.columns[column]), widths(self.table)[column] > LONG
            out.add_column(Text(name), justify=justify, no_wrap=not wraps, overflow="fold")
        for group in self.table.groups:
            for row in group:
                cells = (_text(row.cells[column - 1], self.table.decimals) for column in columns)
                style = "dim" if row.published else ""
                out.add_row(Text(visible(row.heading)), *cells, style=style)
            out.add_section()
        return out


def blocks(table: Table, width: int) -> list[list[int]]:
    """The columns behind the labels, in groups that fit; texts that may break are in one."""
    wide = widths(table)
    if any(one > LONG for one in wide):
        return [list(range(1, len(wide)))]
    found: list[list[int]] = [[]]
    room = free = width - EDGE - wide[0] - GAP
    for column, one in enumerate(wide[1:], start=1):
        if found[-1] and one > free:
            found.append([])
            free = room
        found[-1].append(column)
        free -= one + GAP
    return found


def widths(table: Table) -> list[int]:
    """Of each column, in characters."""
    rows = [
        [row.heading, *(_text(cell, table.decimals).plain for cell in row.cells)]
        for row in table.rows
    ]
    columns = zip(table.columns, *rows, strict=True)
    return [max(len(visible(text)) for text in column) for column in columns]


def _text(cell: Cell | str, decimals: int) -> Text:
    if isinstance(cell, str):
        return Text(visible(cell))
    text = (" ± ".join(numbers(cell, decimals)) or DASH) + cell.count
    return Text.assemble((text, "bold" if cell.best else ""), cell.mark)
