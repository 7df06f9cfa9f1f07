"""A study: a selection under a protocol with what is measured of it. Reports are built of these."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.grid.cell import Run
from bench.grid.configs import Config
from bench.grid.notation import parts
from bench.store.records import Store
from reports.results.records import Combine, Measured, Results, collect

Predictions = tuple[NDArray[np.float32], NDArray[np.generic]]


@dataclass(frozen=True)
class View:
    """What to show: a metric, the method to compare with (AILS, else the first, where None), how
    backbones are combined, whether the paper's numbers stand below, of which split features are
    drawn, and of which methods calibration is (all where empty).
    """

    metric: Literal["acc", "auc"] = "acc"
    reference: str | None = None
    combine: Combine = "mean"
    published: bool = False
    split: str = "test"
    calibrated: tuple[str, ...] = ()


@dataclass(frozen=True)
class Study:
    """`backbones` are as asked for, combinations such as `a+b` among them; `command` made it."""

    config: Config
    measured: Measured
    store: Store
    backbones: tuple[str, ...]
    command: str
    _predictions: dict[str, Predictions] = field(default_factory=dict, compare=False, repr=False)

    def predictions(self, run: Run) -> Predictions:
        """Test probabilities (N, C) and targets of a finished run; read once."""
        if run.key not in self._predictions:
            self._predictions[run.key] = self.store.predictions(run.key)
        return self._predictions[run.key]

    @property
    def ratios(self) -> tuple[float, ...]:
        return tuple(dict.fromkeys(run.cell.ratio for run in self.measured.grid.runs))

    def results(
        self,
        backbone: str,
        ratio: float,
        quantity: str = "metrics.acc",
        combine: Combine = "mean",
    ) -> Results:
        return collect(self.measured, self.store, backbone, ratio, quantity, combine)

    def stem(self, *words: str, backbone: str | None = None, ratio: float | None = None) -> str:
        """A file name that tells backbones and ratios apart where the study has several."""
        several_backbones, several_ratios = len(self.backbones) > 1, len(self.ratios) > 1
        if backbone is not None and several_backbones:
            words = (*words, backbone)
        if ratio is not None and several_ratios:
            words = (*words, f"{ratio:g}")
        return "-".join(words)

    def footnotes(self, backbones: Sequence[str]) -> list[str]:
        """Caution, protocol, data, seeds, command and commit, a line each."""
        config, measured = self.config, self.measured
        protocol = config.protocol
        used = {part for name in backbones for part in parts(name)}
        records = [rec for run, rec in measured.records.items() if run.cell.backbone in used]
        training = (
            f"{protocol.length()}, batch {protocol.batch_size}, {protocol.optimizer} "
            f"lr {protocol.lr:g}, weight decay {protocol.weight_decay:g}, {protocol.schedule}, "
            f"{protocol.precision}, selected by {protocol.select.replace('_', ' ')}"
        )
        cell = measured.grid.runs[0].cell
        sizes = f"{cell.source_size} px"
        if cell.input_size != cell.source_size:
            sizes += f" enlarged to {cell.input_size} px"
        data = ", ".join(f"{info.name} {info.fingerprint[:8]}" for info in measured.grid.datasets)
        commits = sorted({str(record["commit"]) for record in records})
        seeds = measured.seeds
        lines = [
            f"Protocol {config.name}: {training}; {', '.join(backbones)}, {sizes}.",
            f"Data: {data}; seeds {ranges(seeds)}; n = {len(seeds)}, SD with n − 1.",
            f"Command: {self.command}; commit {', '.join(commits) or 'none'}.",
        ]
        return [f"Caution: {config.caution}.", *lines] if config.caution else lines


def ranges(seeds: Sequence[int]) -> str:
    """`0–9`, or `0–2, 5`."""
    spans: list[list[int]] = []
    for seed in sorted(seeds):
        if spans and seed == spans[-1][-1] + 1:
            spans[-1].append(seed)
        else:
            spans.append([seed])
    return ", ".join(f"{s[0]}–{s[-1]}" if len(s) > 1 else str(s[0]) for s in spans)
