"""The look of every figure, and how a figure leaves: as files, or as a part of a page."""

import functools
import html
import io
import re
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib.style
from matplotlib.artist import Artist
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure as MplFigure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from bench.base.files import write_bytes
from bench.base.words import visible

COLUMN, PAGE = 3.3, 6.9
"""Inches: the width of one column of a two-column page, and of both."""
TEXT, SMALL = 7.5, 6.5
"""Points."""
ON_SCREEN = 1.25
"""How much larger a figure is on a page of a browser, which is read from further away."""
GRAY = "#808080"
"""For lines that carry no data; as far from a light page as from a dark one."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", GRAY)
"""Okabe and Ito (2008); brown and gray for black and yellow, which some page would swallow."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "*")
LINES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
RULES: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # it comes with matplotlib: one layout on every machine
    "font.size": TEXT,
    "text.parse_math": False,
    "axes.titlesize": TEXT,
    "axes.titley": 1.0,  # nothing is above axes that a title would have to make room for
    "axes.labelsize": TEXT,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "grid.color": GRAY,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "savefig.dpi": 300,  # of what is drawn as pixels
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
    "pdf.fonttype": 42,
}
P = ParamSpec("P")


def styled(draw: Callable[P, MplFigure]) -> Callable[P, MplFigure]:
    """A decorator: the figure has this look, whatever the user's own settings, and its layout is
    settled, so that it is the same however often it is rendered."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> MplFigure:
        with matplotlib.style.context(["default", RULES]):
            figure = draw(*args, **kwargs)
            _settle(figure)
        return figure

    return drawn


def _settle(figure: MplFigure) -> None:
    """By the widths that text has in the files: on a screen, hinted, it is narrower.

    Twice where axes hold texts: these stand by their scales, and move with them.
    """
    FigureCanvasPdf(figure)
    figure.dpi = 72  # the PDF's own unit
    for _ in range(2 if any(axes.texts for axes in figure.axes) else 1):
        if engine := figure.get_layout_engine():
            engine.execute(figure)
    figure.set_layout_engine(None)  # else a file would be drawn twice, to lay it out once more


def look(index: int) -> dict[str, Any]:
    """Colour, marker and line of a series; no two of the first 440 agree in all three."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "marker": MARKERS[index % len(MARKERS)],
        "linestyle": LINES[index % len(LINES)],
    }


def new(width: float, height: float, label: str, note: str = "") -> MplFigure:
    """An empty figure. `label` says what it shows to who cannot see it; `note` stands below it."""
    figure = MplFigure(figsize=(width, height), layout="constrained")
    figure.set_label(label)
    if note:
        figure.supxlabel(wrap(note, width, SMALL), x=0.01, ha="left", fontsize=SMALL)
    return figure


def text_width(text: str, size: float = TEXT) -> float:
    """Of one line, in points."""
    properties = FontProperties(family=RULES["font.family"], size=size)
    width, _, _ = text_to_path.get_text_width_height_descent(text, properties, ismath=False)
    return float(width)


def wrap(text: str, width: float, size: float = TEXT) -> str:
    """Broken into lines no wider than so many inches, at spaces and after commas."""
    return "\n".join(_wrapped(line, width, size) for line in text.split("\n"))


def _wrapped(text: str, width: float, size: float) -> str:
    if text_width(text, size) <= width * 72:
        return text
    characters = max(1, int(width * 72 / text_width("n", size)))
    broken = textwrap.fill(text.replace(",", ",\v"), characters, replace_whitespace=False)
    return broken.replace("\v", "")


def cut(text: str, width: float, size: float = SMALL) -> str:
    """No wider than so many inches; where something was cut off, it ends in an ellipsis."""
    if text_width(text, size) <= width * 72:
        return text
    while text and text_width(f"{text}…", size) > width * 72:
        text = text[:-1].rstrip()
    return f"{text}…"


def add_legend(figure: MplFigure, handles: Sequence[Artist]) -> None:
    """A legend above the axes, in as many columns as fit; none for no handles."""
    if not handles:
        return
    labels = [str(handle.get_label()) for handle in handles]
    width = figure.get_figwidth() * 72 / (max(text_width(text, SMALL) for text in labels) + 32)
    columns = max(1, min(len(labels), int(width)))
    rows = -(-len(labels) // columns)
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=-(-len(labels) // rows),
        columnspacing=1.2,
        handletextpad=0.5,
    )


def save(figure: MplFigure, folder: Path, stem: str) -> list[Path]:
    """Write SVG and PDF, each whole or not at all; the same figure gives the same bytes.

    Raises StoreError where the folder cannot be written.
    """
    return [
        write_bytes(folder / f"{stem}.svg", _render(figure, "svg")),
        write_bytes(folder / f"{stem}.pdf", _render(figure, "pdf")),
    ]


def inline(figure: MplFigure, name: str) -> str:
    """The figure as an `<svg>` element of an HTML page, light or dark.

    Every id begins with `name`, which no other figure of the page may have. What is black takes
    the page's `color`, what is white its `--page`. Its style says `--width`, that of its text in
    full size.
    """
    text = _render(figure, "svg", transparent=True).decode()
    head, body = re.split(r"(?<=>)", text[text.index("<svg") :], maxsplit=1)
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)
    prefix = re.sub(r"[^A-Za-z0-9_-]", "-", name)
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", body)
    body = body.replace("#000000", "currentColor").replace("#ffffff", "var(--page, Canvas)")
    box = re.search(r'viewBox="[^"]*"', head)
    width = figure.get_figwidth() * 72
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{box and box[0]} width="{ON_SCREEN * width:g}pt" '
        f'style="--width: {ON_SCREEN * width:g}pt; max-width: 100%; height: auto" '
        f'role="img" '
        f'aria-label="{html.escape(visible(str(figure.get_label())))}" fill="currentColor" '
        f'stroke-linejoin="round" stroke-linecap="butt">{body}'
    )


def _render(figure: MplFigure, form: str, transparent: bool = False) -> bytes:
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}[form]
    file = io.BytesIO()
    with matplotlib.style.context(["default", RULES]):
        figure.savefig(
            file,
            format=form,
            transparent=transparent,
            metadata={"Title": str(figure.get_label())} | undated,
        )
    return file.getvalue()
