import csv
import io
import math
import re
import shutil
import string
import subprocess
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from reports.published.printed import FOLDER
from reports.tables.output import Output, write
from reports.tables.published import published
from reports.tables.table import (
    MISSING,
    Cell,
    Row,
    Table,
    mean_cell,
    to_csv,
    to_latex,
    to_markdown,
)
from reports.tables.terminal import Terminal, blocks

PHANTOM = "phantom data, not MedMNIST"
AWKWARD = r"a_b %1 & $x$ #2 {c} C:\d ~e ^f |g| <h> `i` *j* [k] --set l=m, 'n' \"o\" /p?!;@"

TABLE = Table(
    title="Accuracy (%), mean ± SD",
    columns=("method", "breast", "retina", "mean"),
    rows=(
        Row("bsda", (Cell(0.861, 0.015, mark="*"), Cell(0.572, 0.001), Cell(0.7165, 0.01))),
        Row("ails (paper)", (Cell(0.877, 0.008), Cell(0.606, 0.01), "87"), published=True),
        Row("ails[alpha=0.5]", (Cell(0.877, 0.008, best=True), MISSING, MISSING)),
    ),
    notes=("* p < 0.05", "python -m bench run --set a_b=c"),
    label="tab:one",
)
AWKWARD_TABLE = Table(
    title=AWKWARD,
    columns=("[first]", AWKWARD, "*"),
    rows=(
        Row("[x]", (AWKWARD, Cell(-0.5, 0.1, best=True, mark="*†"))),
        Row("*y", ("[z]", Cell(0.1))),
        Row("resnest101+densenet121", ("α ≥ β – σ² — −1 ≤ 28×28 ± 2", ""), published=True),
    ),
    notes=(AWKWARD, "*", "[1]"),
)


def terminal(table, width=200, ansi=False):
    console = Console(file=io.StringIO(), width=width, color_system="standard" if ansi else None)
    console.print(Terminal(table))
    return console.file.getvalue()


def html_rows(markdown):
    """The cells of a Markdown table as a renderer shows them: inner HTML."""
    html = MarkdownIt("commonmark").enable("table").render(markdown)
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.S)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in rows]


def grid(latex):
    """The lines of a tabular as lists of cells, split at the `&` that are not escaped."""
    lines = [line for line in latex.splitlines() if line.endswith(r" \\")]
    return [re.split(r" (?<!\\)& ", line.removesuffix(r" \\")) for line in lines]


class TestCells:
    def test_fractions_become_percent(self):
        table = Table("", ("m", "a"), (Row("x", (Cell(0.87349, 0.0081),)),))
        assert to_csv(table) == "m,a\nx,87.3 ± 0.8\n"
        assert to_csv(replace(table, decimals=2)) == "m,a\nx,87.35 ± 0.81\n"

    @pytest.mark.parametrize(
        ("cell", "text"),
        [
            (MISSING, "–"),
            (Cell(None, 0.1), "–"),
            (Cell(math.nan, math.nan), "–"),
            (Cell(0.5, None), "50.0"),
            (Cell(0.5, math.nan), "50.0"),
            (Cell(-0.00001, 0.0), "0.0 ± 0.0"),
            ("as it is", "as it is"),
        ],
    )
    def test_what_does_not_exist(self, cell, text):
        table = Table("", ("m", "a"), (Row("x", (cell,)),))
        assert to_csv(table).splitlines()[1] == f"x,{text}"
        assert html_rows(to_markdown(table))[1] == ["x", text]

    def test_a_mean_takes_all_cells_and_the_callers_sd(self):
        assert mean_cell([Cell(0.25, 0.1), Cell(0.75, 0.3)], 0.05) == Cell(0.5, 0.05)

    @pytest.mark.parametrize("hole", [MISSING, Cell(math.nan)])
    def test_no_mean_over_a_missing_cell(self, hole):
        assert mean_cell([Cell(0.5), hole], 0.05) == MISSING
        assert mean_cell([]) == MISSING

    def test_a_row_fills_the_columns(self):
        with pytest.raises(ValueError, match=r"'x' fills 2 of 3"):
            Table("", ("m", "a", "b"), (Row("x", ("1",)),))


