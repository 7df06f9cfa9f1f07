"""Table 1 from records: what is printed, what is a dash, what is tested against what."""

import csv
import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up import record as made
from made_up import study
from scipy import stats
from statsmodels.stats.multitest import multipletests

from bench.base.errors import BenchError
from bench.grid import configs, grid
from bench.grid.grid import Grid
from bench.grid.selection import Selection
from bench.stats.crossed import influence
from bench.stats.verdict import Rule
from bench.store.records import Store
from reports.results.pairs import leaders
from reports.results.results import Results, collect
from reports.results.view import View
from reports.results.wording import ranges
from reports.tables import table1
from reports.tables.output import Output, write
from reports.tables.table import DASH, to_csv, to_latex, to_markdown

CONFIG = configs.load("laptop")
METHODS = ("none", "mixup", "ails")
DATASETS = ("phantom-binary", "phantom-ordinal")
ACC = {
    (method, dataset): np.random.default_rng(number).normal(0.8, 0.02, 10).round(3)
    for number, (method, dataset) in enumerate((m, d) for m in METHODS for d in DATASETS)
}


def expand(**changes: Any) -> Grid:
    values = {"datasets": DATASETS, "methods": METHODS} | changes
    return grid.expand(Selection(**values), CONFIG.protocol)


def fill(store: Store, of: Grid, **changes: Any) -> None:
    """Made-up records: their ACC is ACC[method, dataset] by seed."""
    for run in of.runs:
        acc = float(ACC[run.cell.method.name, run.cell.dataset][run.seed])
        record = made(run, {"acc": acc, "auc": None})
        scores = np.full((4, 2), 0.5, np.float32)
        store.publish(run.key, record | changes, scores, np.array([0, 1, 0, 1]))


def results(store: Store, of: Grid, metric: str = "acc") -> Results:
    return collect(study(store, of), "resnet18", 1.0, f"metrics.{metric}")


def build(found: Results, **view: Any) -> Output:
    return table1.build(found, View(**view))


def of_study(store: Store, runs: Grid, command: str) -> Output:
    (output,) = table1.outputs(study(store, runs, command=command), View())
    return output


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_cells_are_mean_and_sd_over_seeds(store: Store) -> None:
    runs = expand()
    fill(store, runs)
    built = build(results(store, runs))
    for row in parsed(to_csv(built.table)):
        for dataset in DATASETS:
            values = 100 * ACC[row["method"], dataset]
            assert row[dataset] == f"{values.mean():.1f} ± {values.std(ddof=1):.1f}"
        both = 100 * np.mean([ACC[row["method"], dataset] for dataset in DATASETS], axis=0)
        assert row["mean"] == f"{both.mean():.1f} ± {both.std(ddof=1):.1f}"
        assert row["data"] == "phantom data, not MedMNIST"


def test_tests_are_paired_by_seed_with_holm_within_a_dataset(store: Store) -> None:
    runs = expand()
    fill(store, runs)
    tests = build(results(store, runs)).tests
    assert len(tests) == 6
    for dataset in DATASETS:
        family = [test for test in tests if test["dataset"] == dataset]
        raw = []
        for test in family:
            expected = stats.ttest_rel(ACC[test["method"], dataset], ACC["ails", dataset])
            assert test["reference"] == "ails" and test["n"] == 10
            assert test["p"] == pytest.approx(expected.pvalue)
            raw.append(expected.pvalue)
        low, high = sorted(raw)
        assert sorted(test["p_holm"] for test in family) == pytest.approx(
            [min(1, 2 * low), min(1, max(2 * low, high))]
        )


def test_a_missing_run_makes_its_cell_and_its_mean_a_dash(store: Store) -> None:
    runs = expand()
    fill(store, runs)
    (gone,) = (
        run
        for run in runs.runs
        if (run.cell.method.name, run.cell.dataset, run.seed) == ("mixup", DATASETS[1], 7)
    )
    store.record_path(gone.key).unlink()
    built = build(results(store, runs))
    row = next(row for row in parsed(to_csv(built.table)) if row["method"] == "mixup")
    assert row[DATASETS[0]] != DASH
    assert row[DATASETS[1]] == row["mean"] == DASH
    assert "runs are missing (phantom-ordinal: mixup 9 of 10 done)." in " ".join(built.table.notes)
    tidy = next(
        cell for cell in built.cells if (cell["method"], cell["dataset"]) == ("mixup", DATASETS[1])
    )
    assert (tidy["n"], tidy["seeds_asked"]) == (9, 10)
    tested = {(test["dataset"], test["method"]) for test in built.tests}
    assert tested == {(DATASETS[0], "mixup"), *((d, "none") for d in (*DATASETS, "mean"))}
    alone = [test for test in built.tests if test["dataset"] != DATASETS[0]]
    assert all(test["p_holm"] == test["p"] for test in alone), "a dash is no part of a family"
    said = "Holm over the comparisons (phantom-binary 2, phantom-ordinal 1, mean 1) of each column"
    assert said in " ".join(built.table.notes)


