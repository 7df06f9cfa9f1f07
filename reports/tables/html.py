"""The HTML of a table: sortable, with the details of its cells."""

import html
import math
import re

from bench.base.words import visible
from reports.tables.table import DASH, Cell, Row, Table, numbers

LONG = 32
"""Characters above which the texts of a column break into lines."""
NUMBER = re.compile(r"[-+]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?(e[-+]?\d+)?", re.IGNORECASE)
"""A text that is sorted as a number, commas between thousands included."""


def to_html(table: Table) -> str:
    """A captioned table in a region that scrolls by itself; a paragraph for each footnote, those
    on the origin of its numbers folded.

    Published rows are a body of their own, below the measured one. What scripts and styles need is
    written down: a button in every header, `data-value` (a number in the printed unit, not
    rounded), and `title`, the detail of a cell. Any browser shows it to a mouse; the script of
    `site.html` sorts, and shows details to the keyboard and to touch as well.
    """
    table = table.in_print()
    kinds = _kinds(table)
    headers = (
        f'<th scope="col"{kind}><button type="button">{escape(column)}</button></th>'
        for column, kind in zip(table.columns, kinds, strict=True)
    )
    bodies = (_body(group, kinds, table.decimals) for group in table.groups)
    said = (*filter(None, [table.data]), *table.answer, *table.notes)
    notes = (f'<p class="note">{escape(note)}</p>' for note in said)
    title = escape(table.title)
    return "\n".join(
        [
            '<div class="table">',
            f'<div class="scroll" role="region" aria-label="{title}" tabindex="0">',
            "<table>",
            f"<caption><span>{title}</span></caption>",
            f"<thead><tr>{''.join(headers)}</tr></thead>",
            *bodies,
            "</table>",
            "</div>",
            *notes,
            *_origin(table),
            "</div>",
        ]
    )


def _origin(table: Table) -> list[str]:
    """How the numbers came about, unfolded on demand."""
    if not table.origin:
        return []
    notes = (f'<p class="note">{escape(note)}</p>' for note in table.origin)
    summary = "<summary>How these numbers were made</summary>"
    return [f'<details class="origin">{summary}', *notes, "</details>"]


def _kinds(table: Table) -> list[str]:
    """A class for each column: numbers to the right, long texts in lines."""
    _, *lines = table.lines
    columns = list(zip(*lines, strict=True)) or [()] * len(table.columns)
    return [
        ' class="number"'
        if letter == "r"
        else ' class="long"'
        if any(len(text) > LONG for text in column)
        else ""
        for letter, column in zip(table.alignment, columns, strict=True)
    ]


def _body(rows: list[Row], kinds: list[str], decimals: int) -> str:
    lines = "\n".join(_line(row, kinds, decimals) for row in rows)
    kind = ' class="published"' if rows[0].published else ""
    return f"<tbody{kind}>\n{lines}\n</tbody>"


def _line(row: Row, kinds: list[str], decimals: int) -> str:
    heading, *others = kinds
    cells = (
        f"<td{kind}{_value(cell)}{_title(cell)}>{_content(cell, decimals)}</td>"
        for cell, kind in zip(row.cells, others, strict=True)
    )
    label = escape(row.heading).replace(",", ",<wbr>")
    return f'<tr><th scope="row"{heading}>{label}</th>{"".join(cells)}</tr>'


def _value(cell: Cell | str) -> str:
    if isinstance(cell, str):
        value = float(cell.replace(",", "")) if NUMBER.fullmatch(cell) else math.nan
    else:
        value = math.nan if cell.mean is None else cell.scale * cell.mean
    return f' data-value="{value!r}"' if math.isfinite(value) else ""


def _title(cell: Cell | str) -> str:
    return f' title="{escape(cell.detail)}"' if isinstance(cell, Cell) and cell.detail else ""


def _content(cell: Cell | str, decimals: int) -> str:
    if isinstance(cell, str):
        return escape(cell)
    mean, *sd = numbers(cell, decimals) or [DASH]
    text = mean + "".join(f"<small> ± {number}</small>" for number in sd) + cell.count
    mark = f"<sup>{escape(cell.mark)}</sup>" if cell.mark else ""
    return (f"<strong>{text}</strong>" if cell.best else text) + mark


def escape(text: str) -> str:
    """As text of a page, in one line."""
    return html.escape(visible(text))
