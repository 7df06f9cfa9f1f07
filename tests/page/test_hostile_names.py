"""Names that are commands elsewhere: what we write shows them, and does not obey them."""

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import browser
from click.testing import CliRunner
from markup import Element
from matplotlib.figure import Figure as Plot
from rich.console import Console

from bench.cli import main
from reports.doors import Figures
from reports.figures.figure import Figure
from reports.results.tidy import to_tidy_csv
from reports.tables.html import to_html
from reports.tables.table import Cell, Row, Table, to_csv, to_latex, to_markdown
from reports.tables.terminal import Terminal

NAMES = {
    "html": "<img src=x onerror=alert(1)>",
    "script": "<script>document.title='owned'<!-- ]]> &",
    "latex": r"\input{secret}%$&#_^~",
    "formula": "=1+1",
    "at": "@SUM(A1)",
    "minus": "-cmd",
    "plus": "+cmd",
    "direction": "\u202eabc",
    "lines": "a\nb\r\tc",
    "escape": "\x1b[31mred\x1b[0m",
    "letters": "данные 数据 ñ ł ع é",
    "quotes": "\"' `",
    "rich": "[bold]x[/bold]",
}
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def table(name: str) -> Table:
    row = Row(name, (Cell(0.5, 0.1, detail=name, mark="†"), name))
    return Table(f"T {name}", ("method", name, "n"), (row,), notes=(name,), data=name)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_csv_holds_no_formula(name: str) -> None:
    for text in (to_csv(table(name)), to_tidy_csv([{"method": name, "mean": -0.5, "x": "-0.5"}])):
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not [c for c in cells if c[:1] in "=+-@\t\r" and c and not re.match(r"-?\d", c)]
    assert list(csv.reader(io.StringIO(text)))[1][1:] == ["-0.5", "-0.5"]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_html_holds_text_only(name: str) -> None:
    drawing = Plot(figsize=(2, 2))
    drawing.suptitle(name)
    drawing.set_label(name)
    page = to_html(table(name)) + Figures([Figure(name, drawing, name, [])])._repr_html_()
    tags = {tag for tag, _, _ in Element(page).tags}
    assert not tags & {"img", "script"}
    ids = [attrs["id"] for attrs, _ in Element(page).all("g", "path") if "id" in attrs]
    assert ids and all(re.fullmatch(r"[\w-]+", one or "") for one in ids)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_terminal_markdown_and_latex_get_no_control_characters(name: str) -> None:
    out = io.StringIO()
    Console(file=out, width=300, color_system=None).print(Terminal(table(name)))
    for text in (out.getvalue(), to_markdown(table(name)), to_latex(table(name))):
        assert not UNSEEN.search(text)
    assert len(to_markdown(table(name)).splitlines()) == 9


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_sets_every_name(tmp_path: Path) -> None:
    (tmp_path / "secret.tex").write_text("SECRET")
    tables = "\n\\clearpage\n".join(to_latex(table(name)) for name in NAMES.values())
    page = f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}{tables}"
    (tmp_path / "t.tex").write_text(f"{page}\\end{{document}}", encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    assert b"secret.tex" not in done.stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of hostile names, with their table, figure and report."""
    folder = tmp_path_factory.mktemp("hostile")
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for split in ("train", "val", "test"):
        arrays[f"{split}_images"] = rng.integers(0, 256, (24, 28, 28), dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(24) % 2)[:, None]
    data = folder / f"{NAMES['html']}.npz"
    np.savez(data, **arrays)
    data.with_suffix(".yaml").write_text('labels: ["<b onclick=alert(1)>", "=2+2"]')
    code = "from methods.method import Method\n\n\nclass Mine(Method):\n    summary = '<i>x</i>'\n"
    names = [f"{NAMES[name]}.py" for name in ("script", "latex", "direction", "formula")]
    for name in names:
        (folder / name).write_text(f'"""{name[:3]!r}"""\n{code}'.replace("\\", ""), "utf-8")
    methods = ",".join(["none", *(f'"{folder / name}"' for name in names)])
    what = ["--datasets", f'"{data}"', "--methods", methods, "--seeds", "2"]
    what += ["--backbones", "test_byobnet", "--set", "steps=2", "--results", str(folder / "r")]
    for words in (["table", "1", "--workers", "1"], ["figure", "confusion", "--workers", "1"]):
        done = CliRunner().invoke(main, [*words, *what])
        assert done.exit_code == 0, done.output
        assert not UNSEEN.search(done.output)
    assert CliRunner().invoke(main, ["report", *what]).exit_code == 0
    return folder / "r"


@pytest.mark.slow
def test_what_commands_write_holds_no_command(results: Path) -> None:
    written = [p for p in results.rglob("*") if p.suffix in (".csv", ".svg", ".tex", ".html")]
    assert {p.suffix for p in written} == {".csv", ".svg", ".tex", ".html"}
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert not UNSEEN.search(text.replace("\t", "")), path.name
        if path.suffix in (".svg", ".html"):
            shown = re.sub(r"</?(text|tspan)\b[^>]*>", "", text.replace("&#39;", "'"))
            assert "<img" not in shown and "owned'<" not in shown
        if path.suffix == ".csv":
            cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
            assert not [c for c in cells if c.startswith(("=", "@"))], path.name


@pytest.mark.slow
def test_a_browser_shows_the_report_and_runs_nothing_of_it(results: Path, tmp_path: Path) -> None:
    (page,) = results.glob("report-*.html")
    with browser(tmp_path / "profile") as window:
        window.open(page)
        assert window.run("return document.title") != "owned"
        assert (
            window.run("return document.querySelectorAll('img, [onclick], [onerror]').length") == 0
        )
        shown = window.run("return document.body.innerText")
        assert NAMES["html"] in shown and "\\u202e" in shown
        assert not [e for e in window.log("browser") if e["level"] == "SEVERE"]
