"""Printed numbers."""

import math

import pytest

from reports.published.numbers import Number


@pytest.mark.parametrize("text", ["1e400", "1e-400", "999999999999e300", "0e-400"])
def test_what_no_float_holds_is_no_number(text: str) -> None:
    assert Number.parse(text) is None


@pytest.mark.parametrize("text", ["1e99", "3.2e-120", "999999999999e280"])
def test_what_a_float_holds_is_one(text: str) -> None:
    number = Number.parse(text)
    assert number is not None and math.isfinite(number.value) and number.unit > 0
