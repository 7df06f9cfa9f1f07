"""How far traces are from the expected ones, and how far they may be."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean

from bench.base import version
from bench.base.errors import BenchError
from bench.checks import expected
from bench.checks.machine import machine
from bench.checks.traces import PARTS, Trace, Traces, record

Parts = dict[str, float]
"""A number for each part of a trace."""
OTHER_KERNELS = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "AVX2"}
"""With these a machine with AVX-512 sums in another order."""
MARGIN, LEAST = 30.0, 1e-6
"""What is allowed: so many times the largest deviation between kernels, and at least so much."""
RECORD = "import json; from bench.checks.traces import record; print(json.dumps(record()))"


@dataclass(frozen=True)
class Verdict:
    """What became of the trace of a method on a phantom.

    `losses` are the means of what was expected and what was found, None where there is none;
    `worst` is the largest relative deviation of each part, `problem` empty where all is well.
    """

    method: str
    phantom: str
    losses: tuple[float | None, float | None]
    worst: Parts
    allowed: Parts
    problem: str


def check() -> list[Verdict]:
    """Record all traces, and compare. Raises BenchError where there are none to compare with."""
    content = expected.read("traces")
    return compare(content["traces"], record(), content["tolerances"])


def update(reason: str) -> list[Verdict]:
    """Write the traces anew, with tolerances measured on this machine; what has changed."""
    old = expected.read("traces")["traces"] if expected.path("traces").exists() else {}
    new = record()
    tolerances = measured(new, on_other_kernels())
    made = machine() | {"command": expected.update_command("traces")}
    content = {"made": made, "tolerances": tolerances, "traces": new}
    expected.write("traces", content, reason)
    return compare(old, new, tolerances)


def on_other_kernels() -> Traces:
    """The traces of this machine with other kernels; they are chosen when torch is loaded."""
    done = subprocess.run(
        [sys.executable, "-c", RECORD],
        cwd=version.ROOT,
        env=os.environ | OTHER_KERNELS,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise BenchError(f"traces with {OTHER_KERNELS} failed: {done.stderr.strip()[-200:]}")
    traces: Traces = json.loads(done.stdout)
    return traces


def measured(traces: Traces, others: Traces) -> dict[str, Parts]:
    """What is allowed of each method: by its largest deviation over all phantoms."""
    allowed: dict[str, Parts] = {}
    for verdict in compare(traces, others, {}):
        parts = allowed.setdefault(verdict.method, dict.fromkeys(PARTS, LEAST))
        for part, deviation in verdict.worst.items():
            parts[part] = max(parts[part], float(f"{MARGIN * deviation:.2g}"))
    return allowed


def compare(expected_: Traces, found: Traces, tolerances: Mapping[str, Parts]) -> list[Verdict]:
    """A verdict for each method and phantom of either."""
    places = {
        (name, phantom)
        for traces in (expected_, found)
        for name in traces
        for phantom in traces[name]
    }
    return [
        judge(
            place,
            expected_.get(place[0], {}).get(place[1]),
            found.get(place[0], {}).get(place[1]),
            tolerances.get(place[0], {}),
        )
        for place in sorted(places)
    ]


def judge(place: tuple[str, str], old: Trace | None, new: Trace | None, allowed: Parts) -> Verdict:
    losses = (_mean_loss(old), _mean_loss(new))
    if old is None or new is None:
        problem = "missing" if new is None else "extra: no such trace is expected"
        return Verdict(*place, losses, {}, allowed, problem)
    if _shape(old) != _shape(new):
        return Verdict(*place, losses, {}, allowed, "other quantities, or not as many, are traced")
    differences = list(_differences(old, new))
    worst = {part: max(d.deviation for d in differences if d.part == part) for part in PARTS}
    beyond = (d for d in differences if d.deviation > allowed.get(d.part, LEAST))
    return Verdict(*place, losses, worst, allowed, str(next(beyond, "")))


@dataclass(frozen=True)
class Difference:
    """Of one number of a trace; `deviation` is relative."""

    part: str
    quantity: str
    index: int
    old: float
    new: float

    @property
    def deviation(self) -> float:
        if self.old == self.new:
            return 0.0
        deviation = abs(self.new - self.old) / abs(self.old) if self.old else math.inf
        return deviation if math.isfinite(deviation) else math.inf

    def __str__(self) -> str:
        where = f"batch {self.index}" if self.part == "batches" else "after three steps"
        return (
            f"{where}: {self.quantity} {self.new:.6g}, expected {self.old:.6g} "
            f"(off by {self.deviation:.2g})"
        )


def _differences(old: Trace, new: Trace) -> Iterator[Difference]:
    """Every number of two traces of one shape, in the order in which they were traced."""
    for part in PARTS:
        rows = [(name, enumerate(values)) for name, values in old[part].items()]
        found = [
            Difference(part, n, i, v, new[part][n][i]) for n, values in rows for i, v in values
        ]
        yield from sorted(found, key=lambda difference: difference.index)


def _shape(trace: Trace) -> dict[str, dict[str, int]]:
    return {part: {name: len(v) for name, v in trace[part].items()} for part in PARTS}


def _mean_loss(trace: Trace | None) -> float | None:
    return fmean(trace["batches"]["loss"]) if trace else None
