"""Selection: which runs."""

from pydantic import BaseModel, ConfigDict, Field


class Selection(BaseModel):
    """Which runs: the product of these. `input_size` null means the source's own size."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    datasets: tuple[str, ...] = ("breast",)
    methods: tuple[str, ...] = ("none",)
    backbones: tuple[str, ...] = ("resnet18",)
    ratios: tuple[float, ...] = (1.0,)
    seeds: tuple[int, ...] = tuple(range(10))
    source_size: int = Field(28, ge=8)
    input_size: int | None = Field(None, ge=8)
