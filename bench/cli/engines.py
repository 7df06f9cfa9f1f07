"""What `--engine` and the options beside it ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.base.errors import BenchError

if TYPE_CHECKING:
    from bench.engines.engine import Engine

BELONG = {
    "ray_address": "ray",
    "gpus_per_worker": "ray",
    "sbatch": "slurm",
    "workers_per_gpu": "slurm",
}
"""Options that one engine alone has."""


def engine(options: dict[str, Any]) -> Engine:
    """The engine asked for. Raises BenchError where an option belongs to another."""
    from bench.engines import engine as engines

    name = options["engine"]
    for option, owner in BELONG.items():
        if options[option] is not None and owner != name:
            raise BenchError(f"--{option.replace('_', '-')} is of --engine {owner}, not {name}")
    if name == "ray":
        from bench.engines.ray import Ray

        return Ray(options["ray_address"], options["gpus_per_worker"] or 0.0)
    if name == "slurm":
        from bench.engines.slurm import Slurm, read_options

        sbatch = read_options(options["sbatch"] or "")
        return Slurm(sbatch, options["workers_per_gpu"] or 1, options["device"])
    return engines.engine(name)
