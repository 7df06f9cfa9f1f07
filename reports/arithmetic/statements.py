"""What the paper says in prose, as data, and where the tables of other papers come from."""

import csv
from dataclasses import dataclass

from reports.published.numbers import Number
from reports.published.printed import FOLDER


@dataclass(frozen=True)
class Statement:
    """A sentence of the paper, or a part of one, and where it stands; `value` as in `text`."""

    id: str
    value: str
    text: str
    section: str

    @property
    def number(self) -> Number:
        number = Number.parse(self.value)
        assert number is not None, self.id
        return number


@dataclass(frozen=True)
class Source:
    """A publication, and how many runs on which backbone its means are of."""

    publication: str
    runs: int
    backbone: str


def statements() -> dict[str, Statement]:
    """Those of `published/statements.csv`, by id."""
    with (FOLDER / "statements.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: Statement(**row) for row in csv.DictReader(file)}


def source(table: str) -> Source:
    """Where a table of `published/` that is not the paper's comes from."""
    with (FOLDER / "sources.csv").open(encoding="utf-8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["table"] == table)
    return Source(row["publication"], int(row["runs"]), row["backbone"])
