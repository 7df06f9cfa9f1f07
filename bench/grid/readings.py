"""Readings of a publication: which variants of a method tell whether a result hangs on one.

A method declares in `Method.readings` what its publication leaves open. The variants are those that
change one ambiguity, and a random sample of those that change several; no result selects any.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress

import numpy as np

import methods
from bench.base.errors import BenchError
from bench.base.plugins import calling
from bench.base.task import Task
from bench.grid.choice import MethodChoice
from methods.method import Reading

SEED = 0
"""That of the sample which `labels` takes."""


def labels(method: str, sample: int, tasks: Collection[Task]) -> tuple[str, ...]:
    """The default reading, the others one at a time, then a joint sample; none of them twice.

    As `MethodChoice.parse` takes them. `tasks` are those of the datasets: what matters to none of
    them is left out. BenchError for a method that declares no readings, naming those that do.
    """
    if not methods.get(method).readings:
        declaring = ", ".join(name for name in methods.names() if methods.get(name).readings)
        raise BenchError(f"method {method} declares no readings; choose from {declaring}")
    joint = joint_sample(method, sample, SEED, tasks)
    return tuple(dict.fromkeys([method, *one_at_a_time(method, tasks), *joint]))


def one_at_a_time(method: str, tasks: Collection[Task]) -> list[str]:
    """Each reading alone, in the order of their declaration."""
    return [_label(method, [reading]) for reading in _of(method, tasks)]


def joint_sample(method: str, count: int, seed: int, tasks: Collection[Task]) -> list[str]:
    """So many draws, without those drawn before; a larger sample begins with the smaller ones.

    Each switch, which is what readings of one ambiguity set alike, is at its default or at one of
    its readings: all equally likely and independent of the other switches, before combinations that
    the method's parameters refuse are drawn again.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    switches: dict[tuple[str, frozenset[str]], list[Reading]] = {}
    for reading in _of(method, tasks):
        switch = reading.ambiguity, frozenset(reading.changes)
        switches.setdefault(switch, []).append(reading)
    drawn: list[str] = []
    while len(drawn) < count:
        picks = [(readings, rng.integers(len(readings) + 1)) for readings in switches.values()]
        with suppress(BenchError):
            drawn.append(_label(method, (readings[pick - 1] for readings, pick in picks if pick)))
    return list(dict.fromkeys(drawn))


def _of(method: str, tasks: Collection[Task]) -> list[Reading]:
    with calling(method, "readings"):
        return [r for r in methods.get(method).readings if not r.tasks.isdisjoint(tasks)]


def _label(method: str, readings: Iterable[Reading]) -> str:
    """BenchError where the parameters are incoherent."""
    settings = [f"{key}={value}" for reading in readings for key, value in reading.changes.items()]
    choice = MethodChoice.parse(f"{method}[{','.join(settings)}]")
    return method + choice.label.removeprefix(choice.name)
