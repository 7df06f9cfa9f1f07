"""The table of mutants fits the code; that each is found is for `make mutants`, in minutes."""

from pathlib import Path

import pytest
from mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_it_can_be_planted(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1
    assert (ROOT / mutant.tests.partition("::")[0]).is_file()


def test_each_has_a_name_of_its_own() -> None:
    assert len({mutant.what for mutant in MUTANTS}) == len(MUTANTS) >= 40
