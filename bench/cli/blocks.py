"""Findings and verdicts in a terminal: a heading each, and below it what was found."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

INDENT = "  "


@dataclass(frozen=True)
class Block:
    """`kind` is a severity or verdict; `command`, where there is one, is printed to be copied."""

    kind: str
    heading: str
    text: str
    command: str = ""


def print_blocks(
    out: Console, title: str, kinds: Sequence[str], blocks: Sequence[Block], notes: Sequence[str]
) -> None:
    """The title with the number of each kind, the blocks, and what the kinds mean."""
    from rich.text import Text

    counts = Counter(block.kind for block in blocks)
    counted = ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind])
    out.print(Text.assemble((title, "bold"), f": {counted or 'nothing to say'}"))
    for block in blocks:
        out.print()
        out.print(Text.assemble((block.kind, "bold"), f"  {block.heading}"))
        wrapped = textwrap.fill(block.text, out.width - len(INDENT), break_on_hyphens=False)
        out.print(textwrap.indent(wrapped, INDENT), highlight=False, soft_wrap=True)
        if block.command:
            out.print(INDENT + block.command, style="dim", highlight=False, soft_wrap=True)
    out.print()
    for note in notes:
        out.print(Text(note, "dim"))
