"""What has to be seen on a GPU, in one script without a network.

    python tests/gpu/gpu.py --out DIR [--data-dir DIR] [--parts steps,waits,…]

Each part is written to DIR/gpu.json when it ends; called again, the script does what is missing. At
the end it prints a Markdown table. With `--device cpu --small` all of it but the waiting is tried
without a GPU.
"""

import argparse
import io
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from draws import HostDraws
from throughput import images_per_second

import methods
from bench.checks import deviation, expected
from bench.checks.traces import ready, record, runs
from bench.data.dataset import open_dataset
from bench.grid.cell import Run
from bench.training.environment import environment
from bench.training.execute import execute, prepare_process
from bench.training.schedule import Schedule
from bench.training.state import Training, Watch
from bench.training.trainer import step
from methods.method import Progress

ALLOWED = {"batches": 1e-3, "steps": 5e-2}
"""Largest relative deviation from the CPU: of losses and gradient norms at equal weights, and of
three steps of AdamW, which amplifies rounding."""
LATE = Progress(5, 10, 5, 10)
WAITED_STEPS = 5
LEFT_FREE = 3 << 30
"""Bytes: room for a few processes, not for eight."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "gpu.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    for name in options.parts.split(","):
        if name not in found:
            began = time.perf_counter()
            result = PARTS[name](options)
            found[name] = {"seconds": round(time.perf_counter() - began, 1), "result": result}
            file.write_text(json.dumps(found, indent=1))
            print(f"{name}: {found[name]['seconds']} s", flush=True)
    print("\n".join(lines(found)))


def names(small: bool) -> list[str]:
    return ["none", "bsda", "augmix"] if small else methods.names()


def multiclass(chosen: list[str]) -> list[Run]:
    """A run of three steps of each method, on the phantom with several classes."""
    return [run for run in runs(tuple(chosen)) if run.cell.dataset == "phantom-multiclass"]


def machine(options: Any) -> Any:
    """What it was measured on."""
    known = environment()
    packages = {name: known["packages"].get(name) for name in ("torch", "timm", "kornia")}
    return {name: known[name] for name in ("gpu", "cuda", "cpu", "python")} | packages


def steps(options: Any) -> Any:
    """The worst deviation of each method from the CPU's traces, by part, with the same draws."""
    traces = expected.read("traces")["traces"]
    known = {name: traces[name] for name in names(options.small) if name in traces}
    with HostDraws():
        verdicts = deviation.compare(known, record(known, options.device), {})
    worst: dict[str, dict[str, float]] = {}
    for verdict in verdicts:
        parts = worst.setdefault(verdict.method, dict.fromkeys(ALLOWED, 0.0))
        for part, value in verdict.worst.items():
            parts[part] = max(parts[part], value)
    return worst


def waits(options: Any) -> Any:
    """How often a step of each method makes the host wait, on average."""
    if options.device == "cpu":
        return {}
    prepare_process(options.device)
    found = {}
    for run in multiclass(names(options.small)):
        found[run.cell.method.name] = waited(run, options.device) / WAITED_STEPS
    return found


def waited(run: Run, device: str) -> int:
    dataset = open_dataset(run.cell.source, run.cell.source_size)
    model, method, train = ready(run, dataset, device)
    training, train = Training.begin(model, method, run.protocol), train.to(device)
    schedule = Schedule(len(train), run.protocol.model_copy(update={"steps": WAITED_STEPS + 1}))
    (_, first), *others = schedule.batches(0, 0, device)
    step(training, (train.images(first), train.targets[first]), LATE, run.protocol)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("warn")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _, indices in others:
            batch = train.images(indices), train.targets[indices]
            step(training, batch, LATE, run.protocol)
    torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(one.message) for one in caught)


def bits(options: Any) -> Any:
    """Whether a run has the same bits twice, by method and precision."""
    prepare_process(options.device)
    found = {}
    for run in multiclass(names(options.small)):
        if run.cell.method.method.quick:
            continue
        for precision in ("fp32", "bf16"):
            protocol = run.protocol.model_copy(update={"precision": precision, "steps": 10})
            pair = [execute(replace(run, protocol=protocol), device=options.device) for _ in "ab"]
            same = pair[0].record["curves"] == pair[1].record["curves"]
            same &= pair[0].scores.tobytes() == pair[1].scores.tobytes()
            found[f"{run.cell.method.name} {precision}"] = same
    return found


