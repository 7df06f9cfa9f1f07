"""The report as data, and its one-file page.

A section is a sequence of items: tables, figures, claims, methods, facts and commands. Every text
is plain; the page escapes it, and asks the network for nothing.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from textwrap import dedent
from typing import Literal, get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from bench.base.words import visible
from reports.figures import figure, style
from reports.tables.html import to_html
from reports.tables.table import Table

Pairs = tuple[tuple[str, str], ...]
Verdict = Literal[
    "supported",
    "supported, but smaller than printed",
    "contradicted",
    "smaller than printed",
    "undecided",
    "not decidable",
    "not tested",
]
RESERVED = ("contents", "main", "summary", "answer")
"""Anchors of the page itself."""


@dataclass(frozen=True)
class Figure:
    """An `<svg>` element, its caption, its numbers as a table to be unfolded; on a narrow screen
    another element, where there is one.

    No id may be in two elements of the page: `reports.figures.style.inline`.
    """

    svg: str
    caption: str
    numbers: Table | None = None
    narrow: str = ""

    @classmethod
    def of(cls, drawn: figure.Figure) -> "Figure":
        narrow = drawn.narrow and style.inline(drawn.narrow, f"{drawn.name}-narrow")
        svg = style.inline(drawn.drawing, drawn.name)
        return cls(svg, drawn.caption, drawn.numbers, narrow or "")


@dataclass(frozen=True)
class Claim:
    """What a publication claims, what our records say of it, and why; `source` is the place.

    `command` makes the records that are missing.
    """

    text: str
    verdict: Verdict
    reason: str
    source: str = ""
    command: str = ""


@dataclass(frozen=True)
class Method:
    """A method for readers: its formula in plain Unicode, its parameters with their defaults.

    Indented lines of the formula stand as they are, others are text. `url` is where the reference
    can be read, https only.
    """

    name: str
    summary: str
    formula: str = ""
    parameters: Pairs = ()
    reference: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        if self.url and not self.url.startswith("https://"):
            raise ValueError(f"{self.name}: {self.url!r} is no https address")


@dataclass(frozen=True)
class Facts:
    """Names and values, such as the keys of a protocol."""

    title: str
    pairs: Pairs


@dataclass(frozen=True)
class Answers:
    """Sentences, each with what it is about: `breast (10 seeds)`."""

    pairs: Pairs


@dataclass(frozen=True)
class Command:
    """One or more lines for a shell; `note` says what they make, and where it is written."""

    lines: str
    note: str = ""


@dataclass(frozen=True)
class Folded:
    """Items that are unfolded on demand."""

    title: str
    items: tuple["Item", ...]


Item = Table | Figure | Claim | Method | Facts | Answers | Command | Folded


@dataclass(frozen=True)
class Section:
    """A part of the page; `id` is its anchor, `lead` its paragraphs, divided by empty lines."""

    id: str
    title: str
    lead: str = ""
    items: tuple[Item, ...] = ()

    @property
    def verdicts(self) -> list[tuple[Verdict, int]]:
        """How many claims of the section have each verdict that there is."""
        counts = Counter(item.verdict for item in self.items if isinstance(item, Claim))
        return [(verdict, counts[verdict]) for verdict in get_args(Verdict) if counts[verdict]]


@dataclass(frozen=True)
class Page:
    """The report: `cautions` stand above all, then the `answer`; `summary` is what was run."""

    title: str
    summary: Pairs
    sections: tuple[Section, ...]
    lead: str = ""
    cautions: tuple[str, ...] = ()
    answer: Section | None = None

    def __post_init__(self) -> None:
        anchors = Counter((*RESERVED, *(section.id for section in self.sections)))
        if twice := [anchor for anchor, times in anchors.items() if times > 1]:
            raise ValueError(f"anchors used twice: {', '.join(twice)}")


def blocks(text: str) -> list[tuple[str, str]]:
    """`p` and a paragraph, whose lines are joined, or `pre` and indented lines as they are."""
    found = groupby(
        text.splitlines(), lambda line: "pre" if line[:1] == " " else line.strip() and "p"
    )
    return [
        (kind, dedent("\n".join(lines)) if kind == "pre" else " ".join(lines))
        for kind, lines in found
        if kind
    ]


def marked(text: str) -> Markup:
    """Plain text in which what stands between backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(visible(text)))))


def whole_words(command: str) -> Markup:
    """A command whose lines break between its words, and in a long one after a comma."""
    text = str(escape(visible(command, lines=True)))
    return Markup(re.sub(r"\S+", r"<span>\g<0></span>", text).replace(",", ",<wbr>"))


def render(page: Page) -> str:
    """The page as one HTML file."""
    environment = Environment(
        autoescape=True,
        finalize=lambda item: visible(item, lines=True) if type(item) is str else item,
        loader=FileSystemLoader(Path(__file__).parent),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    filters: dict[str, Callable[..., object]] = {
        "blocks": blocks,
        "marked": marked,
        "whole_words": whole_words,
        "kind": lambda item: type(item).__name__,
        "paragraphs": lambda text: [part for part in re.split(r"\n\s*\n", text) if part.strip()],
        "table": lambda table: Markup(to_html(table)),
        "inline": Markup,
    }
    environment.filters |= filters
    return environment.get_template("site.html").render(page=page)
