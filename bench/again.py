"""A record once more: the study that makes its run again, and whether that gives the same bits."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.base.errors import BenchError
from bench.base.identity import identity
from bench.data.catalogue import NAMES, PHANTOMS
from bench.grid import configs
from bench.grid.choice import MethodChoice
from bench.grid.notation import write_choice
from bench.grid.protocol import Protocol
from bench.store.records import Store
from bench.study import Study

Record = Mapping[str, Any]


def again(record: Record, study: Study) -> Study:
    """The study of this one run. `study` says where data and results are, and names the files that
    a record cannot: the dataset or the method of a user.

    Raises BenchError where such a file is not named.
    """
    cell = record["cell"]
    protocol, settings = _protocol(record["protocol"])
    if cell["dataset"] not in (*NAMES, *PHANTOMS) and not study.datasets:
        raise BenchError(f"the run is of {cell['dataset']}, an own file: name it with --datasets")
    return replace(
        study,
        datasets=study.datasets or [cell["dataset"]],
        methods=study.methods or [_method(cell, protocol, study.store)],
        backbones=study.backbones or [_backbone(cell, study.store)],
        ratios=cell["ratio"],
        seeds=[record["seed"]],
        size=cell["source_size"],
        input_size=None if cell["input_size"] == cell["source_size"] else cell["input_size"],
        protocol=protocol,
        settings=settings,
    )


@dataclass(frozen=True)
class Verification:
    """What running again gave. `largest` is the largest difference of a score; `metrics` are the
    recorded metrics that differ.
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
    from bench.training.execute import execute, prepare_process

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
    differ = [n for n, v in record["metrics"].items() if outcome.record["metrics"].get(n) != v]
    largest = float(np.abs(outcome.scores.astype(float) - scores).max())
    return Verification(run.key, scores.shape, largest, tuple(differ))


def _protocol(described: Record) -> tuple[str, dict[str, Any]]:
    """The named protocol that is nearest, and the settings by which the record's differs."""
    found = []
    for name in sorted(configs.names(), key=lambda name: name != "laptop"):
        base = identity(configs.load(name).protocol)
        settings = {key: value for key, value in described.items() if base.get(key) != value}
        neutral = {key: Protocol.model_fields[key].default for key in base.keys() - described}
        found.append((name, settings | neutral))
    return min(found, key=lambda item: len(item[1]))


def _method(cell: Record, protocol: str, store: Store) -> str:
    """As it is written at the command line, with the parameters that the protocol does not give."""
    _, _, digest = cell["method_version"].partition("-")
    source = _source(cell["method"], digest, "methods", store)
    usual = MethodChoice.parse(source, configs.load(protocol).parameters)
    as_usual = usual.method.identity(usual.params)
    changed = [(k, v) for k, v in sorted(cell["params"].items()) if as_usual.get(k) != v]
    return write_choice(source, changed)


def _backbone(cell: Record, store: Store) -> str:
    return _source(cell["backbone"], cell.get("backbone_version", ""), "backbones", store)


def _source(name: str, digest: str, option: str, store: Store) -> str:
    """The name or, of a user's own file, the copy that the store keeps."""
    if not digest:
        return name
    stem, _, inner = name.partition(".")
    copy = store.plugin_path(stem, digest)
    if not copy.exists():
        raise BenchError(f"{name} came from a file of its own; name it with --{option} FILE.py")
    return f"{copy}:{inner}" if inner else str(copy)


def _changed(record: Record, described: Record) -> str:
    """What of a description differs from the record's."""
    pairs = [
        (f"{part}.{key}", record[part].get(key), described[part].get(key))
        for part in ("cell", "protocol")
        for key in sorted(record[part].keys() | described[part].keys())
    ]
    return "; ".join(f"{name} was {old}, is {new}" for name, old, new in pairs if old != new)
