"""What decides how floating-point sums are rounded: the processor, its kernels, torch."""

import platform
from pathlib import Path

import torch

DECIDING = ("model name", "cpu family", "model", "stepping", "cache size")
"""Of /proc/cpuinfo; kernels choose their blocks by the cache."""


def machine() -> dict[str, str]:
    """Where these are equal, the same run gives the same bits."""
    return {
        "processor": processor(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "torch": str(torch.__version__),
    }


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Model and cache of the first processor; elsewhere than on Linux what Python calls it."""
    try:
        first, _, _ = cpuinfo.read_text(encoding="utf-8").partition("\n\n")
    except OSError:
        return platform.processor() or platform.machine()
    said = dict(line.split(":", 1) for line in first.splitlines() if ":" in line)
    facts = {name.strip(): value.strip() for name, value in said.items()}
    return ", ".join(facts[name] for name in DECIDING if name in facts)
