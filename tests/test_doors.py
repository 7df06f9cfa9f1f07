"""What a study says, in Python and at the command line: any metric, either split, old records."""

import runpy
import shutil
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from made_up import fill

import reports
from bench import metrics
from bench.base.errors import BenchError, Note
from bench.base.task import Task
from bench.cli import main
from bench.grid.cell import Run
from bench.study import Study
from reports import compare, figure, needs, report, table
from reports.results.compare import COLUMNS

ROOT = Path(__file__).parent.parent
OF_TABLE: dict[int, dict[str, Any]] = {
    1: {"datasets": "phantom-binary,phantom-multilabel", "methods": "none,mixup,ails"},
    2: {"datasets": "phantom-binary", "backbones": "test_byobnet,test_resnet"},
    4: {"datasets": "phantom-binary", "methods": "none,mixup,ails"},
    5: {"datasets": "phantom-binary"},
}


def planted(run: Run) -> dict[str, float]:
    """`mixup` is better than the others in every metric, by about the same at every seed."""
    better = (run.cell.method.name == "mixup") * (0.1 + 0.001 * run.seed)
    test = dict.fromkeys(("acc", "auc", "balanced_acc", "macro_f1"), 0.7 + better)
    test |= dict.fromkeys(("nll", "brier", "ece"), 0.5 - better)
    return test | {f"val_{name}": value / 2 for name, value in test.items()}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of all the tables of `OF_TABLE`."""
    folder = tmp_path_factory.mktemp("results")
    for number, changes in OF_TABLE.items():
        found = needs(number, study(folder, **changes))
        fill(found.store, found.grid, planted)
    return folder


def study(results: Path, **changes: Any) -> Study:
    return Study(**{"backbones": "test_byobnet", "seeds": 5, "results": results} | changes)


def words(found: Study) -> list[str]:
    """The options of the command line that make the same study."""
    given = [("--datasets", found.datasets), ("--methods", found.methods)]
    given += [("--backbones", found.backbones), ("--seeds", found.seeds)]
    options = [str(word) for pair in given if pair[1] is not None for word in pair]
    return [*options, "--results", str(found.results), "--workers", "1"]


def bench(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.mark.parametrize("number", OF_TABLE)
@pytest.mark.parametrize("metric", metrics.names())
def test_every_metric_is_shown_by_every_table(number: int, metric: str, results: Path) -> None:
    found = study(results, **OF_TABLE[number])
    printed = table(number, found, metric=metric)
    assert metrics.get(metric).title in printed[0].table.title + str(printed[0].table.columns)
    rows = printed.to_frame()
    of_metric = rows[(rows["metric"] == metric) & (rows["dataset"] == "phantom-binary")]
    assert (of_metric["n"] == 5).all() and of_metric["mean"].notna().all()


def test_the_command_line_prints_what_python_gives(results: Path) -> None:
    found = study(results, **OF_TABLE[1])
    done = bench("table", "1", *words(found), "--metric", "kappa", "--tests")
    assert done.exit_code == 0, done.output
    (written,) = (results / "tables" / "laptop").glob("table1-kappa-tidy.csv")
    printed = table(1, found, metric="kappa")
    numbers = ["mean", "sd", "low", "high"]
    assert pd.read_csv(written)[numbers].equals(printed.to_frame()[numbers].astype(float))
    assert f"{metrics.get('kappa').title}, test_byobnet: method minus ails" in done.output
    assert "Holm" in done.output
    plain = bench("table", "1", *words(found), "--metric", "kappa")
    assert "method minus ails" not in plain.output


@pytest.mark.parametrize("number", [1, 4])
def test_a_metric_that_a_task_cannot_have_is_a_dash_with_a_note(number: int, results: Path) -> None:
    found = study(results, datasets="phantom-multilabel", methods="none,mixup")
    found = needs(number, found)
    fill(found.store, found.grid, planted)
    printed = str(table(number, found, metric="kappa"))
    assert "–" in printed
    assert f"κ is not defined for {Task.MULTILABEL.value} data" in " ".join(printed.split())


def bold(printed: Any) -> list[str]:
    """The rows with a bold cell."""
    return [row.heading for row in printed[0].table.rows if any(c.best for c in row.cells)]


@pytest.mark.parametrize("number", [1, 4])
@pytest.mark.parametrize("metric", metrics.RECORDED)
def test_the_best_is_bold_whatever_the_direction(number: int, metric: str, results: Path) -> None:
    found = replace(study(results, **OF_TABLE[number]), datasets="phantom-binary")
    assert bold(table(number, found, metric=metric)) == ["mixup"]


@pytest.mark.parametrize("metric", metrics.RECORDED)
@pytest.mark.parametrize("split", ["val", "test"])
def test_the_verdict_knows_the_direction(metric: str, split: Any, results: Path) -> None:
    found = study(results, datasets="phantom-binary", methods="none,mixup")
    (row,) = compare(found, "none", metric, split=split).to_dict("records")
    assert (row["method"], row["reference"], row["n"]) == ("mixup", "none", 5)
    assert row["verdict"] == "better"
    assert (row["difference"] > 0) == metrics.get(metric).higher_is_better
    (row,) = compare(found, "mixup", metric, split=split).to_dict("records")
    assert row["verdict"] == "worse"


def test_few_seeds_decide_nothing(results: Path) -> None:
    found = study(results, datasets="phantom-binary", methods="none,mixup", seeds=4)
    assert set(compare(found, "none")["verdict"]) == {"undecided"}


@pytest.mark.parametrize("number", OF_TABLE)
def test_the_validation_split_has_its_own_numbers_and_files(number: int, results: Path) -> None:
    found = study(results, **OF_TABLE[number])
    test, validation = (table(number, found, split=split) for split in ("test", "val"))
    halves = [
        frame[frame["metric"].isin(("acc", "val_acc"))]["mean"].to_numpy()
        for frame in (test.to_frame(), validation.to_frame())
    ]
    assert halves[1] == pytest.approx(halves[0] / 2)
    assert "alidation" in validation[0].table.title and "alidation" not in test[0].table.title
    assert {one.name for one in test}.isdisjoint(one.name for one in validation)


@pytest.mark.parametrize("number", OF_TABLE)
def test_two_metrics_of_a_table_are_two_files(number: int, results: Path) -> None:
    found = study(results, **OF_TABLE[number])
    names = [table(number, found, metric=metric)[0].name for metric in ("acc", "nll", "kappa")]
    assert len(set(names)) == 3


@pytest.mark.parametrize("metric", sorted(set(metrics.names()) - set(metrics.RECORDED)))
def test_what_is_not_kept_of_validation_is_refused(metric: str, results: Path) -> None:
    found = study(results, **OF_TABLE[1])
    with pytest.raises(BenchError, match="not recorded on the validation split; use acc, auc"):
        table(1, found, metric=metric, split="val")
    done = bench("compare", *words(found)[:-2], "--metric", metric, "--split", "val")
    assert done.exit_code == 2 and "not recorded on the validation split" in done.stderr


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"metric": "kapa"}, "did you mean 'kappa'"),
    ({"reference": "mixpu"}, "did you mean 'mixup'"),
    ({"combine": "meen"}, "did you mean 'mean'"),
    ({"split": "vall"}, "did you mean 'val'"),
    ({"split": "train"}, "choose from test, val"),
    ({"split": "val", "combine": "ensemble"}, "records keep test scores only"),
]


@pytest.mark.parametrize(("wrong", "answer"), WRONG, ids=str)
def test_a_wrong_word_is_answered(wrong: dict[str, Any], answer: str, results: Path) -> None:
    found = study(results, **OF_TABLE[1])
    for door in (compare, lambda study, **given: table(1, study, **given)):
        with pytest.raises(BenchError, match=answer):
            door(found, **wrong)


def test_a_comparison_of_one_method_is_refused(results: Path) -> None:
    with pytest.raises(BenchError, match="needs two methods"):
        compare(study(results, datasets="phantom-binary", methods="none"))


def test_nothing_done_is_said(tmp_path: Path) -> None:
    found = study(tmp_path / "empty", datasets="phantom-binary", methods="none,mixup,ails")
    with pytest.warns(Note, match="no comparison yet"):
        assert list(compare(found)) == list(COLUMNS)
    assert "–" in str(table(1, found))
    with pytest.raises(BenchError, match="nothing to draw for figure forest"):
        figure("forest", found)


def test_what_a_notebook_shows(results: Path) -> None:
    found = study(results, **OF_TABLE[1])
    printed, drawn = table(1, found), figure("forest", found)
    assert printed._repr_html_().count("<table>") == len(printed) == 1
    assert "<svg" in drawn._repr_html_() and "<figcaption>" in drawn._repr_html_()
    assert repr(printed).startswith("ACC (%)") and drawn[0].caption in repr(drawn)
    assert printed.to_latex().count(r"\begin{tabular}") == 1
    assert printed.to_markdown().count("| mixup |") == 1
    assert len(drawn.to_frame()) > 0 and len(printed.tests()) > 0


def test_a_notebook_shows_a_table_once(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text, of which Jupyter asks too, displays nothing by itself."""
    shown: list[object] = []
    display = ModuleType("IPython.display")
    display.display = shown.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert repr(table(1, study(results, **OF_TABLE[1]))).startswith("ACC (%)")
    assert not shown