def test_without_the_reference_nothing_is_tested(store: Store) -> None:
    runs = expand()
    fill(store, runs)
    (gone,) = (
        run
        for run in runs.runs
        if (run.cell.method.name, run.cell.dataset, run.seed) == ("ails", DATASETS[0], 2)
    )
    store.record_path(gone.key).unlink()
    built = build(results(store, runs))
    assert {test["dataset"] for test in built.tests} == {DATASETS[1]}


def test_an_undefined_metric_is_a_dash(store: Store) -> None:
    runs = expand()
    fill(store, runs)
    built = build(results(store, runs, "auc"))
    assert {cell.mean for row in built.table.rows for cell in row.cells} == {None}
    assert built.tests == []


def test_bold_is_the_best_and_all_that_are_not_shown_to_be_below_it(store: Store) -> None:
    runs = expand()
    fill(store, runs)
    rows = build(results(store, runs)).table.rows
    bold = set()
    for column, dataset in enumerate(DATASETS):
        best = max(METHODS, key=lambda method: ACC[method, dataset].mean())
        others = [method for method in METHODS if method != best]
        p = [stats.ttest_rel(ACC[m, dataset], ACC[best, dataset]).pvalue for m in others]
        adjusted = multipletests(p, method="holm")[1]
        expected = {best, *(m for m, q in zip(others, adjusted, strict=True) if q > 0.05)}
        assert {row.label for row in rows if row.cells[column].best} == expected
        bold |= {len(expected)}
    assert bold


@pytest.mark.parametrize(("one", "other"), [("steady", "loose"), ("loose", "steady")])
def test_what_is_shown_below_one_of_two_equal_bests_is_not_bold(one: str, other: str) -> None:
    """Whichever of them comes first: the order of a set differs from process to process."""
    steady = dict(enumerate([0.75, 0.75, 0.75, 0.75, 0.75, 0.75]))
    loose = dict(enumerate([0.5, 1.0, 0.5, 1.0, 0.5, 1.0]))
    below = dict(enumerate([0.6875, 0.703125] * 3))
    named = {one: steady, other: loose, "below": below}
    assert leaders(named, range(6), Rule()) == {"steady", "loose"}


def test_a_column_of_more_seeds_is_not_below_one_that_is_worse_on_those_they_share() -> None:
    """Two looks: the mean of all seeds is not what is compared."""
    best = dict(enumerate([0.75, 0.76] * 3))
    better = dict(enumerate([0.78, 0.79] * 3 + [0.5] * 6))
    assert leaders({"best": best, "better": better}, range(6), Rule()) == {"best", "better"}


def test_below_five_seeds_there_is_no_star_and_the_best_alone_is_bold(store: Store) -> None:
    runs = expand(seeds=tuple(range(4)), methods=("none", "ails"))
    for run in runs.runs:
        acc = 0.8 + 0.1 * (run.cell.method.name == "none") + 1e-3 * (run.seed % 2)
        acc += 1e-3 * run.seed * (run.cell.method.name == "none")
        scores = np.full((4, 2), 0.5, np.float32)
        whole = made(run, {"acc": acc, "auc": acc})
        store.publish(run.key, whole, scores, np.array([0, 1, 0, 1]))
    built = build(results(store, runs))
    assert all(test["p_holm"] < 1e-3 for test in built.tests)
    assert {test["verdict"] for test in built.tests} == {"undecided"}
    assert not any(cell.mark for row in built.table.rows for cell in row.cells)
    assert [row.label for row in built.table.rows if row.cells[0].best] == ["none"]
    assert "nothing is decided below 5" in " ".join(built.table.notes)


def test_records_of_different_data_are_not_mixed(store: Store) -> None:
    runs = expand()
    fill(store, runs)
    fill(
        store,
        expand(methods=("mixup",), datasets=DATASETS[:1]),
        data={"fingerprint": "other", "phantom": True, "counts": {}},
    )
    with pytest.raises(BenchError, match="made on different data"):
        results(store, runs)


