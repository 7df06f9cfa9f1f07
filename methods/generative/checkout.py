"""Images from a user's own checkout of the official StyleGAN2-ADA, in a process of its own.

No code of it is here or imported here: its licence allows research and evaluation only. Its network
file is a pickle, which runs code when it is read.
"""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.base.errors import BenchError


def generate(
    checkout: Path,
    python: str,
    network: Path,
    counts: Sequence[int],
    truncation: float,
    folder: Path,
    report: Callable[[float], None],
) -> None:
    """`counts[c]` images of each class c, in the folder named c: one call of generate.py a class.

    Every image has a seed of its own, counted from 0. A class whose folder is there is not made
    again. Raises BenchError.
    """
    first = 0
    for label, count in enumerate(counts):
        target, partial = folder / str(label), folder / f"{label}.part"
        if count and not target.exists():
            arguments = {
                "outdir": partial.resolve(),
                "network": network.resolve(),
                "seeds": f"{first}-{first + count - 1}",
                "trunc": truncation,
                "class": label,
            }
            partial.mkdir(parents=True, exist_ok=True)
            _call(checkout, python, [f"--{name}={value}" for name, value in arguments.items()])
            made = len(list(partial.glob("*.png")))
            if made != count:
                raise BenchError(
                    f"{checkout}/generate.py made {made} images of class {label}, not {count}; "
                    "see that the network is conditional"
                )
            partial.replace(target)
        first += count
        report((label + 1) / len(counts))


def _call(checkout: Path, python: str, arguments: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            [python, "generate.py", *arguments],
            cwd=checkout,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise BenchError(f"cannot run {python} in {checkout} ({error}); correct both") from None
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise BenchError(
            f"{checkout}/generate.py failed ({last}); run it by hand with {' '.join(arguments)}"
        )
