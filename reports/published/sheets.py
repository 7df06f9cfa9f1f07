"""Tables as rows of text, from CSV, Markdown and LaTeX."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.base.errors import BenchError
from reports.published import latex

Line = list[str]
Decimal = Literal[",", "."]
PIPES = re.compile(r"^\s*\|.*\|\s*$")
RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
COMMA = re.compile(r"(?<![\d.,])\d+(?:,\d+)+(?![\d.,])")
THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+")
SHARE = re.compile(r"0*,\d")


@dataclass(frozen=True)
class Sheet:
    """A table as it stands in a file: the header, the rows, and how they were taken apart."""

    name: str
    file: str
    lines: list[Line]
    format: str


def sheets(path: Path, decimal: Decimal | None = None) -> list[Sheet]:
    """All tables of a file. `decimal` is the mark before the fraction; else the numbers tell.

    Raises BenchError for a file without a table, or where a comma can be either mark.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}; name a CSV, Markdown or LaTeX file") from None
    return of_text(_decoded(content, path.name), path.name, decimal)


def of_text(text: str, name: str, decimal: Decimal | None = None) -> list[Sheet]:
    """As `sheets`, of a file's text."""
    if r"\begin{tabul" in text or r"\begin{longtab" in text:
        found = [("LaTeX", lines) for lines in latex.tables(text)]
    elif any(RULE.match(line) and "|" in line for line in text.splitlines()):
        found = [("Markdown", lines) for lines in _markdown(text)]
    else:
        found = [_separated(text, name)]
    several = len(found) > 1
    return [
        Sheet(
            f"{Path(name).stem}, table {number}" if several else Path(name).stem,
            name,
            _with_points(_squeezed(lines), name, decimal or _decimal(lines, form, name)),
            form,
        )
        for number, (form, lines) in enumerate(found, start=1)
    ]


def _decoded(content: bytes, name: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    if b"\0" in content:
        raise BenchError(f"{name}: no text; save the table as CSV, Markdown or LaTeX")
    return content.decode("cp1252", errors="replace")


def _separated(text: str, name: str) -> tuple[str, list[Line]]:
    """The mark between cells is the commonest of the first line."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        lines = [line for line in reader if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise BenchError(
            f"{name}, line {reader.line_num}: {error}; shorten the cell, or close its quote"
        ) from None
    kinds = {",": "commas", ";": "semicolons", "\t": "tabs"}
    return f"CSV with {kinds[delimiter]}", lines


def _markdown(text: str) -> Iterator[list[Line]]:
    """Runs of lines with pipes; the rule below the header goes."""
    lines: list[Line] = []
    for line in [*text.splitlines(), ""]:
        if PIPES.match(line) or (RULE.match(line) and "|" in line):
            if not RULE.match(line):
                inner = line.strip().removeprefix("|").removesuffix("|")
                cells = re.split(r"(?<!\\)\|", inner)
                lines.append([_plain(cell) for cell in cells])
        elif lines:
            yield lines
            lines = []


def _plain(cell: str) -> str:
    """Without Markdown's emphasis, links, HTML and escapes."""
    cell = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cell)
    cell = re.sub(r"</?\w+[^>]*>", " ", cell)
    return re.sub(r"\\([^a-zA-Z0-9\s])", r"\1", re.sub(r"(?<!\\)(\*\*|__|`)", "", cell))


def _squeezed(lines: list[Line]) -> list[Line]:
    return [[" ".join(cell.split()) for cell in line] for line in lines]


def _decimal(lines: list[Line], form: str, name: str) -> Decimal:
    """What the numbers with commas say: a point, unless a comma cannot be one of thousands."""
    cells = [cell for line in lines for cell in line]
    found = [number for cell in cells for number in COMMA.findall(cell)]
    if not found:
        return "."
    if form.endswith("semicolons"):
        return ","
    if any(SHARE.match(number) or not THOUSANDS.fullmatch(number) for number in found):
        return ","
    if any("." in cell for cell in cells) or any(number.count(",") > 1 for number in found):
        return "."
    raise BenchError(
        f"{name}: is {found[0]} a fraction or a number of thousands? Say --decimal , or --decimal ."
    )


def _with_points(lines: list[Line], name: str, decimal: Decimal) -> list[Line]:
    """The fraction of every number behind a point, without points of thousands."""
    if decimal == ".":
        return lines
    number = re.compile(r"(?<![\w.,])(\d{1,3}(?:\.\d{3})+|\d*),(\d+)(?![\w,])")
    return [
        [number.sub(lambda m: f"{m[1].replace('.', '')}.{m[2]}", cell) for cell in line]
        for line in lines
    ]
