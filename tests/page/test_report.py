"""Parts of the report that are made of other things than records."""

from types import SimpleNamespace

import pytest

from reports.page import report
from reports.page.site import Folded


def test_a_command_that_several_claims_need_is_listed_once() -> None:
    def verdict(methods: str, where: str) -> SimpleNamespace:
        command = f"python -m bench table 4 --methods {methods}"
        claim = SimpleNamespace(where=where)
        return SimpleNamespace(command=lambda study, paper: command, claim=claim)

    asked = [verdict("ails,mixup", "Table 4"), verdict("mixup,ails", "Section 5")]
    (command,) = report._lacking(None, None, asked)  # type: ignore[arg-type]
    assert command.lines == "python -m bench table 4 --methods ails,mixup"
    assert command.note == "The paper's claims in Table 4; Section 5."


def test_checks_that_passed_are_folded() -> None:
    found, folded, _ = report._arithmetic().items
    assert isinstance(folded, Folded)
    (passed,) = folded.items
    assert {row.label for row in passed.rows} == {"consistent"}  # type: ignore[union-attr]
    assert "consistent" not in {row.label for row in found.rows}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "–"), (True, "true"), ((0.9, 0.999), "0.9, 0.999"), ([], "–"), (1 / 255, "0.00392157")],
)
def test_values_are_written_for_readers(value: object, words: str) -> None:
    assert report._words(value) == words
