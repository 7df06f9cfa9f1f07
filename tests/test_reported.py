"""Numbers in documents: each is of committed records, or says by what it was measured."""

from pathlib import Path

import pytest

from bench.base.errors import BenchError
from bench.cli.documents import rendered
from bench.study import Study
from reports.claims.paper import load
from reports.documents import check, update
from reports.page import report

BLOCK = "<!-- bench table 1 --study s -->\n| none | 82.4 ± 2.1 |\n<!-- end -->\n"


def problems(root: Path, made: str = "| none | 82.4 ± 2.1 |") -> list[tuple[str, str]]:
    return [(f.place, f.problem) for f in check(root, lambda command: made) if f.problem]


def write(root: Path, text: str) -> None:
    (root / "README.md").write_text(f"# Title\n\n{text}", encoding="utf-8")


def test_a_table_as_its_records_say_is_sound(tmp_path: Path) -> None:
    write(tmp_path, BLOCK)
    assert problems(tmp_path) == []


def test_a_changed_digit_is_found(tmp_path: Path) -> None:
    write(tmp_path, BLOCK.replace("82.4", "82.5"))
    ((place, problem),) = problems(tmp_path)
    assert place == "README.md:3"
    assert problem == "2 lines differ, first '- | none | 82.5 ± 2.1 |'"


@pytest.mark.parametrize(
    "text", ["| mixup | 83.3 |\n", "none has 82.4 ± 2.1 %\n", f"{BLOCK}\n| mixup | 83.3 |\n"]
)
def test_a_number_without_records_is_found(text: str, tmp_path: Path) -> None:
    write(tmp_path, text)
    ((place, problem),) = problems(tmp_path)
    assert place.startswith("README.md:")
    assert "no record backs" in problem


@pytest.mark.parametrize(
    "text",
    [
        "<!-- measured: make speed -->\n| mixup | 1.01 |\n| ails | 1.07 |\n",
        "```\n| mixup | 83.3 |\n```\n",
        f"```markdown\n{BLOCK.replace('82.4', '82.5')}```\n",
        "| what | `a ± b`, `0.5 ± 0.1` |\n",
        "Python 3.11, 1.5 hours, a list of 12 | methods\n",
    ],
)
def test_what_is_no_result_passes(text: str, tmp_path: Path) -> None:
    write(tmp_path, text)
    assert problems(tmp_path) == []


def test_the_note_of_a_measurement_covers_one_table(tmp_path: Path) -> None:
    write(tmp_path, "<!-- measured: make speed -->\n| a | 1.01 |\n\nand\n\n| b | 1.5 |\n")
    assert [place for place, _ in problems(tmp_path)] == ["README.md:8"]


def test_an_empty_table_is_filled(tmp_path: Path) -> None:
    write(tmp_path, "<!-- bench table 1 -->\n<!-- end -->\n")
    update(tmp_path, lambda command: f"| {command} | 82.4 ± 2.1 |")
    assert problems(tmp_path, "| table 1 | 82.4 ± 2.1 |") == []


def test_an_update_writes_what_records_say(tmp_path: Path) -> None:
    write(tmp_path, BLOCK.replace("82.4", "82.5") + "and more\n")
    assert update(tmp_path, lambda command: "| none | 82.4 ± 2.1 |\n") == [tmp_path / "README.md"]
    assert problems(tmp_path) == []
    assert (tmp_path / "README.md").read_text("utf-8").endswith("<!-- end -->\nand more\n")
    assert update(tmp_path, lambda command: "| none | 82.4 ± 2.1 |\n") == []


@pytest.mark.parametrize(("notes", "kept"), [("full", 6), ("short", 1), ("none", 0)])
def test_a_document_has_the_notes_that_its_command_says(
    notes: str, kept: int, tmp_path: Path
) -> None:
    made = rendered(f"table 1 --study studies/breast --notes {notes}", tmp_path)
    _, _, *below = made.strip().split("\n\n")
    assert len(below) == kept


def test_a_document_can_hold_the_verdicts_on_claims(tmp_path: Path) -> None:
    made = rendered("audit --study studies/breast", tmp_path)
    rows = [line for line in made.splitlines() if line.startswith("| “")]
    claims = load("ails").claims
    assert len(rows) == len(claims)
    assert f"Of {len(claims)} claims: " in made
    assert all(" | not tested | " in row for row in rows[-5:])


def test_what_is_unpacked_of_a_part_stays_its_own(tmp_path: Path) -> None:
    for command in ("table 1", "audit"):
        rendered(f"{command} --study studies/breast", tmp_path / "made")
    assert [folder.name for folder in (tmp_path / "made").iterdir()] == ["studies%2Fbreast"]


def test_what_cannot_stand_in_a_document_is_refused(tmp_path: Path) -> None:
    makers = "`table`, `audit`, `readings`, `tune` and `check external`"
    with pytest.raises(BenchError, match=f"only {makers}"):
        rendered("compare --study studies/breast", tmp_path)


def test_page_and_command_judge_claims_at_the_declared_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study(datasets="phantom-binary", methods="none,ails", looks=(5, 9), results=tmp_path)
    looked: list[tuple[int, ...]] = []
    monkeypatch.setattr(report.claims, "judge", lambda *given: looked.append(given[2]) or [])
    report._claims(report.Content(study))
    assert looked == [(5, 9)]
