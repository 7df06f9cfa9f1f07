"""Tuning: the same budget for all, resumed to the same parameters, blind to the test split."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up import record
from optuna.trial import create_trial

import methods
from bench.again import verify
from bench.base.errors import BenchError, Note
from bench.data.dataset import Dataset
from bench.grid.cell import TUNING_SEEDS, Run
from bench.grid.choice import MethodChoice
from bench.grid.protocol import Protocol
from bench.store.records import Store
from bench.study import Study
from bench.tuning import sampling
from bench.tuning.rounds import Searches, rounds
from bench.tuning.search import Objective, Search, restore
from bench.tuning.space import SHARED, space_of

NOTHING = np.empty((0, 2), np.float32), np.empty(0, np.int64)
SHORT = Protocol(epochs=1)
TINY = {
    "datasets": ["phantom-binary"],
    "backbones": ["test_byobnet"],
    "settings": {"steps": 1, "batch_size": 16},
    "seeds": 2,
}


def study(results: Path, *names: str, **more: Any) -> Study:
    return Study(**{**TINY, "methods": names, "results": results, **more})


def tune(asked: Study, trials: int, **more: Any) -> list[dict[str, Any]]:
    frame = asked.tune(trials, tune_seeds=1, workers=1, **more)
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


class StoppedError(Exception):
    """In place of a kill."""


def made_up_rounds(
    searches: Searches, trials: int, store: Store, stop: int | None = None
) -> list[list[tuple[Any, Any]]]:
    """Rounds over made-up records, worth what their parameters say; the trials of each search.

    After `stop` runs they are interrupted.
    """
    done = 0

    def do(runs: Sequence[Run]) -> None:
        nonlocal done
        for run in runs:
            if done == stop:
                raise StoppedError
            if not store.done(run.key):
                worth = {"val_auc": int(run.key[:6], 16) / 16**6}
                store.publish(run.key, record(run, worth), *NOTHING)
                done += 1

    rounds(searches, trials, store, do)
    return [[(t.params, t.value) for t in search.trials] for search in searches.values()]


def space(name: str, *shared: str, protocol: Protocol = SHORT) -> Any:
    return space_of(MethodChoice.parse(name), protocol, shared)


class TestSpaces:
    """What methods declare."""

    @pytest.mark.parametrize("name", methods.names())
    def test_the_defaults_lie_inside_and_the_corners_are_valid(self, name: str) -> None:
        found, choice = space(name), MethodChoice.parse(name)
        assert found.defaults == {k: choice.params.model_dump()[k] for k in found.dimensions}
        for point in sampling.startup(found) if found else []:
            create_trial(params=point, distributions=dict(found.dimensions), value=0.0)
            choice.at(point)  # BenchError where the parameters are refused

    @pytest.mark.parametrize("name", methods.names())
    def test_every_range_says_where_it_is_from(self, name: str) -> None:
        method = methods.get(name)
        assert not space(name) or method.space.__doc__

    def test_what_has_no_parameters_to_tune_has_none(self) -> None:
        empty = {name for name in methods.names() if not space(name)}
        assert empty == {"none", "trivialaugment"}

    def test_shared_parameters_join_every_method_alike(self) -> None:
        names = {f"protocol.{name}" for name in SHARED}
        for name in ("none", "mixup"):
            joined = space(name, *SHARED).dimensions
            assert joined.keys() - space(name).dimensions.keys() == names

    def test_a_default_outside_is_refused(self) -> None:
        with pytest.raises(BenchError, match=r"weight_decay, 0\.0, is outside"):
            space("mixup", "weight_decay", protocol=Protocol(epochs=1, weight_decay=0))

    def test_an_unknown_shared_parameter_is_refused_with_the_nearest(self) -> None:
        with pytest.raises(BenchError, match="did you mean 'weight_decay'"):
            space("none", "weight_decoy")


class TestSampling:
    """Which points are tried."""

    def test_the_first_is_the_default_and_the_rest_are_inside(self) -> None:
        points = sampling.startup(space("mixup"))
        assert points[0] == {"alpha": 0.2, "prob": 1.0}
        assert len(points) == sampling.STARTUP
        assert all(0.05 <= p["alpha"] <= 2 and 0.3 <= p["prob"] <= 1 for p in points)
        assert len({str(point) for point in points}) == len(points)

    def test_spaces_of_one_size_start_from_the_same_quasi_random_points(self) -> None:
        """In the unit square: mixup's and CutMix's points have the same place in their ranges."""
        mixup, cutmix = (sampling.startup(space(name))[1:] for name in ("mixup", "cutmix"))
        for one, other in zip(mixup, cutmix, strict=True):
            assert (one["prob"] - 0.3) / 0.7 == pytest.approx((other["prob"] - 0.2) / 0.8, abs=1e-3)

    def test_start_up_points_fill_the_range(self) -> None:
        """Any four in a row of Sobol's first eight lie in four quarters, but for the first left."""
        values = sorted(point["side"] for point in sampling.startup(space("cutout"))[1:])
        quarters = {int((value - 0.2) / 0.1) for value in values}
        assert quarters >= {0, 1, 2, 3}

    def test_tpe_depends_on_what_was_found(self) -> None:
        found = space("mixup")
        points = sampling.startup(found)

        def after(worth: list[float]) -> list[sampling.Point]:
            past = [sampling.ended(p, found, w) for p, w in zip(points, worth, strict=True)]
            return sampling.batch(found, past, ("mixup",))

        rising = [float(i) for i in range(sampling.STARTUP)]
        assert after(rising) == after(rising)
        assert after(rising) != after(rising[::-1])

    def test_all_failed_trials_leave_a_search_that_goes_on(self) -> None:
        found = space("mixup")
        past = [sampling.ended(point, found, None) for point in sampling.startup(found)]
        assert len(sampling.batch(found, past, ("mixup",))) == sampling.BATCH


