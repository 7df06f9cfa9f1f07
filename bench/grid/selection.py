"""Selection: which runs."""

from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Selection(BaseModel):
    """Which runs: the product of these, and what is declared of their comparison beforehand.

    `input_size` null means the source's own size. `looks` are the numbers of seeds at which it is
    looked at the results, the last of them that of all seeds; none is one look at the end. `margin`
    is the smallest difference, as a fraction, that is worth a word.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    datasets: tuple[str, ...] = ("breast",)
    methods: tuple[str, ...] = ("none",)
    backbones: tuple[str, ...] = ("resnet18",)
    ratios: tuple[float, ...] = (1.0,)
    seeds: tuple[int, ...] = tuple(range(10))
    source_size: int = Field(28, ge=8)
    input_size: int | None = Field(None, ge=8)
    looks: tuple[int, ...] = ()
    margin: float = Field(0.01, gt=0, lt=1)

    @model_validator(mode="before")
    @classmethod
    def _seeds_of_looks(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Looks without seeds are at seeds 0, 1, ….

        Raises ValueError where looks do not rise, or end at another number of seeds.
        """
        looks = tuple(values.get("looks") or ())
        if not looks:
            return values
        if looks[0] < 2 or any(later <= earlier for earlier, later in pairwise(looks)):
            raise ValueError(f"looks {list(looks)}: rising numbers of seeds are wanted, 2 or more")
        seeds = values.get("seeds") or range(looks[-1])
        if len(seeds) != looks[-1]:
            raise ValueError(
                f"looks {list(looks)} end at {looks[-1]} seeds, and {len(seeds)} are named; "
                "leave --seeds out, or let the last look be their number"
            )
        return values | {"seeds": tuple(seeds)}
