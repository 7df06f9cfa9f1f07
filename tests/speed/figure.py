"""A figure of speed: what was measured in each round, and what is expected of it."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Figure:
    """Values of the rounds, in a unit, or ratios; the median is to be `least` or more, or `most`
    or less.
    """

    what: str
    values: Sequence[float]
    unit: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def expected(self) -> str:
        bounds = ("≥", self.least), ("≤", self.most)
        return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)

    @property
    def good(self) -> bool:
        found = median(self.values)
        low = self.least is None or found >= self.least
        return low and (self.most is None or found <= self.most)

    def row(self) -> str:
        """Of a Markdown table."""
        found, unit = median(self.values), self.unit and f" {self.unit}"
        spread = f" ({min(self.values):.2f}–{max(self.values):.2f})" * (len(self.values) > 1)
        missed = "" if self.good else " **missed**"
        return f"| {self.what} | {found:.2f}{spread}{unit} | {self.expected}{missed} |"


HEAD = "| what | measured | expected |\n|---|--:|--:|"


def parser(text: str) -> ArgumentParser:
    """One with the option that all of these scripts have."""
    made = ArgumentParser(description=text.splitlines()[0])
    made.add_argument("--json", type=Path, help="write the figures here")
    return made


def tell(figures: Sequence[Figure], path: Path | None, **more: object) -> None:
    """Print the figures as a table, and write them where a file is named."""
    print("\n".join([HEAD, *(one.row() for one in figures)]), flush=True)
    if path:
        content = {"figures": [asdict(one) for one in figures]} | more
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
