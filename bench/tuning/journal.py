"""Searches as studies of Optuna: for its figures, and as a journal for optuna-dashboard."""

import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from bench.base.errors import BenchError
from bench.base.files import write_bytes
from bench.tuning.quiet import quiet
from bench.tuning.search import Search, Trial


def as_optuna(search: Search, storage: BaseStorage | None = None) -> optuna.Study:
    """The trials of a search under Optuna's own names; failed ones too."""
    with quiet():
        study = optuna.create_study(
            study_name=search.name,
            storage=storage,
            direction="maximize" if search.objective.sign > 0 else "minimize",
        )
        study.set_metric_names([f"val_{search.objective.metric}"])
        study.add_trials([_frozen(search, trial) for trial in search.trials])
    return study


def export(searches: Iterable[Search], path: Path) -> Path:
    """Write a journal with all trials so far. Raises BenchError where there are none."""
    tried = [search for search in searches if search.trials]
    if not tried:
        raise BenchError("no trial to export yet: `bench tune` without --export does them")
    with tempfile.TemporaryDirectory() as folder, quiet():
        journal = Path(folder) / "journal"
        storage = JournalStorage(JournalFileBackend(str(journal)))
        for search in tried:
            as_optuna(search, storage)
        return write_bytes(path, journal.read_bytes())


def _frozen(search: Search, trial: Trial) -> FrozenTrial:
    frozen = create_trial(
        state=TrialState.FAIL if trial.value is None else TrialState.COMPLETE,
        value=trial.value,
        params=trial.params,
        distributions=dict(search.space.dimensions),
        user_attrs={"runs": trial.keys, "images": trial.images, "reason": trial.reason},
    )
    if trial.started and trial.ended:
        frozen.datetime_start = datetime.fromtimestamp(trial.started)
        frozen.datetime_complete = datetime.fromtimestamp(trial.ended)
    return frozen
