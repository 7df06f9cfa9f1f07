"""What the site has beyond docs/: other pages of the repository, and the committed studies.

MkDocs calls the functions that begin with `on_`.
"""

import html
import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mkdocs.structure.files import File, Files

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "studies/first/README.md": "studies/first.md",
    "studies/medmnist/README.md": "studies/medmnist.md",
}
"""Where documents of the repository stand on the site; those of docs/ keep their names."""
REPORTS = {
    "studies/first/headline": "reports/first-cpu.html",
    "studies/first/gpu": "reports/first-gpu.html",
}
PARTS = ("studies/breast/table1", "studies/first/headline", "studies/first/gpu")
REFERENCES = ("none", "ails")
LINK = re.compile(r'(\]\(|src(?:set)?=")(?!https?:|#|mailto:)([^)\s"#]+)(#[^)\s"]*)?(?=[)"])')
"""A link or image, in Markdown or HTML: what is before its path, the path, the anchor."""
COLUMNS = (
    *("Method", "Against", "Dataset", "Verdict", "Difference", "Interval", "ACC (%)", "Seeds"),
    "Study",
)


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and assets that are not in docs/."""
    made: dict[str, str | bytes] = {
        target: (ROOT / source).read_text("utf-8") for source, target in PAGES.items()
    }
    made |= {f"assets/{path.name}": path.read_bytes() for path in HERE.glob("site.*")}
    made["api.md"] = (HERE / "api.md").read_text("utf-8")
    made |= {path: (ROOT / path.removeprefix("files/")).read_bytes() for path in sorted(_linked())}
    made |= studies()
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links between documents of the repository become links between pages."""
    here = page.file.src_uri
    source = next((s for s, target in PAGES.items() if target == here), f"docs/{here}")

    def moved(found: re.Match[str]) -> str:
        path = _place(posixpath.normpath(posixpath.join(posixpath.dirname(source), found[2])))
        relative = posixpath.relpath(path, posixpath.dirname(here) or ".")
        return f"{found[1]}{relative}{found[3] or ''}"

    return LINK.sub(moved, markdown)


def _place(path: str) -> str:
    """Where a file of the repository is found on the site."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return PAGES.get(path) or (f"files/{path}" if (ROOT / path).is_file() else path)


def _linked() -> Iterator[str]:
    """The files, other than documents, that documents link to."""
    documents = [*PAGES, *(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md"))]
    for name in documents:
        for found in LINK.finditer((ROOT / name).read_text("utf-8")):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), found[2]))
            if (place := _place(path)).startswith("files/"):
                yield place


def studies() -> dict[str, str | bytes]:
    """The page of all comparisons, and a report of each part, from the committed records."""
    import warnings

    from bench.base.errors import Note
    from bench.data.known import unaware
    from reports import report

    warnings.simplefilter("ignore", Note)
    made: dict[str, str | bytes] = {}
    rows = []
    with TemporaryDirectory() as folder, unaware():
        for name in PARTS:
            done = list(_done(name, Path(folder)))
            for study in done:
                rows += [(*row, name.removeprefix("studies/")) for row in _rows(study)]
            if name in REPORTS:
                datasets = [study.grid.datasets[0].name for study in done]
                path = report(_study(name, Path(folder), datasets), Path(folder) / "report.html")
                made[REPORTS[name]] = path.read_bytes()
    made["comparisons.md"] = (HERE / "comparisons.md").read_text("utf-8") + _table(rows)
    return made


def _study(name: str, folder: Path, datasets: list[str] | None = None) -> Any:
    from bench.committed import part

    return part(ROOT / name).study(results=folder / name.replace("/", "-"), datasets=datasets)


def _done(name: str, folder: Path) -> Iterator[Any]:
    """The study of each dataset that has records."""
    from bench.base.errors import BenchError
    from bench.committed import part

    for dataset in part(ROOT / name).selection["datasets"]:
        try:
            study = _study(name, folder, [dataset])
            if len(study.records()):
                yield study
        except BenchError:  # a file that is not here, and of which nothing is recorded
            continue


def _rows(study: Any) -> Iterator[tuple[str, ...]]:
    """Of a study of one dataset: as Table 1 says, so of the seeds of the look that was reached."""
    from reports import compare, table

    cells = table(1, study).to_frame().set_index("method")
    for reference in REFERENCES:
        for one in compare(study, reference=reference).itertuples():
            cell = cells.loc[one.method]
            yield (
                one.method,
                reference,
                one.dataset,
                one.verdict,
                percent(one.difference, "+"),
                f"{percent(one.low_family)} to {percent(one.high_family)}",
                f"{percent(cell['mean'])} ± {percent(cell['sd'])}",
                str(one.n),
            )


def percent(value: float, sign: str = "") -> str:
    """A fraction in percent; zero has no sign."""
    text = f"{100 * value:{sign}z.1f}".replace("-", "−")
    return text if text != "+0.0" else "0.0"


def _table(rows: list[tuple[str, ...]]) -> str:
    """An HTML table that `site.js` makes sortable."""
    head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    body = "".join(
        f'<tr><th scope="row">{html.escape(first)}</th>'
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        + "</tr>\n"
        for first, *cells in rows
    )
    caption = "<caption>Every comparison of the committed studies</caption>"
    return (
        f"\n<table data-sortable>{caption}\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}</tbody></table>\n"
    )