def test_published_numbers_stand_in_rows_of_their_own(store: Store) -> None:
    runs = expand()
    fill(store, runs)
    found = results(store, runs)
    renamed = Results(
        **{
            **vars(found),
            "datasets": ("breast", "retina"),
            "images": None,
            "values": {
                (m, new): found.values[m, old]
                for m in METHODS
                for new, old in zip(("breast", "retina"), DATASETS, strict=True)
            },
        }
    )
    table = build(renamed, published=True).table
    lines = parsed(to_csv(table))
    assert [line["method"] for line in lines] == [
        *METHODS,
        "mixup (published)",
        "ails (published)",
    ]
    assert lines[-1]["breast"] == "87.7 ± 0.8"
    assert lines[-1]["mean"] == "74.2"
    assert not any(cell.best for row in table.rows if row.published for cell in row.cells)
    with pytest.raises(BenchError, match="ACC only"):
        build(replace(renamed, quantity="metrics.auc"), published=True)


def test_a_wrong_reference_is_answered_with_the_nearest(store: Store) -> None:
    runs = expand()
    fill(store, runs)
    with pytest.raises(BenchError, match="did you mean 'ails'"):
        build(results(store, runs), reference="alis")


def test_a_combination_is_the_mean_or_the_ensemble_at_each_seed(store: Store) -> None:
    runs = expand(
        backbones=("resnet18+resnet34",),
        datasets=DATASETS[:1],
        methods=("none", "ails"),
        seeds=(0, 1),
    )
    right = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.45, 0.55]], np.float32)
    wrong = np.array([[0.2, 0.8], [0.1, 0.9], [0.7, 0.3], [0.6, 0.4]], np.float32)
    targets = np.array([0, 1, 0, 1])
    for run in runs.runs:
        first = run.cell.backbone == "resnet18"
        record = made(run, {"acc": 1.0 if first else 0.5, "auc": None})
        store.publish(run.key, record, right if first else wrong, targets)
    mean, ensemble = (
        collect(study(store, runs), "resnet18+resnet34", 1.0, "metrics.acc", how)
        for how in ("mean", "ensemble")
    )
    assert mean.values["none", DATASETS[0]] == {0: 0.75, 1: 0.75}
    averaged = (right + wrong) / 2
    expected = np.mean((averaged[:, 1] > 0.5) == targets)
    assert ensemble.values["none", DATASETS[0]] == {0: expected, 1: expected}
    assert ensemble.images is not None
    assert np.allclose(
        ensemble.images("none", DATASETS[0], 0), influence("acc", averaged, targets, "binary-class")
    )
    partner = next(run for run in runs.runs if run.cell.backbone == "resnet34" and run.seed == 1)
    store.record_path(partner.key).unlink()
    left = collect(study(store, runs), "resnet18+resnet34", 1.0).values
    assert left[partner.cell.method.label, DATASETS[0]] == {0: 0.75}


def test_every_output_says_phantom_and_what_made_it(store: Store) -> None:
    runs = expand()
    fill(store, runs)
    built = of_study(store, runs, "table 1")
    for text in (to_csv(built.table), to_latex(built.table), to_markdown(built.table)):
        assert "phantom data, not MedMNIST" in text
    assert all(row["data"] == "phantom data, not MedMNIST" for row in built.cells + built.tests)
    footnote = " ".join(built.table.footnotes)
    for part in ("Protocol laptop", "resnet18", "28 px", "0–9", "python -m bench table 1", "abc"):
        assert part in footnote


def test_files_are_byte_for_byte_the_same_again(store: Store, tmp_path: Path) -> None:
    runs = expand()
    fill(store, runs)
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        built = build(results(store, runs))
        written = write(built, folder)
        assert len(written) == 5
    for path in folders[0].iterdir():
        assert path.read_bytes() == (folders[1] / path.name).read_bytes()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_the_latex_compiles(store: Store, tmp_path: Path) -> None:
    runs = expand(methods=("none", "ails[alpha=0.5,inv_pair=aug_aug]"))
    for run in runs.runs:
        record = made(run, {"acc": 0.5, "auc": None})
        store.publish(run.key, record, np.zeros((1, 2), np.float32), np.zeros(1))
    body = to_latex(of_study(store, runs, 'table 1 --set "lr=1e-3" #&%').table)
    document = r"\documentclass{article}\usepackage{booktabs}\begin{document}%s\end{document}"
    (tmp_path / "t.tex").write_text(document % body)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]


def test_ranges() -> None:
    assert ranges([0, 1, 2, 5, 7, 8]) == "0–2, 5, 7–8"
