"""Printed numbers: what their digits say, and the ways to write a mean with its spread."""

import math
import re
from dataclasses import dataclass, field, replace

MARKS = " *†‡§↑↓⇑⇓▲▼△▽\xa0"
"""What may stand beside a number and is no part of it."""
PLUS_MINUS = re.compile(r"\s*(?:±|\+/?[-−])\s*")
NUMBER = re.compile(
    r"[+-]?(?=\.?\d)(?:\d{1,3}(?:,\d{3})+|\d*)(?:\.(?P<digits>\d+))?(?:[eE](?P<power>[+-]?\d+))?"
)
SPREAD = re.compile(r"(?P<mean>[^()\[\]]+?)\s*[(\[]\s*(?P<inside>[^()\[\]]*?)\s*[)\]]\s*")
INTERVAL = re.compile(r"\s*(?:,|;|–|—|\bto\b|(?<=\d)\s*-)\s*")
DIGITS = 15
"""What a float holds of a number."""
POWER = 290
"""The largest and, negative, the smallest power of ten that a float holds with so many digits."""
EPSILON = 1e-9
"""What floating-point sums of printed digits may be off by."""


@dataclass(frozen=True)
class Range:
    """All values from `low` to `high`."""

    low: float
    high: float

    def __sub__(self, other: "Range") -> "Range":
        return Range(self.low - other.high, self.high - other.low)

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    def meets(self, other: "Range") -> bool:
        """Whether the two have a value in common."""
        return self.low <= other.high + EPSILON and other.low <= self.high + EPSILON


@dataclass(frozen=True)
class Number:
    """A number as printed; `unit` is that of its last digit."""

    value: float
    unit: float

    @classmethod
    def parse(cls, text: str) -> "Number | None":
        """None if the text is no number, or one of more than 15 digits, or beyond any float."""
        plain = text.replace("−", "-").strip(MARKS).removesuffix("%").strip(MARKS)
        match = NUMBER.fullmatch(plain)
        if match is None or sum(character.isdigit() for character in plain) > DIGITS:
            return None
        power = int(match["power"] or 0) - len(match["digits"] or "")
        return cls(float(plain.replace(",", "")), 10.0**power) if abs(power) <= POWER else None

    @property
    def unrounded(self) -> Range:
        """The values that are printed like this."""
        return Range(self.value - self.unit / 2, self.value + self.unit / 2)


@dataclass(frozen=True)
class Entry:
    """A mean and, where one is printed, its SD; `form` is how they are written.

    Forms: `number`, `mean ± SD`, `mean (SD)`, `mean ± SD (runs)`, `mean [low, high]`, and
    `mean (change)`, where what stands in brackets has a sign. Of the last two the mean alone is
    read.
    """

    mean: Number
    sd: Number | None = None
    form: str = field(default="number", compare=False)

    @classmethod
    def parse(cls, text: str) -> "Entry | None":
        """None if the text is none of these forms."""
        bracketed = SPREAD.fullmatch(text.strip(MARKS))
        if bracketed:
            return cls._bracketed(bracketed["mean"], bracketed["inside"])
        before, *after = PLUS_MINUS.split(text, maxsplit=1)
        mean, sd = Number.parse(before), Number.parse(after[0]) if after else None
        if mean is None or (after and (sd is None or sd.value < 0)):
            return None
        return cls(mean, sd, "mean ± SD" if sd else "number")

    @classmethod
    def _bracketed(cls, before: str, inside: str) -> "Entry | None":
        if PLUS_MINUS.search(before) and inside.isdigit():
            whole = cls.parse(before)
            return whole and replace(whole, form="mean ± SD (runs)")
        mean, deviation = Number.parse(before), Number.parse(PLUS_MINUS.sub("", inside, count=1))
        if mean is None:
            return None
        if deviation is None:
            ends = [Number.parse(end) for end in INTERVAL.split(inside)]
            interval = len(ends) == 2 and None not in ends
            return cls(mean, form="mean [low, high]") if interval else None
        if inside.lstrip("(").startswith(("+", "-", "−")) and not PLUS_MINUS.match(inside):
            return cls(mean, form="mean (change)")
        return cls(mean, deviation, "mean (SD)") if deviation.value >= 0 else None

    def __str__(self) -> str:
        return "±".join(f"{x.value:.{decimals(x.unit)}f}" for x in (self.mean, self.sd) if x)


def decimals(unit: float) -> int:
    """The digits after the point of a number with this unit."""
    return max(0, round(-math.log10(unit)))