class TestTune:
    """Searches over ordinary runs."""

    def test_every_method_has_as_many_trials_and_the_first_is_the_default(
        self, tmp_path: Path
    ) -> None:
        asked = study(tmp_path, "none", "mixup", "cutout")
        searches = asked.searches(1, ["lr"])
        made_up_rounds(searches, 10, asked.store)
        for search in searches.values():
            assert [trial.number for trial in search.trials] == list(range(10))
            assert search.trials[0].params == search.space.defaults
            assert sum(trial.images for trial in search.trials) == 10 * 4000
        assert len(list(asked.store)) == 30

    @pytest.mark.parametrize("kept", [True, False])
    @pytest.mark.parametrize("stop", [1, 5, 8, 13])
    def test_interrupted_and_resumed_it_proposes_the_same(
        self, tmp_path: Path, kept: bool, stop: int
    ) -> None:
        """Stopped at any trial, its file kept or lost: the runs that are done suffice."""
        whole, cut = (study(tmp_path / name, "ails") for name in ("whole", "cut"))
        expected = made_up_rounds(whole.searches(2), 14, whole.store)

        with pytest.raises(StoppedError):
            made_up_rounds(cut.searches(2), 14, cut.store, stop=2 * stop)
        if not kept:
            for path in cut.searches(2):
                path.unlink(missing_ok=True)
        assert made_up_rounds(cut.searches(2), 14, cut.store) == expected
        assert sorted(cut.store) == sorted(whole.store)

    def test_more_trials_continue_a_search(self, tmp_path: Path) -> None:
        asked = study(tmp_path, "mixup")
        whole = study(tmp_path / "whole", "mixup")
        for trials in (2, 6, 11):
            (found,) = made_up_rounds(asked.searches(1), trials, asked.store)
            assert len(found) == trials
        assert [found] == made_up_rounds(whole.searches(1), 11, whole.store)
        assert made_up_rounds(asked.searches(1), 6, asked.store) == [found], "none is taken away"

    def test_the_best_of_fewer_trials_is_among_them(self, tmp_path: Path) -> None:
        asked = study(tmp_path, "mixup")
        made_up_rounds(searches := asked.searches(1), 12, asked.store)
        (search,) = searches.values()
        best = search.best(5)
        assert best and best.value == max(trial.value or 0 for trial in search.trials[:5])

    @pytest.mark.usefixtures("in_this_process")
    def test_tuning_runs_open_no_test_split_and_hold_no_test_number(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = []
        original = Dataset.split

        def split(self: Dataset, name: str) -> Any:
            opened.append(name)
            return original(self, name)

        monkeypatch.setattr(Dataset, "split", split)
        tune(study(tmp_path, "mixup"), 2)
        store = Store(tmp_path)
        assert "test" not in opened and "val" in opened
        for key in store:
            record = store.read(key)
            assert record["seed"] >= TUNING_SEEDS and record["metrics"] == {}
            assert store.predictions(key)[0].shape == (0, 2)
            assert verify(key, study(tmp_path, "mixup")).identical

    @pytest.mark.usefixtures("in_this_process")
    def test_a_failed_trial_uses_its_slot_and_is_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cutout = methods.get("cutout")
        original = cutout.augment

        def fails(self: Any, images: Any, targets: Any) -> Any:
            if 0.3 < self.params.side < 0.45:
                raise ZeroDivisionError("planted")
            return original(self, images, targets)

        monkeypatch.setattr(cutout, "augment", fails)
        asked = study(tmp_path, "cutout")
        rows = tune(asked, 10)
        failed = [row for row in rows if row["value"] != row["value"]]
        assert len(rows) == 10 and failed
        assert all("planted" in row["reason"] for row in failed)
        (run, *_) = asked.grid.runs
        entry = asked.shelf.entry(run.cell)
        assert (entry["trials"], entry["failed"]) == (10, len(failed))
        assert str(tune(asked, 10)) == str(rows), "it stays failed"

    def test_a_space_that_changed_sets_old_trials_aside(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = study(tmp_path, "mixup")
        tune(asked, 2)

        def narrower(trial: Any) -> None:
            trial.suggest_float("alpha", 0.1, 1.0, log=True)

        monkeypatch.setattr(methods.get("mixup"), "space", narrower)
        with pytest.warns(Note, match=r"space changed since; the 2 old trials are set aside in"):
            rows = tune(asked, 2)
        assert all(row["parameters"].keys() == {"alpha"} for row in rows)
        (path,) = asked.searches(1)
        assert len(list(path.parent.glob("mixup-old1.json"))) == 1

    def test_nothing_to_tune_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(BenchError, match="none: nothing to tune without --with"):
            study(tmp_path, "none").tune(2)
        with pytest.warns(Note, match="none: nothing to tune"):
            rows = tune(study(tmp_path, "none", "cutout"), 1)
        assert [row["method"] for row in rows] == ["cutout"]

    @pytest.mark.parametrize("trials", [0, -1, 1.5])
    def test_a_wrong_number_of_trials_is_refused(self, tmp_path: Path, trials: Any) -> None:
        with pytest.raises(BenchError, match=r"trials .*1 or more"):
            study(tmp_path, "mixup").tune(trials)

    def test_seeds_of_reports_and_of_tuning_do_not_mix(self, tmp_path: Path) -> None:
        with pytest.raises(BenchError, match=r"seed 1000 is reserved for tuning.*below 1000"):
            _ = study(tmp_path, "mixup", seeds="999-1000").grid
        with pytest.raises(BenchError, match=r"seed 3 belongs to reports.*from 1000 on"):
            study(tmp_path, "mixup").tune(2, tune_seeds="3-5")

    def test_parameters_in_brackets_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(BenchError, match="leave the brackets"):
            study(tmp_path, "mixup[alpha=0.5]").tune(2)

    def test_less_is_better_of_a_loss(self, tmp_path: Path) -> None:
        asked = study(tmp_path, "cutout")
        rows = tune(asked, 4, metric="nll")
        entry = asked.shelf.entry(asked.grid.runs[0].cell)
        assert entry["value"] == min(row["value"] for row in rows)


PLUGIN = """
from pydantic import Field
from methods.method import Method, Parameters

class Dimmed(Method):
    summary = "darker images"
    reference = "a test"

    class Params(Parameters):
        factor: float = Field(0.5, ge=0, le=1)

    @classmethod
    def space(cls, trial):
        trial.suggest_float({name!r}, 0.1, {high})

    def augment(self, images, targets):
        return images * self.params.factor, targets
"""


class TestPlugins:
    """A method's own file brings its own space."""

    def test_it_is_tuned_and_used(self, tmp_path: Path) -> None:
        file = tmp_path / "dimmed.py"
        file.write_text(PLUGIN.format(name="factor", high=0.9), encoding="utf-8")
        asked = study(tmp_path / "results", str(file))
        rows = tune(asked, 5)
        assert rows[0]["parameters"] == {"factor": 0.5}
        best = max(rows, key=lambda row: row["value"])
        (run, *_) = asked.tuned.grid.runs
        assert run.cell.method.params.factor == best["parameters"]["factor"]  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        ("name", "high", "said"),
        [("faktor", 0.9, "'faktor' is not found"), ("factor", 0.4, "0.5, is outside")],
    )
    def test_a_space_that_does_not_fit_is_refused(
        self, tmp_path: Path, name: str, high: float, said: str
    ) -> None:
        file = tmp_path / "dimmed.py"
        file.write_text(PLUGIN.format(name=name, high=high), encoding="utf-8")
        with pytest.raises(BenchError, match=said):
            study(tmp_path / "results", str(file)).tune(2)


def test_the_trial_of_the_defaults_is_the_run_of_the_defaults(tmp_path: Path) -> None:
    """Its key is that of a run of its seed which nobody tuned."""
    (run, *_) = study(tmp_path, "mixup").grid.runs
    search = Search(run.cell, run.protocol, Objective("auc", (1000,)))
    point = search.propose(1)[0]
    assert search.runs(point)[0].key == Run(run.cell, 1000, run.protocol).key


def test_a_file_of_other_seeds_is_not_taken_up(tmp_path: Path) -> None:
    (run, *_) = study(tmp_path, "mixup").grid.runs
    path = tmp_path / "mixup.json"
    Search(run.cell, run.protocol, Objective("auc", (1000,))).write(path)
    assert "seeds changed" in restore(
        Search(run.cell, run.protocol, Objective("auc", (1001,))), path
    )