class TestCsv:
    def test_whole(self):
        assert to_csv(TABLE).splitlines() == [
            "method,breast,retina,mean",
            "bsda,86.1 ± 1.5,57.2 ± 0.1,71.7 ± 1.0",
            "ails[alpha=0.5],87.7 ± 0.8,–,–",
            "ails (paper) (published),87.7 ± 0.8,60.6 ± 1.0,87",
        ]

    def test_phantom_data_is_a_column_of_the_measured_rows(self):
        frame = pd.read_csv(io.StringIO(to_csv(replace(TABLE, data=PHANTOM))))
        assert list(frame.columns) == [*TABLE.columns, "data"]
        assert list(frame["data"].fillna("")) == [PHANTOM, PHANTOM, ""]

    def test_awkward_text_survives_a_parser(self):
        header, *rows = csv.reader(io.StringIO(to_csv(AWKWARD_TABLE)))
        assert header == ["[first]", AWKWARD, "*"]
        assert rows[0] == ["[x]", AWKWARD, "-50.0 ± 10.0"]


class TestMarkdown:
    def test_whole(self):
        assert to_markdown(TABLE) == (
            "**Accuracy (%), mean ± SD**\n\n"
            "| method | breast | retina | mean |\n"
            "| :-- | --: | --: | --: |\n"
            "| bsda | 86.1 ± 1.5\\* | 57.2 ± 0.1 | 71.7 ± 1.0 |\n"
            "| ails\\[alpha=0.5\\] | **87.7 ± 0.8** | – | – |\n"
            "| ails (paper) (published) | 87.7 ± 0.8 | 60.6 ± 1.0 | 87 |\n\n"
            "\\* p \\< 0.05\n\n"
            "python -m bench run --set a\\_b=c\n"
        )

    @given(st.text(string.ascii_letters + string.punctuation + "±–×", min_size=1))
    def test_a_renderer_shows_the_text_as_it_was(self, text):
        table = Table(text, ("m", text), (Row(text, (text,)),))
        html = MarkdownIt("commonmark").render("x " + text.translate(ESCAPED)).strip()
        shown = html.removeprefix("<p>x ").removesuffix("</p>")
        assert html_rows(to_markdown(table)) == [["m", shown], [shown, shown]]

    def test_best_and_mark(self):
        row = html_rows(to_markdown(AWKWARD_TABLE))[1]
        assert row[2] == "<strong>-50.0 ± 10.0</strong>*†"


ESCAPED = {ord(c): "\\" + c for c in string.punctuation}


