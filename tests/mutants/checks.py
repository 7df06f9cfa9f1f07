"""What `bench check` says of each mutant: `python tests/mutants/checks.py`.

Traces first, of the method that the mutant is in, else of five; then, where they see nothing and
the mutant is in the harness, golden. Prints a Markdown table, with how far off the worst number is.
Statistics are beyond both checks. An argument keeps the mutants whose description holds it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from mutants import MUTANTS, Mutant
from run import copied, planted

HARNESS = ("none", "mixup", "ails", "bsda", "advprop")
OWNERS = {
    "methods/parts/posterior.py": ("ails",),
    "methods/parts/dual_batchnorm.py": ("advprop",),
    "methods/generative/diffusion.py": ("ddpm",),
    "methods/generative/method.py": ("ddpm", "stylegan2_ada"),
    "methods/method.py": HARNESS,
}
"""The methods that a file serves which is no method's own."""
TRACES = """
import json
from bench.checks import deviation, expected
from bench.checks.traces import record
content = expected.read("traces")
known = {name: content["traces"][name] for name in NAMES}
found = deviation.compare(known, record(NAMES), content["tolerances"])
ratios = [v.worst[part] / v.allowed[part] for v in found for part in v.worst]
print(json.dumps([any(v.problem for v in found), max(ratios, default=0.0)]))
"""
GOLDEN = """
import json
from bench.checks import golden
found = golden.check(["phantoms"])
print(json.dumps([any(f.problem for f in found), sum(bool(f.problem) for f in found)]))
"""


def main() -> None:
    chosen = [mutant for mutant in MUTANTS if all(word in mutant.what for word in sys.argv[1:])]
    with TemporaryDirectory() as name:
        folder = Path(name)
        copied(folder)
        print("| mutant | traces: worst deviation over what is allowed | golden |\n|---|--:|---|")
        for mutant in chosen:
            if not mutant.file.startswith(("bench/stats", "bench/metrics")):
                with planted(folder, mutant):
                    print(f"| {mutant.what} | {' | '.join(judged(folder, mutant))} |", flush=True)


def served(file: str) -> tuple[str, ...]:
    """The methods whose traces a file can change."""
    if file in OWNERS:
        return OWNERS[file]
    if file.startswith("bench"):
        return HARNESS
    stem = Path(file).stem
    return (stem,) if file == f"methods/{stem}.py" else ("stylegan2_ada",)


def judged(folder: Path, mutant: Mutant) -> tuple[str, str]:
    """What traces and golden say; golden is asked only where traces see nothing."""
    names = served(mutant.file)
    found, ratio = said(folder, f"NAMES = {names!r}\n{TRACES}")
    if found:
        return f"{ratio:.1e}", ""
    if not set(names) & {"none", "mixup", "ails"}:
        return "not seen", "not in it"
    found, cells = said(folder, GOLDEN)
    return "not seen", f"{cells:.0f} cells differ" if found else "not seen"


def said(folder: Path, code: str) -> tuple[bool, float]:
    """What code prints in the copy; an error that ends it is a finding too."""
    quiet = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=quiet, capture_output=True, text=True
    )
    if done.returncode:
        return True, float("inf")
    found, number = json.loads(done.stdout.splitlines()[-1])
    return bool(found), float(number)


if __name__ == "__main__":
    main()
