"""Where a run was made: versions, machine, commit."""

import functools
import hashlib
import json
import platform
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import torch

from bench.base import process
from bench.base.errors import BenchError
from bench.base.words import short

DEVICES = ("cpu", "cuda", "mps")
WORKERS_PER_GPU = ((28, 8), (64, 4))
"""How many, up to which side of the input in pixels; beyond, one."""


@functools.cache
def environment() -> dict[str, Any]:
    """Packages, interpreter, processor and accelerator; no host or user name."""
    packages = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"]}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "cuda": torch.version.cuda,
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }


@functools.cache
def environment_hash() -> str:
    """16 hexadecimal digits of `environment()`."""
    text = json.dumps(environment(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def default_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def check_device(device: str) -> None:
    """Raises BenchError where torch cannot use the device: `cpu`, `cuda`, `mps`, or several, as in
    `cuda:0,cuda:1`.
    """
    if len({one.partition(":")[0] for one in device.split(",")}) > 1:
        raise BenchError(f"device {short(device)!r} is of several kinds; name devices of one kind")
    for one in device.split(","):
        try:
            if torch.device(one).type not in DEVICES:
                raise RuntimeError(f"it must be one of {', '.join(DEVICES)}")
            torch.empty(1, device=one)
        except (RuntimeError, AssertionError) as error:
            reason = short(str(error).splitlines()[0])
            raise BenchError(
                f"device {short(one)!r} cannot be used ({reason}); try --device cpu"
            ) from None


def check_kind(device: str, wanted: str) -> None:
    """Raises BenchError where a protocol is of another kind of device."""
    kinds = {torch.device(one).type for one in device.split(",")}
    if wanted != "any" and kinds != {wanted}:
        raise BenchError(
            f"the protocol is of runs on {wanted}, and this is {device}: "
            f"give --device {wanted}, --done to see what is done, or --set device=any for records "
            "of their own"
        )


def default_workers(device: str, size: int) -> int:
    """One worker a core; on each GPU as many as networks with inputs of that size are worth."""
    if device == "cpu":
        return process.cores()
    each = next((count for limit, count in WORKERS_PER_GPU if size <= limit), 1)
    return min(each * len(device.split(",")), process.cores())


def processor_facts(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, str] | None:
    """What Linux says of the first processor; None elsewhere."""
    try:
        first, _, _ = cpuinfo.read_text(encoding="utf-8").partition("\n\n")
    except OSError:
        return None
    said = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in said}


def _cpu() -> str:
    facts = processor_facts()
    return platform.processor() if facts is None else facts.get("model name", "unknown")
