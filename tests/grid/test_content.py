"""What decides a run is content: no name and no path of data, methods or backbones."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import Study
from bench.base.errors import BenchError, Note
from bench.grid.cell import Run, key_of
from reports import compare, table

METHOD = """
import torch
{imports}
from methods.method import Method


class Noise(Method):
    summary = "noise"
    reference = "a test"

    def augment(self, images, targets):
        return images + {strength} * torch.rand(images.shape, generator=self.generator), targets
"""
TINY = {"backbones": "test_byobnet", "seeds": 1, "settings": {"steps": 2}}


def save(path: Path, flip: bool = False, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    arrays: dict[str, Any] = {}
    for split, count in {"train": 32, "val": 16, "test": 16}.items():
        arrays[f"{split}_images"] = rng.integers(0, 256, (count, 28, 28), np.uint8)
        arrays[f"{split}_labels"] = (np.arange(count)[:, None] % 2 == flip).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def method(path: Path, strength: str = "0.1", imports: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(METHOD.format(strength=strength, imports=imports), encoding="utf-8")
    return path


def only(**fields: Any) -> Run:
    (run,) = Study(**{"methods": "none", **TINY, **fields}).grid.runs
    return run


def test_a_renamed_set_is_the_same_run(tmp_path: Path) -> None:
    one, other = save(tmp_path / "a.npz"), save(tmp_path / "x" / "b.npz")
    first, second = only(datasets=[one]), only(datasets=[other])
    assert first.key == second.key and first.streams == second.streams


def test_other_labels_are_another_set(tmp_path: Path) -> None:
    one, other = save(tmp_path / "a" / "s.npz"), save(tmp_path / "b" / "s.npz", flip=True)
    study = Study(datasets=[one, other], methods="none", **TINY)
    assert len({run.cell.dataset for run in study.grid.runs}) == 2
    one.with_suffix(".yaml").write_text("labels: [well, ill]")
    assert only(datasets=[one]).key != study.grid.runs[0].key


def test_content_of_the_same_size_and_time_is_noticed(tmp_path: Path) -> None:
    file = save(tmp_path / "s.npz")
    before, key = file.stat(), only(datasets=[file]).key
    shutil.copyfile(save(tmp_path / "other.npz", seed=1), file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert only(datasets=[file]).key != key


def test_a_run_refuses_data_that_changed_since_it_was_planned(tmp_path: Path) -> None:
    from bench.training.execute import execute

    file = save(tmp_path / "s.npz")
    run = only(datasets=[file])
    save(file, flip=True)
    with pytest.raises(BenchError, match="changed since the run was planned"):
        execute(run)


def test_a_renamed_method_is_the_same_run(tmp_path: Path) -> None:
    one, other = method(tmp_path / "one.py"), method(tmp_path / "x" / "another.py")
    first, second = (only(datasets="phantom-binary", methods=[str(f)]) for f in (one, other))
    assert first.key == second.key == key_of(first.describe())


def test_methods_of_one_file_name_are_two_rows(tmp_path: Path) -> None:
    files = [method(tmp_path / v / "mine.py", s) for v, s in (("v1", "0.1"), ("v2", "0.2"))]
    study = Study(
        datasets="phantom-binary", methods=["none", *map(str, files)], results=tmp_path, **TINY
    )
    study.run(workers=1)
    (printed,) = table(1, study)
    none, *labels = [row.label for row in printed.table.rows]
    assert none == "none"
    assert [label[-len("v1/mine") :] for label in labels] == ["v1/mine", "v2/mine"]
    assert len(compare(study, reference="none")) == 0  # one seed is no comparison


def test_parameters_that_differ_in_the_last_digit_have_labels_that_do() -> None:
    study = Study(
        datasets="phantom-binary",
        methods=["mixup[alpha=0.4000001]", "mixup[alpha=0.4000002]"],
        **TINY,
    )
    labels = [run.cell.method.label for run in study.grid.runs]
    assert labels == ["mixup[alpha=0.4000001]", "mixup[alpha=0.4000002]"]


def test_what_a_method_imports_from_its_folder_is_part_of_it(tmp_path: Path) -> None:
    helper = tmp_path / "helper.py"
    helper.write_text("STRENGTH = 0.1", encoding="utf-8")
    file = method(tmp_path / "mine.py", "helper.STRENGTH", "import helper")
    before = only(datasets="phantom-binary", methods=[str(file)]).key
    (tmp_path / "unrelated.py").write_text("", encoding="utf-8")
    assert only(datasets="phantom-binary", methods=[str(file)]).key == before
    helper.write_text("STRENGTH = 0.2", encoding="utf-8")
    assert only(datasets="phantom-binary", methods=[str(file)]).key != before


def test_all_methods_of_a_seed_share_every_stream(make_run: Callable[..., Run]) -> None:
    streams = {make_run(name, seed=3).streams for name in ("none", "ails", "feature_noise")}
    assert len(streams) == 1


def test_tables_need_no_images(tmp_path: Path) -> None:
    file = save(tmp_path / "mine.npz")
    study = Study(datasets=[file], methods="none", results=tmp_path / "r", **TINY)
    study.run(workers=1)
    name = study.grid.runs[0].cell.dataset
    file.unlink()
    again = Study(datasets=[name], methods="none", results=tmp_path / "r", **TINY)
    (printed,) = table(1, again)
    assert printed.table.rows[0].cells[0].mean is not None  # type: ignore[union-attr]


def test_records_of_other_code_are_told_and_made_anew(tmp_path: Path) -> None:
    study = Study(datasets="phantom-binary", methods="none", results=tmp_path, **TINY)
    study.run(workers=1)
    assert study.stale() == []
    path = study.store.record_path(study.grid.runs[0].key)
    fresh = Study(datasets="phantom-binary", methods="none", results=tmp_path, **TINY)
    fresh.measured.records[fresh.grid.runs[0]]["code"]["method"] = "00000000"
    assert len(fresh.stale()) == 1
    fresh.redo_stale()
    assert not path.exists() and (tmp_path / "stale" / path.name).exists()


@pytest.mark.usefixtures("in_this_process")
def test_changed_code_is_said_before_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.base.version.commit", lambda: "abc+")
    study = Study(datasets="phantom-binary", methods="none", results=tmp_path, **TINY)
    with pytest.warns(Note, match="marked as made by changed code"):
        study.run(workers=1)
    (printed,) = table(1, study)
    assert any("not committed in 1 of 1 runs" in note for note in printed.table.footnotes)


def test_a_table_of_another_command_is_not_replaced_without_a_word(tmp_path: Path) -> None:
    for name in ("phantom-binary", "phantom-ordinal"):
        Study(datasets=name, methods="none", results=tmp_path, **TINY).run(workers=1)
    first, second = (
        table(1, Study(datasets=name, methods="none", results=tmp_path, **TINY))
        for name in ("phantom-binary", "phantom-ordinal")
    )
    first.write(tmp_path)
    first.write(tmp_path)
    with pytest.warns(Note, match="replaced: python -m bench table 1 --datasets phantom-binary"):
        second.write(tmp_path)
