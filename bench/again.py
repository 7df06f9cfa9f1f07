"""A record once more: the study that makes its run again, and whether that gives the same bits."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.base import plugins
from bench.base.errors import BenchError
from bench.base.identity import identity
from bench.data.catalogue import NAMES, PHANTOMS
from bench.grid import configs, notation
from bench.grid.cell import TUNING_SEEDS
from bench.grid.choice import MethodChoice
from bench.grid.notation import write_choice
from bench.grid.protocol import Protocol
from bench.store.records import Store
from bench.study import Names, Study

Record = Mapping[str, Any]


def again(record: Record, study: Study) -> Study:
    """The study of this one run. `study` says where data and results are, and names the files that
    a record cannot: a user's own dataset, method, backbone or pretrained weights.

    Raises BenchError where such a file is not named.
    """
    cell = record["cell"]
    protocol, settings = _protocol(record["protocol"])
    if isinstance(settings.get("pretrained"), str):
        settings |= {name: file for name, file in study.settings.items() if name == "pretrained"}
    return replace(
        study,
        datasets=[_dataset(cell["dataset"], study)],
        methods=[_method(cell, protocol, study)],
        backbones=[_source(cell["backbone"], cell.get("backbone_version", ""), "backbones", study)],
        ratios=cell["ratio"],
        seeds=[record["seed"]],
        size=cell["source_size"],
        input_size=None if cell["input_size"] == cell["source_size"] else cell["input_size"],
        protocol=protocol,
        settings=settings,
        _tunes=record["seed"] >= TUNING_SEEDS,
    )


@dataclass(frozen=True)
class Verification:
    """What running again gave. `largest` is the largest difference of a score; `metrics` are the
    recorded metrics that differ, of the test split, and of validation as `val_…`.
    """

    key: str
    scores: tuple[int, ...]
    largest: float
    metrics: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether every score and metric has the same bits."""
        return self.largest == 0 and not self.metrics

    def __str__(self) -> str:
        shape = " × ".join(map(str, self.scores))
        if self.identical:
            return f"{self.key}: identical, {shape} scores and all metrics to the last bit"
        differ = f"; {', '.join(self.metrics)} differ" if self.metrics else ""
        return (
            f"{self.key}: differs, the largest difference of {shape} scores is {self.largest:.2g}"
            f"{differ}. The same key gives the same bits on one machine, with the same packages"
        )


def verify(key: str, study: Study, device: str = "cpu") -> Verification:
    """Run a record again, into no store, and compare. Raises BenchError where it cannot be."""
    from bench.training import environment
    from bench.training.execute import execute, prepare_process

    environment.check_device(device)
    if "," in device:
        raise BenchError(f"device {device!r}: a run is made again on one device; name one")
    store = Store(study.store.root)
    record = store.read(store.find(key))
    (run,) = again(record, study).grid.runs
    if run.key != record["key"]:
        changed = _changed(record, run.describe())
        raise BenchError(f"run {record['key']} has another key now, {run.key}: {changed}")
    prepare_process(device)
    workshop = store.root / "generated"
    outcome = execute(run, device=device, dataset=study.open(run), workshop=workshop)
    scores, _ = store.predictions(run.key)
    before, now = _metrics(record), _metrics(outcome.record)
    differ = [name for name, value in before.items() if now.get(name) != value]
    largest = float(np.abs(outcome.scores.astype(float) - scores).max(initial=0))
    return Verification(run.key, scores.shape, largest, tuple(differ))


def _metrics(record: Record) -> dict[str, Any]:
    """Of the test split, and of the validation split."""
    validation = record["validation"].items()
    return {**record["metrics"], **{k: v for k, v in validation if k.startswith("val_")}}


def _protocol(described: Record) -> tuple[str, dict[str, Any]]:
    """The named protocol that is nearest, and the settings by which the record's differs."""
    found = []
    for name in sorted(configs.names(), key=lambda name: name != "laptop"):
        base = identity(configs.load(name).protocol)
        settings = {key: value for key, value in described.items() if base.get(key) != value}
        neutral = {key: Protocol.model_fields[key].default for key in base.keys() - described}
        found.append((name, settings | neutral))
    return min(found, key=lambda item: len(item[1]))


def _dataset(name: str, study: Study) -> str:
    """The name or, of a user's own data, the file that the study names."""
    if name in (*NAMES, *PHANTOMS):
        return name
    for file in _files(study.datasets, name):
        return str(file)
    raise BenchError(f"the run is of {name}, own data: name the file with --datasets {name}.npz")


def _method(cell: Record, protocol: str, study: Study) -> str:
    """As it is written at the command line, with the parameters that the protocol does not give."""
    _, _, version = cell["method_version"].partition("-")
    source = _source(cell["method"], version, "methods", study)
    usual = MethodChoice.parse(source, configs.load(protocol).parameters)
    as_usual = usual.method.identity(usual.params)
    changed = [(k, v) for k, v in sorted(cell["params"].items()) if as_usual.get(k) != v]
    return write_choice(source, changed)


def _source(name: str, version: str, option: str, study: Study) -> str:
    """The name or, of a user's own file, that file if it is unchanged, else the store's copy."""
    if not version:
        return name
    digest = version.partition(".")[0]
    stem, _, inner = name.partition(".")
    named = [file for file in _files(getattr(study, option), stem) if file.is_file()]
    same = [file for file in named if plugins.digest(file) == digest]
    copies = [copy for copy in [study.store.plugin_path(stem, digest)] if copy.exists()]
    for file in (*same, *copies, *named):
        return f"{file}:{inner}" if inner else str(file)
    raise BenchError(f"{name} came from a file of its own; name it with --{option} {stem}.py")


def _files(named: Names, stem: str) -> list[Path]:
    """The files of that stem among what a study names; of `path.py:Name` the path."""
    texts = () if named is None else notation.names(named, "names")
    sources = [part for text in texts for part in notation.parts(notation.read_choice(text)[0])]
    paths = [plugins.split(s)[0] if plugins.is_file(s) else Path(s) for s in sources]
    return [path for path in paths if path.suffix and path.stem == stem]


def _changed(record: Record, described: Record) -> str:
    """What of a description differs from the record's."""
    pairs = [
        (f"{part}.{key}", record[part].get(key), described[part].get(key))
        for part in ("cell", "protocol")
        for key in sorted(record[part].keys() | described[part].keys())
    ]
    return "; ".join(f"{name} was {old}, is {new}" for name, old, new in pairs if old != new)
