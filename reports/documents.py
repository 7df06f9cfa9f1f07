"""Numbers in documents: what README, docs and studies print, made again from committed records.

A table stands between `<!-- bench table 1 --study studies/NAME/PART -->` and `<!-- end -->`, as
that command writes it. A table of other measurements follows `<!-- measured: COMMAND -->`. Whatever
else looks like a measured number has no record behind it, and is a finding.
"""

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.base.errors import BenchError
from bench.base.files import write_text

FENCE = r"^```.*?^```$"
BLOCK = re.compile(
    rf"{FENCE}|<!-- bench (?P<command>[^\n]+?) -->\n(?P<text>.*?)<!-- end -->", re.S | re.M
)
"""A block, or code, whose blocks are examples."""
MEASURED = re.compile(r"<!-- measured: [^\n]+? -->\n+(?:\|[^\n]*\n)+")
CODE = re.compile(r"`[^`\n]+`")
NUMBER = re.compile(r"\d ?± ?\d|^\|.*\d\.\d.*\|$", re.M)
"""A mean with its deviation, or a decimal in a table."""
PLACES = ("README.md", "docs/*.md", "studies/*/README.md")

Render = Callable[[str], str]
"""What a command, without `bench`, writes as Markdown."""


@dataclass(frozen=True)
class Finding:
    """What became of a table, or of a number without one; `problem` is empty where all is well."""

    place: str
    """File and line."""
    command: str
    problem: str


def check(root: Path, render: Render) -> list[Finding]:
    """Every table that a command of ours wrote, made again; and numbers that none backs."""
    return [finding for path in documents(root) for finding in _findings(path, root, render)]


def update(root: Path, render: Render) -> list[Path]:
    """Write the tables anew that a command of ours makes; returns the files that changed."""
    changed = []
    for path in documents(root):
        before = path.read_text(encoding="utf-8")
        after = BLOCK.sub(lambda found: _block(found, render), before)
        if after != before:
            changed.append(write_text(path, after))
    return changed


def documents(root: Path) -> list[Path]:
    """The documents of a clone. Raises BenchError where there are none."""
    found = sorted(path for place in PLACES for path in root.glob(place))
    if not found:
        raise BenchError(f"no README, docs or studies in {root}: this check is of a clone")
    return found


def _findings(path: Path, root: Path, render: Render) -> Iterator[Finding]:
    text, name = path.read_text(encoding="utf-8"), path.relative_to(root)
    for found in filter(_is_made, BLOCK.finditer(text)):
        place = f"{name}:{_line(text, found.start())}"
        yield Finding(place, found["command"], _difference(found, render))
    rest = text
    for backed in (BLOCK, MEASURED, CODE):
        rest = backed.sub(_blank, rest)
    for found in NUMBER.finditer(rest):
        place = f"{name}:{_line(rest, found.start())}"
        yield Finding(place, "", f"no record backs {_shown(rest, found)!r}")


def _is_made(found: re.Match[str]) -> bool:
    return found["command"] is not None


def _block(found: re.Match[str], render: Render) -> str:
    if not _is_made(found):
        return found[0]
    command = found["command"]
    return f"<!-- bench {command} -->\n{render(command).strip()}\n<!-- end -->"


def _difference(found: re.Match[str], render: Render) -> str:
    """The first line that differs; empty where none does."""
    try:
        now = render(found["command"]).strip().splitlines()
    except BenchError as error:
        return str(error)
    before = found["text"].strip().splitlines()
    lines = [line for line in difflib.ndiff(before, now) if line[0] in "-+"]
    return f"{len(lines)} lines differ, first {lines[0]!r}" if lines else ""


def _blank(found: re.Match[str]) -> str:
    """As many lines, of nothing."""
    return "\n" * found[0].count("\n")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _shown(text: str, found: re.Match[str]) -> str:
    line = text.splitlines()[_line(text, found.start()) - 1]
    return line if len(line) < 70 else f"{line[:69]}…"
