"""What to show of a study."""

import shlex
from dataclasses import dataclass
from typing import get_args

from bench import metrics
from bench.base.errors import BenchError, unknown
from reports.results.results import Combine


@dataclass(frozen=True)
class View:
    """What to show: a metric, the method to compare with (AILS, else the first, where None), how
    backbones are combined, whether the paper's numbers stand below, of which split features are
    drawn, and of which methods calibration is (all where empty).
    """

    metric: str = "acc"
    reference: str | None = None
    combine: Combine = "mean"
    published: bool = False
    split: str = "test"
    calibrated: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises BenchError for a wrong word."""
        metrics.get(self.metric)
        for name, words in (("combine", get_args(Combine)), ("split", ("train", "val", "test"))):
            if (word := getattr(self, name)) not in words:
                raise unknown(name, str(word), words)
        if (self.combine, self.split) == ("ensemble", "val"):
            raise BenchError("an ensemble has no validation numbers: records keep test scores only")
        if self.published and self.split == "val":
            raise BenchError(
                "published numbers are of the test split; leave one of split and published out"
            )

    @property
    def quantity(self) -> str:
        """What is shown of a record: the metric on the test split, or on the validation split.

        BenchError for a metric that records do not hold of the validation split.
        """
        if self.split != "val":
            return f"metrics.{self.metric}"
        if self.metric not in metrics.RECORDED:
            held = ", ".join(metrics.RECORDED)
            raise BenchError(f"{self.metric} is not recorded on the validation split; use {held}")
        return f"validation.val_{self.metric}"

    @property
    def slug(self) -> str:
        """The metric in names of files: `acc`, or `val-acc` of the validation split."""
        return "val-" * (self.split == "val") + metrics.get(self.metric).name

    @property
    def options(self) -> str:
        """As options of a command, after a blank; what is as usual is left out."""
        given = [
            ("metric", self.metric, "acc"),
            ("reference", self.reference or "", ""),
            ("combine", self.combine, "mean"),
            ("split", self.split, "test"),
        ]
        options = [
            f" --{name} {shlex.quote(value)}" for name, value, usual in given if value != usual
        ]
        return "".join(options) + (" --published" if self.published else "")
