"""The step of each method against that of another commit.

    python tests/speed/against.py COMMIT [--methods a,b] [--rounds 15] [--precision fp32]

A process of either commit takes one step of a method in turn; ratios of CPU time within rounds.
ResNet-18 at 28 px, gray, two classes, random images, batch 64, one thread.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
METHODS = "none,mixup,cutmix,medaugment,bsda,isda,feature_noise,ails,advprop"
STEPS = """
import sys, time
import torch
import methods
from bench.backbone import build
from bench.base.task import Task
from bench.grid.protocol import Protocol
from bench.training.execute import prepare_process
from bench.training.state import Training
from bench.training.trainer import step
from methods.method import Progress, Setting

prepare_process("cpu")
images, targets = torch.rand(64, 1, 28, 28), torch.arange(64) % 2
protocol = Protocol(steps=10, precision=sys.argv[1])
trained, late = {}, Progress(step=5, steps=10, epoch=5, epochs=10)
for name in sys.stdin:
    if name not in trained:
        model, kind = build("resnet18", 2, 1, 28, seed=0), methods.get(name.strip())
        method = kind(kind.Params(), Setting(Task.BINARY, 2, 1, 28, model.feature_dim))
        trained[name] = Training.begin(method.adapt(model), method, protocol)
    began = time.process_time()
    step(trained[name], (images, targets), late, protocol)
    print(time.process_time() - began, flush=True)
"""


def started(folder: Path, precision: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", STEPS, precision],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def seconds(process: subprocess.Popen[str], name: str) -> float:
    """CPU time of one step in a process."""
    assert process.stdin and process.stdout
    process.stdin.write(f"{name}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("commit")
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--precision", default="fp32")
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        old = Path(name) / "old"
        clone = ["git", "clone", "--quiet", str(ROOT), str(old)]
        subprocess.run(clone, check=True)
        subprocess.run(["git", "-C", str(old), "checkout", "-q", options.commit], check=True)
        pair = started(old, options.precision), started(ROOT, options.precision)
        for method in options.methods.split(","):
            rounds = [[seconds(one, method) for one in pair] for _ in range(options.rounds + 2)][2:]
            ratios = sorted(before / now for before, now in rounds)
            print(f"| {method} | {median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) |")
        for one in pair:
            one.kill()


if __name__ == "__main__":
    main()