class TestLatex:
    def test_every_line_has_all_columns(self):
        for table in (TABLE, AWKWARD_TABLE):
            assert {len(line) for line in grid(to_latex(table))} == {len(table.columns)}

    def test_braces_and_environments_close(self):
        for table in (TABLE, AWKWARD_TABLE):
            latex = to_latex(table)
            depth = 0
            for brace in re.findall(r"(?<!\\)[{}]", latex):
                depth += 1 if brace == "{" else -1
                assert depth >= 0
            assert depth == 0
            begun = re.findall(r"\\begin\{(.*?)\}", latex)
            assert begun[::-1] == re.findall(r"\\end\{(.*?)\}", latex)

    def test_cells(self):
        _, bsda, ails, paper = grid(to_latex(TABLE))
        assert bsda[1] == r"86.1\,$\pm$\,1.5\rlap{$^{{*}}$}"
        assert ails == [
            "ails{[}alpha=0.5{]}",
            r"\textbf{87.7\,$\pm$\,0.8}",
            *2 * [r"\textendash{}"],
        ]
        assert paper[0] == "ails (paper) (published)"

    def test_published_rows_stand_below_a_rule(self):
        lines = to_latex(TABLE).splitlines()
        rules = [number for number, line in enumerate(lines) if line == r"\midrule"]
        assert len(rules) == 2
        assert lines[rules[1] + 1].startswith("ails (paper) (published) & ")
        assert to_latex(replace(TABLE, rows=TABLE.rows[:1])).count(r"\midrule") == 1

    def test_only_booktabs_and_the_kernel(self):
        commands = set(re.findall(r"\\([A-Za-z]+)", to_latex(TABLE) + to_latex(AWKWARD_TABLE)))
        assert not commands & {"multirow", "num", "tnote", "cmidrule", "resizebox", "makecell"}
        assert "usepackage" not in commands

    @pytest.mark.parametrize("size", ["", "twocolumn"])
    def test_compiles(self, tmp_path, size):
        if not shutil.which("pdflatex"):
            pytest.skip("pdflatex is not installed")
        tables = [TABLE, AWKWARD_TABLE, paper_table(), replace(TABLE, rows=(), data=PHANTOM)]
        (tmp_path / "t.tex").write_text(
            rf"\documentclass[{size}]{{article}}\usepackage{{booktabs}}"
            + r"\begin{document}"
            + "\n".join(map(to_latex, tables))
            + r"\end{document}",
            encoding="utf-8",
        )
        command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
        run = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, errors="replace"
        )
        assert run.returncode == 0, run.stdout[-2000:]
        assert "Missing character" not in (tmp_path / "t.log").read_text(errors="replace")

    @pytest.mark.parametrize(("line", "wider"), [("6cm", "table"), ("30cm", "line")])
    def test_notes_are_as_wide_as_the_table_or_nearly_the_line(self, line, wider, tmp_path):
        if not shutil.which("pdflatex"):
            pytest.skip("pdflatex is not installed")
        told = to_latex(replace(TABLE, notes=("a",))).replace(
            r"\parbox", r"\typeout{WIDTHS \the\dimen0 \the\wd0 \the\linewidth}\parbox"
        )
        (tmp_path / "t.tex").write_text(
            rf"\documentclass{{article}}\usepackage{{booktabs}}\textwidth={line}"
            rf"\begin{{document}}{told}\end{{document}}",
            encoding="utf-8",
        )
        command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
        out = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        (found,) = re.findall(r"WIDTHS ([\d.]+)pt ?([\d.]+)pt ?([\d.]+)pt", out.stdout)
        notes, table, least = float(found[0]), float(found[1]), 0.8 * float(found[2])
        assert (table > least) == (wider == "table")
        assert notes == pytest.approx(max(table, least), rel=1e-3)

    @pytest.mark.parametrize("words", ["", "a note as long as those of the readings, " * 40])
    def test_many_rows_fit_a_page(self, tmp_path, words):
        """The readings of AILS are the longest table: 52 rows and a dozen notes."""
        if not shutil.which("pdflatex"):
            pytest.skip("pdflatex is not installed")
        name = "a reading whose name is as long as theirs"
        rows = tuple(replace(TABLE.rows[0], label=f"{name} {number}") for number in range(52))
        text = to_latex(replace(TABLE, rows=rows, notes=(words,)))
        (tmp_path / "t.tex").write_text(
            r"\documentclass[twocolumn]{article}\usepackage{booktabs}\begin{document}"
            + text
            + r"\end{document}",
            encoding="utf-8",
        )
        subprocess.run(["pdflatex", "t.tex"], cwd=tmp_path, capture_output=True, check=True)
        assert "too large" not in (tmp_path / "t.log").read_text(errors="replace")

    def test_the_page_shows_the_text_as_it_was(self, tmp_path):
        if not (shutil.which("pdflatex") and shutil.which("pdftotext")):
            pytest.skip("pdflatex or pdftotext is not installed")
        (tmp_path / "t.tex").write_text(
            r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern,booktabs}"
            r"\usepackage[paperwidth=50cm,margin=1cm]{geometry}\begin{document}"
            + to_latex(AWKWARD_TABLE)
            + r"\end{document}",
            encoding="utf-8",
        )
        for command in (["pdflatex", "-halt-on-error", "t.tex"], ["pdftotext", "-layout", "t.pdf"]):
            subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
        page = re.sub(r"\s+", "", (tmp_path / "t.txt").read_text(encoding="utf-8"))
        assert page.count(re.sub(r"\s+", "", AWKWARD).replace("'", "’")) == 4


class TestTerminal:
    def test_text_is_no_markup(self):
        shown = terminal(TABLE)
        assert "ails[alpha=0.5]" in shown
        assert "86.1 ± 1.5*" in shown

    def test_best_is_bold(self):
        assert "\x1b[1m87.7 ± 0.8" in terminal(TABLE, ansi=True)

    def test_nothing_of_the_paper_is_lost_at_80_columns(self):
        table = paper_table()
        shown = terminal(table, width=80)
        assert max(map(len, shown.splitlines())) <= 80
        for row in table.rows:
            for number in row.cells[:-1]:
                assert f" {100 * number.mean:.1f} ± {100 * number.sd:.1f}" in shown
        assert all(column in shown.split() for column in table.columns)

    @pytest.mark.parametrize("width", [60, 79, 80, 120, 200])
    def test_cells_are_whole_at_any_width_and_fill_it(self, width):
        table = paper_table()
        shown = terminal(table, width=width)
        assert max(map(len, shown.splitlines())) <= width
        printed = re.findall(r"\d+\.\d ± \d+\.\d", shown)
        assert len(printed) == sum(cell.sd is not None for row in table.rows for cell in row.cells)
        parts = blocks(table, width)
        assert sorted(c for part in parts for c in part) == list(range(1, len(table.columns)))
        assert (len(parts) == 1) == (width == 200)

    def test_a_text_breaks_at_words_and_stays_beside_its_label(self):
        table = Table("", ("kind", "text"), (Row("note", ("word " * 40,)),))
        shown = terminal(table, width=80)
        assert shown.count("word") == 40 and shown.count("note") == 1


