"""Selection: which runs."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bench.data.catalogue import LARGEST_SIZE, SMALLEST_SIZE
from bench.grid.notation import LARGEST_SEED

Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]


class Selection(BaseModel):
    """Which runs: the product of these. `input_size` null means the source's own size."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    datasets: tuple[str, ...] = Field(("breast",), min_length=1)
    methods: tuple[str, ...] = Field(("none",), min_length=1)
    backbones: tuple[str, ...] = Field(("resnet18",), min_length=1)
    ratios: tuple[float, ...] = Field((1.0,), min_length=1)
    seeds: tuple[Seed, ...] = Field(tuple(range(10)), min_length=1)
    source_size: int = Field(28, ge=SMALLEST_SIZE, le=LARGEST_SIZE)
    input_size: int | None = Field(None, ge=SMALLEST_SIZE, le=LARGEST_SIZE)