def resumed(options: Any) -> Any:
    """Whether runs that are ended after an epoch and go on have the bits of whole ones."""
    prepare_process(options.device)
    found = {}
    for run in multiclass(["none", "ails", "medaugment"]):
        run = replace(run, protocol=run.protocol.model_copy(update={"steps": 60}))
        state = io.BytesIO()

        def leave(training: Training, state: io.BytesIO = state) -> None:
            torch.save(training.state(), state)
            raise KeyboardInterrupt

        whole = execute(run, device=options.device)
        with suppress(KeyboardInterrupt):
            execute(run, device=options.device, watch=Watch(on_epoch=leave))
        state.seek(0)
        kept = torch.load(state, map_location="cpu", weights_only=True)
        again = execute(run, device=options.device, watch=Watch(resume=kept))
        found[run.cell.method.name] = whole.scores.tobytes() == again.scores.tobytes()
    return found


def crowd(options: Any) -> Any:
    """What is said, and what is left undone, where other work has nearly filled the memory."""
    if options.device == "cpu":
        return {}
    hog, _ = torch.cuda.mem_get_info()
    held = torch.empty(hog - LEFT_FREE, dtype=torch.uint8, device=options.device)
    words = [sys.executable, "-m", "bench", "run", "--device", options.device, "--seeds", "8"]
    words += ["--datasets", "phantom-binary", "--methods", "none", "--set", "steps=20"]
    words += ["--workers", "8", "--results", str(options.out / "crowd")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    del held
    torch.cuda.empty_cache()
    return {"exit code": done.returncode, "output": (done.stdout + done.stderr)[-3000:]}


def speed(options: Any) -> Any:
    """Images a second of `none` with ResNet-18 at 28 px, by precision and number of processes."""
    counts, seconds = ((1, 2), 2.0) if options.small else ((1, 4, 8, 12), 4.0)
    return images_per_second(options.device, counts, seconds)


def table1(options: Any) -> Any:
    """Seconds of Table 1 on Breast, ten seeds, from nothing; and its text."""
    words = [sys.executable, "-m", "bench", "table", "1", "--device", options.device]
    words += ["--results", str(options.out / "table1")]
    words += ["--data-dir", str(options.data_dir)] if options.data_dir else []
    words += (
        ["--set", "epochs=1", "--seeds", "2", "--methods", "none,ails"] if options.small else []
    )
    began = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    return {
        "exit code": done.returncode,
        "seconds": round(time.perf_counter() - began, 1),
        "output": done.stdout[-4000:],
        "errors": done.stderr[-2000:],
    }


PARTS: dict[str, Callable[[Any], Any]] = {
    "machine": machine,
    "waits": waits,
    "steps": steps,
    "bits": bits,
    "resumed": resumed,
    "crowd": crowd,
    "speed": speed,
    "table1": table1,
}


def lines(found: dict[str, Any]) -> list[str]:
    """The Markdown table."""
    results = {name: part["result"] for name, part in found.items()}
    rows = ["| what | found |", "|---|---|"]
    if machine := results.get("machine"):
        rows.append(f"| machine | {machine['gpu']}, torch {machine['torch']} |")
    for name, parts in sorted(results.get("steps", {}).items()):
        good = all(parts[part] <= limit for part, limit in ALLOWED.items())
        said = ", ".join(f"{part} {value:.0e}" for part, value in parts.items())
        rows.append(f"| {name}: deviation from the CPU{' — TOO LARGE' * (not good)} | {said} |")
    if waits := results.get("waits"):
        some = {name: count for name, count in waits.items() if count}
        said = ", ".join(f"{name} {count:g}" for name, count in some.items())
        none = f"{len(waits) - len(some)} of {len(waits)} methods"
        rows.append(f"| {none} never wait in a step; waits of the others | {said} |")
    if bits := results.get("bits"):
        other = ", ".join(name for name, same in bits.items() if not same)
        same = f"{sum(bits.values())} of {len(bits)} runs"
        rows.append(f"| {same} have the same bits twice; the others | {other} |")
    if resumed := results.get("resumed"):
        same = f"{sum(resumed.values())} of {len(resumed)}"
        rows.append(f"| runs that were ended and went on, with the bits of whole ones | {same} |")
    if crowd := results.get("crowd"):
        rows.append(f"| eight runs where memory is nearly full: exit code | {crowd['exit code']} |")
    for precision, by_count in results.get("speed", {}).items():
        said = ", ".join(f"{count}: {rate:,.0f}" for count, rate in by_count.items())
        rows.append(f"| images/s, {precision}, by processes | {said} |")
    if table := results.get("table1"):
        rows.append(f"| Table 1 on Breast from nothing, s | {table['seconds']} |")
    return rows


if __name__ == "__main__":
    main()
