"""Long stages of a generator, each of which can be killed and goes on to the same bits."""

import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch

from bench.base.files import explained, writing

CHECKPOINT_SECONDS = 30.0


class Stage(Protocol):
    """Work in small steps: `done` of `total`, the same unit in both; `advance` raises `done`.

    `state` is all that the steps change, in a form that `torch.load(weights_only=True)` reads.
    """

    done: int
    total: int

    def advance(self) -> None: ...

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: dict[str, Any]) -> None: ...


S = TypeVar("S", bound=Stage)


def finish(
    build: Callable[[], S], checkpoint: Path, seed: int, report: Callable[[float], None]
) -> tuple[S, float]:
    """The finished stage, and the seconds it took, interrupted ones included.

    `build` and the steps draw from torch's global generators, which start at `seed`, stand in the
    checkpoint, and are afterwards as they were before. `report` is told the finished fraction.
    """
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        stage, began = build(), time.monotonic()
        saved = began
        if kept := _load(checkpoint):
            stage.restore(kept["stage"])
            stage.done = kept["done"]
            began -= kept["seconds"]
            torch.set_rng_state(kept["random"])
            torch.cuda.set_rng_state_all(kept["random_cuda"])
        while stage.done < stage.total:
            stage.advance()
            report(stage.done / stage.total)
            now = time.monotonic()
            if now - saved >= CHECKPOINT_SECONDS or stage.done >= stage.total:
                _save(checkpoint, stage, now - began)
                saved = now
        return stage, time.monotonic() - began


def _save(path: Path, stage: Stage, seconds: float) -> None:
    state = {
        "stage": stage.state(),
        "done": stage.done,
        "seconds": seconds,
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all(),
    }
    with explained(path.parent), writing(path) as file:
        torch.save(state, file)


def _load(path: Path) -> dict[str, Any] | None:
    """What was saved last, or None where there is nothing or it cannot be read."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.PickleError):
        return None
    return state
