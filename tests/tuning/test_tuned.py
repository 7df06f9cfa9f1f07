"""Tuned parameters: used in runs and tables, told in footnotes, compared with the defaults."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from made_up import drawn, fill, record
from test_tuning import NOTHING, study

import methods
import reports
from bench.base.errors import BenchError, Note
from bench.cli import main
from bench.store.records import Store
from bench.study import Study
from bench.tuning.journal import as_optuna
from bench.tuning.rounds import rounds
from reports.figures.searches import figures

TRIALS = 12


def tuned(results: Path, *names: str, trials: int = TRIALS, **more: Any) -> Study:
    """A study whose methods were searched over made-up records; the defaults are the worst."""
    asked = study(results, *names, **more)
    searches, store = asked.searches(2), asked.store

    def do(runs: Any) -> None:
        for run in runs:
            default = run.cell.method.written == run.cell.method.name
            worth = {"val_auc": 0.0 if default else int(run.key[:6], 16) / 16**6}
            store.publish(run.key, record(run, worth), *NOTHING)

    rounds(searches, trials, store, do)
    for search in searches.values():
        asked.shelf.write(search, trials)
    return asked


def best(asked: Study, method: str) -> dict[str, Any]:
    (search,) = (s for s in asked.searched() if s.cell.method.label == method)
    trial = search.best(TRIALS)
    assert trial
    return trial.params


def test_runs_take_them_under_the_plain_name(tmp_path: Path) -> None:
    asked = tuned(tmp_path, "none", "mixup")
    cells = {run.cell.method.label: run.cell for run in asked.tuned.grid.runs}
    params = cells["mixup"].method.params.model_dump()
    assert params == methods.get("mixup").Params(**best(asked, "mixup")).model_dump()
    assert cells["none"] == asked.grid.runs[0].cell, "nothing to tune: as it is"
    assert cells["mixup"].method.written.startswith("mixup[alpha=")


def test_shared_training_parameters_are_the_methods_own(tmp_path: Path) -> None:
    asked = study(tmp_path, "none", "mixup")
    asked.tune(2, tune_seeds=1, shared=["lr"], workers=1)
    rates = {run.cell.method.label: run.protocol.lr for run in asked.tuned.grid.runs}
    found = {run.cell.method.label: asked.shelf.entry(run.cell) for run in asked.grid.runs}
    assert rates == {name: entry["parameters"]["protocol.lr"] for name, entry in found.items()}


def test_what_is_given_goes_before_what_was_tuned(tmp_path: Path) -> None:
    asked = tuned(tmp_path, "mixup")
    given = study(tmp_path, "mixup[alpha=0.77]", params="tuned")
    params = given.grid.runs[0].cell.method.params.model_dump()
    assert params == {"alpha": 0.77, "prob": best(asked, "mixup")["prob"]}


def test_a_sweep_varies_one_parameter_over_the_tuned_others(tmp_path: Path) -> None:
    asked = tuned(tmp_path, "ails", "none")
    alphas, everything = {}, replace(asked, methods=None).tuned
    for run in reports.needs(5, everything).grid.runs:
        params = run.cell.method.params.model_dump()
        alphas[params.pop("alpha")] = params
    assert sorted(alphas) == [0.1, 0.3, 0.5, 0.7]
    labels = {run.cell.method.label for run in reports.needs(5, everything).grid.runs}
    assert "ails" not in labels, "α at its default is not what was tuned"
    lam = best(asked, "ails")["lam"]
    assert all(params["lam"] == lam for params in alphas.values())


def test_tables_say_so_and_stand_apart(tmp_path: Path) -> None:
    asked = tuned(tmp_path, "none", "mixup")
    for side in (asked, asked.tuned):
        fill(asked.store, side.grid)
    (table,) = reports.table(1, asked.tuned)
    told = " ".join(table.table.footnotes)
    alpha = best(asked, "mixup")["alpha"]
    assert f"alpha={alpha}" in told and f"of {TRIALS}, by validation auc" in told
    assert "--params tuned" in told and "seeds 1000–1001" in told
    assert asked.tuned.config.slug == asked.config.slug + "-tuned"
    (plain,) = reports.table(1, asked)
    assert "Tuned" not in " ".join(plain.table.footnotes)


def test_different_budgets_are_a_caution(tmp_path: Path) -> None:
    tuned(tmp_path, "mixup", trials=4)
    tuned(tmp_path, "cutout", trials=5)
    both = study(tmp_path, "mixup", "cutout", params="tuned")
    fill(both.store, both.grid)
    (table,) = reports.table(1, both)
    assert "different budgets: 4 trials of 2 seeds, 5 trials of 2 seeds" in str(
        table.table.footnotes
    )


def test_default_against_tuned_is_paired_by_fresh_seed(tmp_path: Path) -> None:
    asked = tuned(tmp_path, "none", "mixup", "cutmix", seeds=4)
    for side in (asked, asked.tuned):
        fill(asked.store, side.grid, lambda run: {"acc": drawn(run)["acc"], "auc": 0.5})
    (table,) = reports.tuned(asked, ["acc"])
    values = {(r["parameters"], r["method"]): r["values"] for r in table.cells}
    for row in table.tests:
        pair = [
            [float(v) for v in values[side, row["method"]].split()] for side in ("tuned", "default")
        ]
        gain = sum(a - b for a, b in zip(*pair, strict=True)) / 4
        assert row["n"] == 4 and row["difference"] == pytest.approx(gain)
        assert row["reference"] == "default"
    assert {row["method"] for row in table.tests} == {"mixup", "cutmix"}
    lines = {line[0]: line for line in table.table.lines}
    assert lines["none"][2:] == ["–"] * 7
    assert lines["mixup"][5:8] == [str(TRIALS), "0", str(TRIALS * 2 * 4000)]


def test_a_table_speaks_of_its_own_set_alone(tmp_path: Path) -> None:
    asked = tuned(tmp_path, "mixup", datasets=["phantom-binary", "phantom-multiclass"])
    for side in (asked, asked.tuned):
        fill(asked.store, side.grid)
    tables = reports.tuned(asked, ["acc"])
    for table, other in zip(tables, ("phantom-multiclass", "phantom-binary"), strict=True):
        assert other not in table.table.title
        assert other not in " ".join(table.table.footnotes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"methods": ["cutmix"]}, "cutmix on phantom-binary, test_byobnet, is not tuned"),
        ({"settings": {"steps": 2, "batch_size": 16}}, "is not tuned under laptop"),
        ({"params": "best"}, "no params 'best'"),
    ],
)
def test_what_was_not_tuned_is_an_error_with_the_mend(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    tuned(tmp_path, "mixup")
    asked = study(tmp_path, *change.pop("methods", ["mixup"]), **{"params": "tuned", **change})
    with pytest.raises(BenchError, match=said):
        _ = asked.grid


def test_parameters_of_other_data_are_refused(tmp_path: Path) -> None:
    tuned(tmp_path, "mixup")
    (path,) = (tmp_path / "tuned").glob("*.yaml")
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"data": "0" * 64}))
    with pytest.raises(BenchError, match="was tuned on other data"):
        _ = study(tmp_path, "mixup", params="tuned").grid
    path.write_text("methods: [")
    with pytest.raises(BenchError, match="is damaged"):
        _ = study(tmp_path, "mixup", params="tuned").grid


def test_a_damaged_search_is_an_error_with_the_mend(tmp_path: Path) -> None:
    (path,) = tuned(tmp_path, "mixup").searches(2)
    path.write_text('{"identity": {')
    with pytest.raises(BenchError, match=r"mixup.json is damaged; delete it"):
        study(tmp_path, "mixup").tune(4, tune_seeds=2)


FUSSY = """
from methods.cutout import Cutout

