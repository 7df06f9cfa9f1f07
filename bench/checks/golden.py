"""Golden: a small grid through the whole road, against the results of an earlier commit.

On the machine that made them runs must have the same bits. Elsewhere rounding is amplified until
they are as good as runs of other seeds; there the means of a cell must agree within what seeds
explain (`tolerance`).
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.base.errors import BenchError
from bench.checks import expected
from bench.checks.machine import machine
from bench.checks.rule import spread, tolerance
from bench.study import Study

Entry = dict[str, Any]
"""`key`, `digest` of the test scores, `metrics`."""
Seeds = dict[str, Entry]
Cells = dict[str, Seeds]
"""The methods of one dataset."""
Runs = dict[str, Cells]
Judge = Callable[[str, str, Cells, Seeds], Iterator["Finding"]]

GRIDS: dict[str, dict[str, Any]] = {
    "phantoms": {
        "datasets": ["phantom-binary", "phantom-multiclass"],
        "methods": ["none", "mixup", "ails"],
        "backbones": ["test_byobnet"],
        "settings": {"batch_size": 16},
    },
    "breast": {"datasets": ["breast"]},
}
"""What is named of each part; the rest is as in `configs/golden.yaml`."""
JUDGED = ("acc", "auc")
"""What is compared between machines."""


@dataclass(frozen=True)
class Finding:
    """What became of a cell: `old` and `new` are means over seeds of a metric, `allowed` is how far
    they may be apart, `sd` the spread of seeds; `problem` is empty where all is well.
    """

    dataset: str
    method: str
    metric: str
    old: float | None
    new: float | None
    allowed: float
    sd: float
    problem: str

    @property
    def sds(self) -> float | None:
        """By how many SDs of seeds the mean has moved."""
        if self.old is None or self.new is None or not self.sd:
            return None
        return (self.new - self.old) / self.sd


def check(parts: Iterable[str], data_dir: Path | None = None) -> list[Finding]:
    """Run these parts of the grid, and compare. Raises BenchError where nothing is expected."""
    content = expected.read("golden")
    return [
        finding for part in parts for finding in compare(_part(content, part), run(part, data_dir))
    ]


def update(parts: Iterable[str], reason: str, data_dir: Path | None = None) -> list[Finding]:
    """Write these parts anew, and leave the others; what has changed."""
    content = expected.read("golden") if expected.path("golden").exists() else {"parts": {}}
    findings: list[Finding] = []
    for part in parts:
        made, runs = machine() | {"command": _command(part)}, run(part, data_dir)
        old = content["parts"].get(part, {"made": made, "runs": {}})
        findings += compare(old, runs)
        content["parts"][part] = {"made": made, "runs": runs}
    expected.write("golden", content, reason)
    return findings


def run(part: str, data_dir: Path | None = None) -> Runs:
    """Run a part of the grid, into a store that is gone afterwards."""
    found: Runs = {}
    with TemporaryDirectory() as folder:
        study = Study(**GRIDS[part], protocol="golden", data_dir=data_dir, results=folder)
        study.run()
        for one, record in study.measured.records.items():
            scores, _ = study.arrays(one)
            methods = found.setdefault(one.cell.dataset, {})
            seeds = methods.setdefault(one.cell.method.label, {})
            seeds[str(one.seed)] = {
                "key": one.key,
                "digest": hashlib.sha256(scores.astype("<f4").tobytes()).hexdigest()[:16],
                "metrics": record["metrics"],
            }
    return found


def compare(old: dict[str, Any], new: Runs) -> list[Finding]:
    """What became of each cell of either: every bit on the machine that made `old`, elsewhere the
    means of `JUDGED`.
    """
    here = machine() == {name: old["made"].get(name) for name in machine()}
    judge = exactly if here else within_noise
    expected_: Runs = old["runs"]
    return [
        finding
        for dataset in sorted(expected_.keys() | new.keys())
        for finding in _compared(dataset, expected_.get(dataset, {}), new.get(dataset, {}), judge)
    ]


def _compared(dataset: str, old: Cells, new: Cells, judge: Judge) -> Iterator[Finding]:
    """Cells that are not on both sides, or not of the same runs, are no matter of numbers."""
    for method in sorted(old.keys() | new.keys()):
        if problem := mismatch(old.get(method, {}), new.get(method, {})):
            yield Finding(dataset, method, "runs", None, None, 0.0, 0.0, problem)
        else:
            yield from judge(dataset, method, old, new[method])


def mismatch(old: Seeds, new: Seeds) -> str:
    """Why two cells do not hold the same runs, or nothing."""
    if missing := sorted(old.keys() - new.keys()):
        return f"missing: seeds {', '.join(missing)}"
    if extra := sorted(new.keys() - old.keys()):
        return f"extra: seeds {', '.join(extra)} are not expected"
    for seed, entry in old.items():
        if entry["key"] != new[seed]["key"]:
            return f"another key, {new[seed]['key']}, not {entry['key']}: another run is expected"
    return ""


def exactly(dataset: str, method: str, old: Cells, new: Seeds) -> Iterator[Finding]:
    """Scores to the last bit, and every expected metric."""
    for metric in JUDGED:
        means = mean(old[method], metric), mean(new, metric)
        differ = [seed for seed, entry in old[method].items() if not same(entry, new[seed])]
        problem = f"seeds {', '.join(differ)} differ" if differ else ""
        yield Finding(dataset, method, metric, *means, 0.0, spread(values(old, metric)), problem)


def same(old: Entry, new: Entry) -> bool:
    """Whether scores have the same bits, and metrics the same value but for the last digits."""
    pairs = [(value, new["metrics"].get(name)) for name, value in old["metrics"].items()]
    return old["digest"] == new["digest"] and all(
        a == b or (None not in (a, b) and math.isclose(a, b, rel_tol=1e-8)) for a, b in pairs
    )


def within_noise(dataset: str, method: str, old: Cells, new: Seeds) -> Iterator[Finding]:
    """Each mean of `JUDGED` against what the expected seeds allow."""
    for metric in JUDGED:
        expected_ = values(old, metric)
        allowed = tolerance(expected_)
        before, now = mean(old[method], metric), mean(new, metric)
        problem = "" if abs(now - before) <= allowed else "beyond what seeds explain"
        yield Finding(dataset, method, metric, before, now, allowed, spread(expected_), problem)


def values(cells: Cells, metric: str) -> NDArray[np.float64]:
    """A row a method, a column a seed."""
    rows = [[entry["metrics"][metric] for entry in seeds.values()] for seeds in cells.values()]
    return np.array(rows)


def mean(seeds: Seeds, metric: str) -> float:
    return float(np.mean([entry["metrics"][metric] for entry in seeds.values()]))


def _part(content: dict[str, Any], part: str) -> dict[str, Any]:
    if part not in content["parts"]:
        command = _command(part)
        raise BenchError(f"nothing is expected of {part}; make it: {command}")
    return dict(content["parts"][part])


def _command(part: str) -> str:
    return expected.update_command("golden") + " --full" * (part != "phantoms")
