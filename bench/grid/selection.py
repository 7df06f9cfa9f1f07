"""Selection: which runs."""

from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bench.data.catalogue import LARGEST_SIZE, SMALLEST_SIZE
from bench.grid.notation import LARGEST_SEED
from bench.stats.verdict import FEWEST

Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]


class Selection(BaseModel):
    """Which runs: the product of these, and what is declared of their comparison beforehand.

    `input_size` null means the source's own size. `looks` are the numbers of seeds at which it is
    looked at the results, the last of them that of all seeds; none is one look at the end. `margin`
    is the smallest difference, as a fraction, that is worth a word.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    datasets: tuple[str, ...] = Field(("breast",), min_length=1)
    methods: tuple[str, ...] = Field(("none",), min_length=1)
    backbones: tuple[str, ...] = Field(("resnet18",), min_length=1)
    ratios: tuple[float, ...] = Field((1.0,), min_length=1)
    seeds: tuple[Seed, ...] = Field(tuple(range(10)), min_length=1)
    source_size: int = Field(28, ge=SMALLEST_SIZE, le=LARGEST_SIZE)
    input_size: int | None = Field(None, ge=SMALLEST_SIZE, le=LARGEST_SIZE)
    looks: tuple[int, ...] = ()
    margin: float = Field(0.01, gt=0, lt=1)

    @model_validator(mode="before")
    @classmethod
    def _seeds_of_looks(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Looks without seeds are at seeds 0, 1, …; with them, at the lowest first.

        Raises ValueError where looks do not rise, end at another number of seeds, or where one that
        can decide nothing comes before others.
        """
        looks = tuple(values.get("looks") or ())
        if not looks:
            return values
        if looks[0] < 2 or any(later <= earlier for earlier, later in pairwise(looks)):
            raise ValueError(f"looks {list(looks)}: expected rising numbers of seeds, 2 or more")
        if len(looks) > 1 and looks[0] < FEWEST:
            raise ValueError(
                f"looks {list(looks)}: nothing is decided below {FEWEST} seeds; begin there"
            )
        seeds = values.get("seeds") or range(looks[-1])
        if len(seeds) != looks[-1]:
            raise ValueError(
                f"looks {list(looks)} end at {looks[-1]} seeds, and {len(seeds)} are named; "
                "leave --seeds out, or let the last look be their number"
            )
        return values | {"seeds": tuple(sorted(seeds))}