def test_the_report_is_written_where_it_is_asked_for(results: Path, tmp_path: Path) -> None:
    found = study(results, **OF_TABLE[5])
    assert report(found, tmp_path / "new" / "r.html").read_text("utf-8").startswith("<!")
    with pytest.raises(BenchError, match=r"is a folder; name a file, such as .*report\.html"):
        report(found, tmp_path)


def test_old_records_have_the_new_metrics(tmp_path: Path) -> None:
    with tarfile.open(ROOT / "tests" / "frozen" / "store.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    found = Study(
        "phantom-binary",
        "none,mixup,ails",
        "test_resnet",
        seeds=3,
        settings={"steps": 28, "lr": 0.01},
        results=tmp_path,
    )
    assert set(found.records()["seed"]) == {0, 1, 2}
    for metric in metrics.names():
        assert set(compare(found, "none", metric)["method"]) == {"mixup", "ails"}


def test_the_quick_start_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of it, with fewer steps and seeds."""
    text = (ROOT / "examples" / "quickstart.py").read_text("utf-8")
    short = text.replace("seeds=5", "seeds=2").replace('"steps": 28', '"steps": 4')
    assert short != text
    (tmp_path / "quickstart.py").write_text(short, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("quickstart.py", run_name="__main__")
    shown = capsys.readouterr().out
    assert "6 runs to do" in shown and "macro_f1" in shown and "κ, mean ± SD" in shown
    assert list((tmp_path / "results" / "figures").glob("forest*.svg"))
    shutil.rmtree(tmp_path / "results")


def test_the_doors_are_listed() -> None:
    assert {"compare", "figure", "needs", "report", "table", "tuned"} == set(reports.__all__)
    with pytest.raises(AttributeError, match="tabel"):
        _ = reports.tabel
