"""The report of one's own images: its own title, the answer first, no paper, no path."""

import re
from pathlib import Path

import numpy as np
import pytest

from bench import Study
from reports import report
from reports.page import own, site
from reports.results import oddities


def npz(path: Path, leak: bool = False, seed: int = 0, train: int = 40) -> Path:
    rng = np.random.default_rng(seed)
    arrays = {}
    for split, count in {"train": train, "val": 16, "test": 20}.items():
        arrays[f"{split}_images"] = rng.integers(0, 256, (count, 28, 28), np.uint8)
        arrays[f"{split}_labels"] = np.arange(count)[:, None] % 2
        arrays[f"{split}_groups"] = np.array([f"{split}{i}" for i in range(count)])
    if leak:
        arrays["test_groups"][:3] = arrays["train_groups"][:3]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def study(path: Path, results: Path, **more: object) -> Study:
    return Study(
        datasets=[path],
        methods=["none", "basic+mixup"],
        backbones="test_byobnet",
        settings={"steps": 2},
        results=results,
        **({"seeds": 1} | more),  # type: ignore[arg-type]
    )


@pytest.mark.usefixtures("in_this_process")
def test_the_answer_and_a_leak_of_patients_stand_first_and_no_paper(tmp_path: Path) -> None:
    asked = study(npz(tmp_path / "hospital" / "chest.npz", leak=True), tmp_path / "results")
    asked.run(workers=1)
    text = report(asked).read_text(encoding="utf-8")
    assert "<title>Augmentation on chest<" in text
    leak = "3 of 20 test images are of groups that train has too"
    compared = text.index('id="compared"')
    assert text.index('id="answer"') < compared and text.index(leak) < compared
    assert text.count(leak) >= 4  # above all, at the data, in their table and in Table 1
    for foreign in ("AILS", "Published", "on MedMNIST", "paper", "hospital", str(tmp_path)):
        assert foreign not in text, foreign
    assert "--datasets chest.npz" in re.sub(r"<[^>]+>", "", text) and "Confusion" in text


def test_before_any_run_it_says_what_to_do(tmp_path: Path) -> None:
    page = own.build(study(npz(tmp_path / "chest.npz"), tmp_path / "results"))
    assert page.summary == (("runs", "none yet"),)
    assert page.answer and page.answer.lead == "Nothing can be compared yet."
    assert [section.id for section in page.sections][-1] == "undone"
    data = next(section for section in page.sections if section.id == "data")
    assert data.lead == own.SOUND and page.cautions == ()


def test_sets_of_medmnist_and_phantoms_have_the_other_report(tmp_path: Path) -> None:
    assert not own.is_own(Study(datasets="phantom-binary", methods="none", results=tmp_path))
    assert own.is_own(study(npz(tmp_path / "a.npz"), tmp_path))
    assert own.is_own(study(npz(tmp_path / "breast.npz"), tmp_path))  # MedMNIST's has no digest
    assert not own.is_own(study(npz(tmp_path / "dermamnist_rebuilt.npz"), tmp_path))


@pytest.mark.usefixtures("in_this_process")
def test_the_answer_names_runs_that_predict_one_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = npz(tmp_path / "chest.npz")
    study(path, tmp_path / "results", seeds=2).run(workers=1)
    for seeds, shown in ((2, "seed 0–1"), (1, "seed 0")):
        asked = study(path, tmp_path / "results", seeds=seeds)
        for one_class in (True, False):
            monkeypatch.setattr(oddities, "predicts_one_class", lambda *_, found=one_class: found)
            answer = own.build(asked).answer
            assert answer is not None
            items = [item for item in answer.items if isinstance(item, site.Answers)]
            said = dict(pair for item in items for pair in item.pairs).get("One class only (†)", "")
            assert (f"none on chest {shown}, basic+mixup on chest {shown}:" in said) is one_class


def test_names_stay_as_typed_and_cautions_begin_as_sentences(tmp_path: Path) -> None:
    asked = study(npz(tmp_path / "chest.npz", leak=True), tmp_path / "results", protocol="quick")
    page = own.build(asked)
    caution, wrong = page.cautions
    assert caution.startswith("A quick demo") and wrong.startswith("chest: 3 of 20 test images")
    assert "first-letter" not in site.render(page)


@pytest.mark.usefixtures("in_this_process")
def test_a_table_of_further_runs_is_there(tmp_path: Path) -> None:
    path = npz(tmp_path / "chest.npz")
    study(path, tmp_path / "results", ratios="0.5,1").run(workers=1)
    asked = study(path, tmp_path / "results")
    found = {section.id for section in own.build(asked).sections}
    assert {"compared", "data", "table4", "figures"} <= found and "table2" not in found


def test_a_table_that_so_few_images_cannot_have_is_left_out(tmp_path: Path) -> None:
    asked = study(npz(tmp_path / "chest.npz", train=12), tmp_path / "results")
    assert "table4" not in {section.id for section in own.build(asked).sections}


def test_each_set_has_a_file_of_its_own(tmp_path: Path) -> None:
    paths = [
        report(study(npz(tmp_path / folder / "chest.npz", seed=seed), tmp_path / "results"))
        for seed, folder in enumerate(("a", "b"))
    ]
    assert len(set(paths)) == 2 and all(path.name.startswith("report-chest-") for path in paths)
    many = [npz(tmp_path / f"{n}{'x' * 200}.npz") for n in range(3)]
    asked = Study(datasets=many, methods="none", seeds=1, results=tmp_path / "results")
    assert len(report(asked).name) < 140