class Fussy(Cutout):
    @classmethod
    def skip(cls, task, channels):
        return "it is fussy"
"""


def test_a_method_that_cannot_serve_is_told(tmp_path: Path) -> None:
    fussy = tmp_path / "fussy.py"
    fussy.write_text(FUSSY, encoding="utf-8")
    with pytest.warns(Note), pytest.raises(BenchError, match="is left out: it is fussy"):
        study(tmp_path, str(fussy)).tune(1)


def test_optunas_figures_of_a_search(tmp_path: Path) -> None:
    asked = tuned(tmp_path, "ails", "cutout")
    drawn = {s.cell.method.name: list(figures(s)) for s in asked.searched()}
    assert len(drawn["ails"]) == 1 + 1 + 2, "history, importance, two rows of slices"
    assert len(drawn["cutout"]) == 2, "one parameter has no rival"
    names = [figure.name for each in drawn.values() for figure in each]
    assert len(set(names)) == len(names)
    assert [row["trial"] for row in drawn["ails"][0].rows] == list(range(TRIALS))


def test_the_report_has_a_section(tmp_path: Path) -> None:
    page = reports.report(tuned(tmp_path, "mixup", "none")).read_text("utf-8")
    assert "Search of mixup on phantom-binary" in page and "slices of alpha, prob" in page
    assert "with default and with tuned parameters" in page


def test_optuna_has_all_trials_also_failed_ones(tmp_path: Path) -> None:
    asked = tuned(tmp_path, "mixup")
    (search,) = asked.searched()
    search.trials[3] = type(search.trials[3])(**{**vars(search.trials[3]), "value": None})
    study = as_optuna(search)
    assert [t.state.name for t in study.trials].count("FAIL") == 1
    found = search.best(TRIALS)
    assert found and study.best_trial.number == found.number


def test_the_journal_is_opened_by_optuna_dashboard(tmp_path: Path) -> None:
    dashboard = pytest.importorskip("optuna_dashboard")
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    asked = tuned(tmp_path / "results", "mixup", "cutout")
    path = asked.export_searches(tmp_path / "trials.log")
    asked.export_searches(path)  # once more: it is replaced, not added to
    application = dashboard.wsgi(JournalStorage(JournalFileBackend(str(path))))
    assert b"mixup on phantom-binary, test_byobnet" in answer(application, "/api/studies")
    shown = json.loads(answer(application, "/api/studies/0?after=0"))
    assert [trial["state"] for trial in shown["trials"]] == ["Complete"] * TRIALS


def answer(application: Any, path: str) -> bytes:
    """What a WSGI application answers to GET."""
    from wsgiref.util import setup_testing_defaults

    place, _, query = path.partition("?")
    environment: dict[str, Any] = {"PATH_INFO": place, "QUERY_STRING": query}
    setup_testing_defaults(environment)
    return b"".join(application(environment, lambda *_: None))


def call(*arguments: str, results: Path) -> Any:
    fixed = ("--backbones", "test_byobnet", "--datasets", "phantom-binary", "--set", "steps=1")
    return CliRunner().invoke(main, [*arguments, *fixed, "--results", str(results)])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--trials", "0"], "trials 0: write a whole number, 1 or more"),
        (["--with", "lrr"], "no shared training parameter 'lrr'; did you mean 'lr'?"),
        (["--with", ""], "--with is empty"),
        (["--tune-seeds", "0-2"], "seed 0 belongs to reports"),
        (["--seeds", "1000,"], "seed 1000 is reserved for tuning"),
        (["--metric", "kappa"], "kappa is not recorded on the validation split"),
        (["--methods", "none"], "none: nothing to tune"),
        (["--params", "tuned"], "tuning starts from the defaults"),
        (["--export", "x.log"], "no trial to export yet"),
    ],
)
def test_bad_input_is_answered_in_a_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    names = [] if "--methods" in arguments else ["--methods", "mixup"]
    done = call("tune", *names, *arguments, results=tmp_path)
    assert done.exit_code == 2 and said in done.output and "Traceback" not in done.output


def test_the_command_tunes_runs_and_compares(tmp_path: Path) -> None:
    more = ("--methods", "none,cutout", "--seeds", "2", "--workers", "1")
    done = call("tune", *more, "--trials", "2", "--tune-seeds", "1", results=tmp_path)
    assert done.exit_code == 0, done.output
    assert "trials 0–1 of 2: cutout on phantom-binary, test_byobnet" in done.output
    assert "with default and with tuned parameters, mean ± SD over 2 seeds" in done.output
    again = call("run", *more, "--params", "tuned", results=tmp_path)
    assert "runs to do" not in again.output and "Tuned: cutout" in again.output
    store = Store(tmp_path)
    key = next(key for key in store if store.read(key)["seed"] >= 1000)
    shown = CliRunner().invoke(main, ["show", key, "--results", str(tmp_path)]).output
    assert "never tested" in shown and "Accuracy" not in shown


@pytest.mark.slow
def test_killed_and_resumed_it_ends_in_the_same_parameters(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "tune", "--methods", "mixup,cutout", "--trials", "10"]
    command += ["--datasets", "phantom-binary", "--backbones", "test_byobnet", "--seeds", "2"]
    command += ["--set", "steps=3", "--tune-seeds", "2", "--workers"]

    def found(folder: Path) -> list[Any]:
        entries = yaml.safe_load(next((folder / "tuned").glob("*.yaml")).read_text())["methods"]
        return [(n, e["parameters"], e["value"], e["trial"]) for n, e in entries.items()]

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    subprocess.run([*command, "2", "--results", str(whole)], check=True)
    first = subprocess.Popen([*command, "1", "--results", str(cut)], start_new_session=True)
    while len(list(Store(cut))) < 21:
        assert first.poll() is None
        time.sleep(0.02)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert not list((cut / "tuned").glob("*.yaml"))
    subprocess.run([*command, "1", "--results", str(cut)], check=True)
    assert found(cut) == found(whole)
    assert sorted(Store(cut)) == sorted(Store(whole))