@pytest.mark.parametrize("write", [to_csv, to_latex, to_markdown, terminal])
def test_phantom_data_is_said_in_every_format(write):
    assert PHANTOM not in write(TABLE)
    assert PHANTOM in write(replace(TABLE, data=PHANTOM))


@pytest.mark.parametrize("write", [to_latex, to_markdown, terminal])
def test_notes_stand_in_every_format_for_readers(write):
    assert "p = 0.05 for all" in write(replace(TABLE, notes=("p = 0.05 for all",)))


def test_latex_has_short_notes_and_no_folder_unless_asked():
    told = replace(
        TABLE,
        answer=("mixup worse",),
        notes=("* marks",),
        origin=(
            "Command: bench table 1 --datasets /home/me/a.npz,~/b.npz --methods ../c.py:D 1/2",
        ),
    )
    assert "marks" in to_latex(told) and "worse" not in to_latex(told)
    full = to_latex(told, "full")
    assert "worse" in full and "a.npz,\\allowbreak{}b.npz" in full and " c.py:D 1/2" in full
    assert "home" not in full and "~" not in full and "marks" not in to_latex(told, "none")


def test_a_title_is_for_print_alone():
    rows = (Row("mine", (Cell(0.5),)), Row("mine[alpha=2]", (Cell(0.5),)), Row("mined", ("mine",)))
    table = Table("mine on breast", ("method", "mine"), rows, titles={"mine": "Mine (ours)"})
    assert [row.label for row in table.in_print().rows] == [
        "Mine (ours)", "Mine (ours)[alpha=2]", "mined",
    ]  # fmt: skip
    assert "Mine (ours) on breast" in to_latex(table) and "ours" not in to_markdown(table)
    assert "ours" not in to_csv(table) and "ours" not in terminal(table)


def test_tests_of_an_earlier_table_do_not_stay_beside_one_without(tmp_path):
    output = Output("table1", TABLE, [], [{"p": 0.01}])
    assert tmp_path / "table1-tests.csv" in write(output, tmp_path)
    paths = write(replace(output, tests=[]), tmp_path)
    assert sorted(paths) == sorted(tmp_path.iterdir()) and len(paths) == 4


def paper_table():
    numbers = published(1)
    rows = tuple(
        Row(name, (*cells.values(), mean_cell(cells.values())), published=name == "ails")
        for name, cells in numbers.items()
    )
    return Table("Table 1", ("method", *numbers["ails"], "mean"), rows)


class TestPublished:
    def test_percent_become_fractions(self):
        assert published(1)["mixup"]["blood"] == Cell(pytest.approx(0.873), pytest.approx(0.008))
        assert published(4)["ails"]["20%"] == Cell(pytest.approx(0.694), pytest.approx(0.032))

    def test_what_is_no_mean_and_sd_stays_as_printed(self):
        assert published(2)["resnest101"]["epochs_baseline"] == "65"
        assert published(3)["path"] == {
            "modality": "Colon Pathology",
            "train": "89996",
            "val": "10004",
            "test": "7180",
        }
        assert published(5)["0.3"]["kl"] == "0.18"

    @pytest.mark.parametrize("number", range(1, 7))
    def test_printing_gives_back_the_file(self, number):
        numbers = published(number)
        columns = list(next(iter(numbers.values())))
        rows = tuple(Row(name, tuple(cells.values())) for name, cells in numbers.items())
        decimals = 2 if number in (5, 6) else 1
        header, *lines = csv.reader(
            io.StringIO(to_csv(Table("", ("", *columns), rows, decimals=decimals)))
        )
        _, *printed = csv.reader((FOLDER / f"table{number}.csv").open(encoding="utf-8"))
        assert header[1:] == columns
        assert [[numeric(cell) for cell in line] for line in lines] == [
            [numeric(cell) for cell in line] for line in printed
        ]

    def test_the_mean_of_ails_over_nine_sets(self):
        """README of the published numbers: 85.73 by arithmetic, 85.74 as printed."""
        assert mean_cell(published(1)["ails"].values()).mean == pytest.approx(0.8573, abs=5e-5)


def numeric(text):
    """`87.30 ± 0.80` and `87.3±0.8` are one."""
    parts = text.split("±")
    return [float(part) for part in parts] if len(parts) == 2 else text
