"""Calibration: accuracy against confidence."""

from collections.abc import Sequence

import numpy as np

from bench.grid import Run, parts
from reports import table1
from reports.figures import reliability
from reports.gallery.picture import Picture, note, runs_of
from reports.study import Study, View

SELECT = (table1.select,)


def pictures(studies: Sequence[Study], view: View) -> list[Picture]:
    """A page for each dataset, backbone and ratio, all seeds pooled."""
    (study,) = studies
    pictures = []
    single = [name for name in study.backbones if len(parts(name)) == 1]
    for backbone in single:
        for ratio in study.ratios:
            results = study.results(backbone, ratio, "metrics.acc")
            for dataset in results.datasets:
                binned = [
                    _binned(study, method, list(runs.values()))
                    for method, runs in runs_of(study, results, dataset).items()
                    if not view.calibrated or method in view.calibrated
                ]
                if not binned:
                    continue
                stem = ["reliability", dataset, *study.suffix(backbone)]
                stem += [f"{ratio:g}"] if len(study.ratios) > 1 else []
                pictures.append(
                    Picture(
                        "-".join(stem),
                        reliability.draw(binned, note(study)),
                        f"Calibration on {dataset}, {backbone}, all seeds pooled: accuracy against "
                        "confidence in 15 bins, and how often each confidence occurs.",
                        [{"method": one.method, "ece": one.ece} for one in binned],
                    )
                )
    return pictures


def _binned(study: Study, method: str, runs: list[Run]) -> reliability.Reliability:
    found = [study.predictions(run) for run in runs]
    scores = np.concatenate([scores for scores, _ in found])
    targets = np.concatenate([targets for _, targets in found])
    return reliability.bin_scores(method, scores, targets, runs[0].cell.task)
