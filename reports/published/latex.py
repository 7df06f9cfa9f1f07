"""Tables of a LaTeX file as rows of text; what a cell says is for pylatexenc."""

import re
from collections.abc import Iterator

ENVIRONMENT = re.compile(
    r"\\begin\{(tabular[xy*]?|longtable|longtabu|tabulary)\}(?P<body>.*?)\\end\{\1\}", re.S
)
COMMENT = re.compile(r"(?<!\\)%.*")
ROW = re.compile(r"\\\\(?:\s*\[[^\]]*\])?\*?|\\tabularnewline")
RULES = re.compile(
    r"\\(?:top|mid|bottom|h)(?:rule|line)\b(?:\[[^\]]*\])?"
    r"|\\(?:cmidrule|cline|specialrule|addlinespace)\b(?:\([^)]*\)|\[[^\]]*\]|\{[^}]*\})*"
)
COLOURS = re.compile(
    r"\\(?:cell|row)?color\s*(?:\[[^\]]*\])?\{[^}]*\}|\\cite\w*(?:\[[^\]]*\])*\{[^}]*\}"
)


def tables(text: str) -> Iterator[list[list[str]]]:
    """The rows of every table, a cell that spans several columns followed by empty ones."""
    for found in ENVIRONMENT.finditer(COMMENT.sub("", text)):
        body = RULES.sub("", _without_arguments(found["body"], found[1]))
        rows = [_cells(row) for row in ROW.split(body) if row.strip()]
        if rows:
            yield rows


def _without_arguments(body: str, environment: str) -> str:
    """The body behind the arguments that say how wide it is and how its columns stand."""
    for _ in range(2 if environment in ("tabular*", "tabularx", "tabulary") else 1):
        body = re.sub(r"^\s*\[[^\]]*\]", "", body)
        _, body = _argument(body.lstrip())
    return body


def _cells(row: str) -> list[str]:
    cells = []
    for cell in re.split(r"(?<!\\)&", row):
        span, inner = _spanned(cell.strip())
        cells += [_said(inner), *[""] * (span - 1)]
    return cells


def _spanned(cell: str) -> tuple[int, str]:
    r"""How many columns a cell takes, and what is in it: \multicolumn and \multirow are undone."""
    span = 1
    while found := re.match(r"\\multi(column|row)\s*(?:\[[^\]]*\])?", cell):
        count, rest = _argument(cell[found.end() :])
        rest = re.sub(r"^\s*\[[^\]]*\]", "", rest)
        _, rest = _argument(rest)
        cell, _ = _argument(re.sub(r"^\s*\[[^\]]*\]", "", rest))
        cell = cell.strip()
        if found[1] == "column" and count.strip().isdigit():
            span = int(count)
    return span, cell


def _argument(text: str) -> tuple[str, str]:
    """The first group in braces, and what follows it; without a group an empty one."""
    text = text.lstrip()
    if not text.startswith("{"):
        return "", text
    depth = 0
    for position, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return text[1:position], text[position + 1 :]
    return text[1:], ""


def _said(cell: str) -> str:
    """A cell as plain text."""
    from pylatexenc.latex2text import LatexNodes2Text

    plain = LatexNodes2Text().latex_to_text(COLOURS.sub("", cell))
    return re.sub(r"[_^](?=\s*[±(*†‡])", " ", plain.replace("\n", " ")).strip()
