"""What decides how floating-point sums are rounded: the processor, its kernels, torch."""

import platform
from pathlib import Path

import torch

from bench.training.environment import processor_facts

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
    facts = processor_facts(cpuinfo)
    if facts is None:
        return platform.processor() or platform.machine()
    return ", ".join(facts[name] for name in DECIDING if name in facts)
