"""Parameters that may be words, numbers, or a word with a number: "diag", 0.3, "lowrank(4)"."""

import math
import re
from collections.abc import Callable
from typing import Any

from pydantic import AfterValidator, BeforeValidator

RANGES: dict[str, Callable[[float], bool]] = {
    "": math.isnan,
    "count": lambda number: number >= 1 and number.is_integer(),
    "fraction": lambda number: 0 <= number <= 1,
}


def parse(value: str) -> tuple[str, float]:
    """The word and its number (NaN where there is none): "lowrank(4)" is ("lowrank", 4.0)."""
    match = re.fullmatch(r"(\w+)\((\d*\.?\d+)\)", value)
    return (match[1], float(match[2])) if match else (value, math.nan)


def forms(*allowed: str) -> AfterValidator:
    """Accept these forms only, such as "diag" or "lowrank(count)"; RANGES tells the numbers."""
    kinds = dict(form.rstrip(")").partition("(")[::2] for form in allowed)

    def check(value: str) -> str:
        word, number = parse(value)
        if word not in kinds or not RANGES[kinds[word]](number):
            raise ValueError(
                f"choose from {', '.join(allowed)} (a count from 1 on, a fraction in 0..1)"
            )
        return value

    return AfterValidator(check)


def positive_or(word: str) -> BeforeValidator:
    """Accept this word or a positive number."""

    def check(value: Any) -> float | str:
        if value == word:
            return word
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not 0 < number < math.inf:
            raise ValueError(f"choose {word} or a positive number")
        return number

    return BeforeValidator(check)
