"""Tables 2 to 6 from made-up records: what is paired with what, selected by what, and a dash."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up import fill, study
from scipy import stats
from statsmodels.stats.multitest import multipletests

from bench.base.errors import BenchError
from bench.grid import configs, grid
from bench.grid.cell import Run
from bench.grid.selection import Selection
from bench.store.measured import load
from bench.store.records import Store
from bench.study import Study
from reports.results.results import collect
from reports.results.view import View
from reports.tables import sweep, table1, table2, table3, table4
from reports.tables.output import Output
from reports.tables.sweep import ALPHA, BETA
from reports.tables.table import DASH, to_latex

CONFIG = configs.load("laptop")
DATASETS = ("phantom-binary", "phantom-ordinal")
SEEDS = tuple(range(5))


def selection(select: Any, **changes: Any) -> Selection:
    start = Selection(**{"datasets": DATASETS, "seeds": SEEDS} | changes)
    return Selection(**select(start).model_dump() | changes)


def planted(run: Run) -> dict[str, float]:
    """ACC from a draw of the run, with effects that every test can compute again."""
    cell = run.cell
    rng = np.random.default_rng(int(run.key, 16))
    acc = 0.6 + 0.2 * cell.ratio + 0.01 * (cell.method.name == "ails") + rng.normal(0, 0.01)
    validation = {"val_auc": float(rng.uniform(0.5, 0.9)), "val_ece": float(rng.uniform(0.0, 0.2))}
    return {"acc": float(acc), "auc": float(acc) + 0.1} | validation


def made(store: Store, module: Any, **changes: Any) -> tuple[Study, list[Output]]:
    chosen = selection(module.select, **changes)
    runs = grid.expand(chosen, CONFIG.protocol)
    fill(store, runs, planted)
    found = study(store, runs, chosen.backbones)
    return found, module.outputs(found, View())


def seed_means(found: Study, **wanted: Any) -> np.ndarray:
    """The mean ACC over datasets at each seed, computed from the records alone."""
    values: dict[int, list[float]] = {}
    for run, record in found.measured.records.items():
        cell = run.cell
        about = {"method": cell.method.label, "backbone": cell.backbone, "ratio": cell.ratio}
        if wanted.items() <= about.items():
            values.setdefault(run.seed, []).append(record["metrics"]["acc"])
    return np.array([np.mean(values[seed]) for seed in SEEDS])


def test_table_2_increases_are_paired_with_holm_over_backbones(store: Store) -> None:
    backbones = ("resnet18", "resnet34", "resnet26")
    found, (output,) = made(store, table2, backbones=backbones)
    expected = []
    for row, backbone in zip(output.table.rows, backbones, strict=True):
        none, ails = (seed_means(found, method=m, backbone=backbone) for m in ("none", "ails"))
        baseline, with_ails, increase = row.cells[:3]
        assert baseline.mean == pytest.approx(none.mean())
        assert with_ails.sd == pytest.approx(ails.std(ddof=1))
        assert increase.mean == pytest.approx((ails - none).mean())
        assert increase.sd == pytest.approx((ails - none).std(ddof=1))
        expected.append(stats.ttest_rel(ails, none).pvalue)
    tests = [t for t in output.tests if t["metric"] == "acc"]
    assert [t["p"] for t in tests] == pytest.approx(expected)
    assert [t["p_holm"] for t in tests] == pytest.approx(
        list(multipletests(expected, method="holm")[1])
    )
    marks = [row.cells[2].mark for row in output.table.rows]
    assert marks == ["*" if t["p_holm"] < 0.05 else "" for t in tests]


def test_table_2_enlarges_what_is_too_small_for_its_backbones() -> None:
    assert table2.select(Selection()).input_size == 32
    assert table2.select(Selection(source_size=64)).input_size == 64


def test_table_2_tells_every_reading_of_fdi_and_prints_one(store: Store) -> None:
    found, (output,) = made(store, table2, backbones=("resnet18",))
    assert {"fdi", "fdi_accepted", "fdi_rel"} <= {row["metric"] for row in output.cells}
    records = [r for run, r in found.measured.records.items() if run.cell.method.name == "ails"]
    by_seed = {s: [r["validation"]["fdi"] for r in records if r["seed"] == s] for s in SEEDS}
    printed = output.table.rows[0].cells[3]
    assert printed.mean == pytest.approx(np.mean([np.mean(v) for v in by_seed.values()]))
    assert printed.scale == 1


def test_table_2_wants_two_methods(store: Store) -> None:
    with pytest.raises(BenchError, match="compares two methods, not 3"):
        made(store, table2, backbones=("resnet18",), methods=("none", "mixup", "ails"))


def test_table_3_counts_are_medmnists_where_nothing_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (output,) = table3.outputs(Study(data_dir=tmp_path), View(published=True))
    assert "600,338 images" in output.table.notes[0]
    measured, published = output.table.groups
    for ours, theirs in zip(measured, published, strict=False):
        assert ours.cells[3:6] == theirs.cells[3:6]
    assert {row.cells[-1] for row in measured[:-1]} == {DASH}


def test_table_3_counts_images_that_occur_twice() -> None:
    (output,) = table3.outputs(Study(datasets="phantom-binary"), View())
    (entry,) = output.cells
    assert (entry["repeated"], entry["shared"], entry["conflicting"]) == (0, 0, 0)
    assert entry["train"] == 400
    assert output.table.data == "phantom data, not MedMNIST"


def test_table_4_losses_are_paired_and_tested_against_the_reference(store: Store) -> None:
    found, (table, loss) = made(store, table4, methods=("none", "mixup", "ails"))
    assert table.table.columns == ("method", "20%", "30%", "50%", "100%")
    assert loss.table.columns == ("method", "20%", "30%", "50%")
    lost = {
        m: seed_means(found, method=m, ratio=1.0) - seed_means(found, method=m, ratio=0.2)
        for m in ("none", "mixup", "ails")
    }
    for row in loss.table.rows:
        assert row.cells[0].mean == pytest.approx(lost[row.label].mean())
        assert row.cells[0].sd == pytest.approx(lost[row.label].std(ddof=1))
    tests = {(t["method"], t["reference"]): t["p"] for t in loss.tests if t["ratio"] == 0.2}
    assert tests["mixup", "loss of ails"] == pytest.approx(
        stats.ttest_rel(lost["mixup"], lost["ails"]).pvalue
    )
    assert tests["ails", "full data"] == pytest.approx(stats.ttest_1samp(lost["ails"], 0).pvalue)


def test_table_4_without_full_data_has_no_loss(store: Store) -> None:
    _, outputs = made(store, table4, methods=("none", "ails"), ratios=(0.2, 0.5))
    assert [output.name for output in outputs] == ["table4-acc"]


def looked_at(store: Store, module: Any, gone: Callable[[Run], bool], **changes: Any) -> Any:
    """The tables where looks at 5 and 7 seeds are declared, and some runs are not done."""
    asked = {"seeds": range(7), "methods": ("none", "mixup", "ails")} | changes
    found, _ = made(store, module, **asked)
    for run in found.measured.records:
        if gone(run):
            store.record_path(run.key).unlink()
    about = Selection(looks=(5, 7), backbones=found.backbone_labels)
    looked = replace(study(store, found.grid), _about=about)
    looked.__dict__["grid"] = found.grid
    return module.outputs(looked, View())


def test_table_4_tells_the_seeds_of_each_ratio_where_looks_differ(store: Store) -> None:
    table, loss = looked_at(store, table4, lambda run: run.cell.ratio < 1 and run.seed > 4)
    assert "mean ± SD over 5 to 7 seeds" in table.table.title
    assert "Seeds: 5 for 20%, 30%, 50%; 7 for 100%." in table.table.notes
    assert "mean ± SD over 5 seeds" in loss.table.title


def test_table_2_tells_the_seeds_of_each_backbone_where_looks_differ(store: Store) -> None:
    (output,) = looked_at(
        store,
        table2,
        lambda run: run.cell.backbone == "resnet34" and run.seed > 4,
        methods=("none", "ails"),
        backbones=("resnet18", "resnet34"),
    )
    assert "Seeds: 7 for resnet18; 5 for resnet34." in output.table.notes


def test_a_gap_counts_the_seeds_that_are_needed(store: Store) -> None:
    def gone(run: Run) -> bool:
        return (run.cell.method.name, run.seed) == ("mixup", 2)

    (output,) = looked_at(store, table1, gone, datasets=DATASETS[:1])
    assert any("mixup 4 of 5 done" in note for note in output.table.notes)


def test_where_a_metric_is_undefined_no_run_is_said_to_be_missing(store: Store) -> None:
    found, _ = made(store, table1, datasets=("phantom-ordinal",), methods=("none", "ails"))
    (output,) = table1.outputs(found, View("sensitivity"))
    assert {cell.mean for row in output.table.rows for cell in row.cells} == {None}
    notes = " ".join(output.table.notes)
    assert "sensitivity is not defined" in notes and "missing" not in notes


def test_of_the_validation_split_no_test_images_are_spoken_of(store: Store) -> None:
    found, _ = made(store, table1, methods=("none", "ails"))
    (output,) = table1.outputs(found, View("auc", split="val"))
    assert "on these validation images" in output.table.notes[0]


def test_table_2_shows_the_ensemble_that_is_asked_for(store: Store) -> None:
    found, _ = made(store, table2, backbones=("resnet18+resnet34",))
    (output,) = table2.outputs(found, View(combine="ensemble"))
    expected = collect(found, "resnet18+resnet34", 1.0, "metrics.acc", "ensemble").means("none")
    cell = output.table.rows[0].cells[0]
    assert cell.mean == pytest.approx(np.mean([*expected.values()]))


def test_a_label_of_latex_names_no_path(tmp_path: Path, store: Store) -> None:
    file = tmp_path / "my%metric.py"
    file.write_text(
        "from bench.metrics import Metric\n"
        "MINE = Metric('my%metric', 'mine', lambda scores, targets, task: 0.5)\n"
    )
    found, _ = made(store, table1, methods=("none", "ails"))
    (output,) = table1.outputs(found, View(str(file)))
    assert re.fullmatch(r"tab:1-[\w.-]+", output.table.label)


def test_a_missing_run_makes_a_dash_of_every_mean_over_it(store: Store) -> None:
    found, _ = made(store, table4, methods=("none", "ails"))
    gone = next(
        run
        for run in found.measured.records
        if (run.cell.method.name, run.cell.ratio, run.seed) == ("none", 0.3, 3)
    )
    store.record_path(gone.key).unlink()
    fresh = study(store, found.grid)
    table, loss = table4.outputs(fresh, View())
    dashes = {
        (output.name, row.label, column)
        for output in (table, loss)
        for row in output.table.rows
        for column, cell in zip(output.table.columns[1:], row.cells, strict=True)
        if cell.mean is None
    }
    assert dashes == {("table4-acc", "none", "30%"), ("table4-acc-loss", "none", "30%")}


@pytest.mark.parametrize("module", [ALPHA, BETA])
def test_a_value_is_selected_on_validation_never_on_test(store: Store, module: Any) -> None:
    found, (output,) = made(store, module)
    labels = module.by_label(found)
    validation = {
        label: np.mean(
            [
                record["validation"]["val_auc"]
                for run, record in found.measured.records.items()
                if run.cell.method.label == label
            ]
        )
        for label in labels
    }
    best = max(validation, key=lambda label: validation[label])
    chosen = [row.label for row in output.table.rows if row.cells[-1]]
    assert chosen == [f"{labels[best]:g}"]
    highest_on_test = max(output.table.rows, key=lambda row: row.cells[0].mean)
    assert highest_on_test.cells[0].best
    readings = {"kl_dim", "kl_sum", "beta_kl"}
    assert readings <= {row["metric"] for row in output.cells}


def test_a_value_is_selected_in_the_direction_of_its_metric(store: Store) -> None:
    found, _ = made(store, ALPHA)
    errors: dict[str, list[float]] = {}
    for run, record in found.measured.records.items():
        label = run.cell.method.label
        errors.setdefault(label, []).append(record["validation"]["val_ece"])
    by_ece = study(store, found.grid)
    by_ece.__dict__["config"] = configs.load("laptop", {"select": "val_ece"})
    chosen = sweep.selected(ALPHA, by_ece, "resnet18", 1.0)
    assert chosen == min(errors, key=lambda label: np.mean(errors[label]))


def test_nothing_is_selected_where_a_run_is_missing(store: Store) -> None:
    found, _ = made(store, ALPHA)
    store.record_path(next(iter(found.measured.records)).key).unlink()
    (output,) = ALPHA.outputs(study(store, found.grid), View())
    assert not any(row.cells[-1] for row in output.table.rows)


def test_a_sweep_is_of_one_parameter(store: Store) -> None:
    with pytest.raises(BenchError, match="which mixup does not have"):
        chosen = selection(BETA.select, methods=("mixup", "ails"))
        runs = grid.expand(chosen, CONFIG.protocol)
        BETA.outputs(study(store, runs), View())
    with pytest.raises(BenchError, match="differ in more"):
        made(store, ALPHA, methods=("ails[alpha=0.1]", "ails[beta=2,alpha=0.2]"))


def test_published_rows_stand_apart_with_dashes_where_the_paper_prints_none(store: Store) -> None:
    found, _ = made(store, ALPHA)
    (output,) = ALPHA.outputs(found, View(published=True))
    measured, published = output.table.groups
    assert [row.label for row in published] == ["0.1", "0.3", "0.5", "0.7"]
    assert [row.cells[3] for row in published][1] == "0.18"
    assert published[0].cells[3].mean is None
    assert [bool(row.cells[-1]) for row in published] == [False, True, False, False]
    assert len(measured) == 4


def test_swept_symbols_are_latex(store: Store) -> None:
    _, (output,) = made(store, BETA)
    text = to_latex(output.table)
    assert "$\\beta$" in text and not set("βασ✓") & set(text)


def test_a_record_is_read_once_for_all_tables(store: Store, monkeypatch: Any) -> None:
    found, _ = made(store, ALPHA, seeds=(0,))
    known: dict[str, Any] = {}
    load(store, found.measured.grid, known)
    monkeypatch.setattr(Store, "read", lambda self, key: pytest.fail(f"{key} read again"))
    assert load(store, found.measured.grid, known).records == found.measured.records


def test_published_numbers_do_not_stand_below_validation() -> None:
    with pytest.raises(BenchError, match="published numbers are of the test split"):
        View(published=True, split="val")
