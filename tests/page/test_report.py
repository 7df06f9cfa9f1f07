"""What the report says, and of whose images."""

from pathlib import Path

import numpy as np

from bench.data.phantom import PHANTOMS
from bench.study import Study
from reports.page.report import Content, build

OF_PAPERS = {"claims", "readings", "arithmetic"}


def sections(dataset: str, folder: Path) -> set[str]:
    study = Study(datasets=[dataset], methods=["none", "ails"], results=folder / "results")
    return {section.id for section in build(Content(study)).sections}


def test_the_report_of_own_images_says_nothing_of_papers(tmp_path: Path) -> None:
    file = tmp_path / "own.npz"
    np.savez(file, **PHANTOMS["phantom-binary"].arrays("phantom-binary", 28))  # type: ignore[arg-type]
    own = sections(str(file), tmp_path)
    assert "table1" in own and not own & OF_PAPERS
    assert sections("phantom-binary", tmp_path) >= OF_PAPERS
