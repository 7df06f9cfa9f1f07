"""Committed studies: a selection in YAML, its records in one file, tables without any image."""

import json
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.base.errors import BenchError
from bench.cli import main
from bench.committed import part, parts
from bench.data.phantom import PHANTOMS
from bench.store.bundle import keys

STUDY = """
about: a study of phantoms
parts:
  small:
    about: two methods
    datasets: [phantom-binary]
    methods: [none, mixup]
    backbones: [test_byobnet]
    seeds: 2
    settings: {steps: 2}
"""


def bench(*words: str | Path) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "mine"
    path.mkdir()
    (path / "study.yaml").write_text(STUDY)
    return path


def test_a_packed_study_is_there_in_another_clone(folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    bench("run", "--study", folder, "--results", first, "--workers", 1)
    bench("pack", folder / "small", "--results", first)
    assert bench("status", "--study", folder, "--results", second).endswith("4 runs: 4 done\n")
    tables = [bench("table", 1, "--study", folder, "--results", r) for r in (first, second)]
    assert tables[0].replace(str(first), str(second)) == tables[1]
    asked = bench("status", "--study", folder, "--results", second, "--seeds", "1,7")
    assert "4 runs: 2 done, 2 missing\n" in asked


def test_parts_share_records_and_hold_each_once(folder: Path, tmp_path: Path) -> None:
    path, first, second = folder / "study.yaml", tmp_path / "first", tmp_path / "second"
    more = STUDY.partition("small:\n")[2].replace("mixup", "mixup, cutmix")
    path.write_text(f"{STUDY}  more:\n    records_of: [small]\n{more}")
    for name in ("small", "more"):
        bench("run", "--study", folder / name, "--results", first, "--workers", 1)
        bench("pack", folder / name, "--results", first)
    assert [len(keys(folder / f"{name}.tar.xz")) for name in ("small", "more")] == [4, 2]
    assert bench("status", "--study", folder / "more", "--results", second).endswith("6 done\n")
    path.write_text(path.read_text().replace("[small]", "[smal]"))
    with pytest.raises(BenchError, match="did you mean 'small'"):
        part(folder / "more")


def test_searches_and_their_trials_are_there_in_another_clone(folder: Path, tmp_path: Path) -> None:
    (folder / "study.yaml").write_text(STUDY + "    params: tuned\n")
    first, second = tmp_path / "first", tmp_path / "second"
    words = ("tune", "--study", folder, "--params", "default", "--trials", 2, "--tune-seeds", 1)
    words = (*words, "--with", "lr", "--workers", 1, "--results")
    bench(*words, first)
    bench("run", "--study", folder, "--params", "default", "--results", first)
    bench("pack", folder / "small", "--results", first)
    packed = keys(folder / "small.tar.xz")
    made = {path.stem for path in (first / "runs").rglob("*.json")}
    defaults = {run.key for run in part(folder).study(params="default", results=first).grid.runs}
    assert packed >= made - defaults
    shown = bench("table", 1, "--study", folder, "--results", second)
    assert "tuned" in shown
    ((searched,), (there,)) = ([*(r / "tuned").glob("*/mixup.json")] for r in (first, second))
    assert there.read_bytes() == searched.read_bytes()
    bench(*words, second)
    assert there.read_bytes() == searched.read_bytes()
    assert {path.stem for path in (second / "runs").rglob("*.json")} == made


def test_a_clone_without_images_shows_sets_that_are_done_and_sets_that_are_not(
    folder: Path, tmp_path: Path
) -> None:
    files = [tmp_path / "done.npz", tmp_path / "ahead.npz"]
    for seed, file in enumerate(files):
        arrays = PHANTOMS["phantom-binary"].arrays(f"phantom-{seed}", 28)
        np.savez(file, **arrays)
    both = ",".join(map(str, files))
    path, results = folder / "study.yaml", tmp_path / "results"
    path.write_text(STUDY.replace("phantom-binary", both))
    bench("run", "--study", folder, "--datasets", files[0], "--results", results, "--workers", 1)
    bench("pack", folder, "--results", results)
    for file in files:
        file.unlink()
    table = bench("table", 1, "--study", folder, "--done", "--results", tmp_path / "clone")
    assert re.search(r"none +\d.* – +– *\n", table), table
    sets = bench("table", 3, "--study", folder, "--results", tmp_path / "clone")
    assert "Not on disk, counts as records state them: done" in " ".join(sets.split())
    bench("report", "--study", folder, "--results", tmp_path / "clone")
    with pytest.raises(AssertionError, match=r"error: no file .*ahead\.npz"):
        bench("run", "--study", folder, "--results", tmp_path / "clone", "--workers", 1)


def test_what_is_missing_is_told(folder: Path, tmp_path: Path) -> None:
    bench("run", "--study", folder, "--results", tmp_path / "r", "--seeds", 1, "--workers", 1)
    told = bench("pack", folder, "--results", tmp_path / "r")
    assert "2 of 4 runs are not done, and not in it" in told


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (STUDY, "other", "did you mean 'small'|choose from small"),
        (STUDY.replace("seeds", "seedz"), "small", "did you mean 'seeds'"),
        (STUDY.replace("parts", "part"), "small", "did you mean 'parts'"),
        ("about: x\nparts: {}", "small", "parts"),
        ("[", "small", "not valid YAML"),
        ("- a", "small", "expected a mapping"),
        ("", "small", "expected a mapping"),
    ],
)
def test_a_wrong_file_is_one_line(text: str, place: str, said: str, folder: Path) -> None:
    (folder / "study.yaml").write_text(text)
    with pytest.raises(BenchError, match=said):
        part(folder / place)


def test_no_study_and_several_parts_are_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"no study in .*nothing"):
        part(tmp_path / "nothing")
    path = folder / "study.yaml"
    path.write_text(path.read_text() + "  other: {about: x}\n")
    with pytest.raises(BenchError, match=r"several parts: name one of .*small, .*other"):
        part(folder)


def test_nothing_done_is_not_packed(folder: Path, tmp_path: Path) -> None:
    found = part(folder)
    with pytest.raises(BenchError, match="nothing to pack"):
        found.pack(found.study(results=tmp_path / "empty"))


@pytest.mark.parametrize("study", sorted(Path(__file__).parents[1].glob("studies/*/study.yaml")))
def test_the_studies_of_the_repository_are_sound(study: Path) -> None:
    for found in parts(study.parent).values():
        assert found.about
        assert found.study().config.protocol


def test_all_parts_know_the_same_of_a_set() -> None:
    known: dict[str, list[str]] = {}
    for path in sorted(Path(__file__).parents[1].glob("studies/*/*.tar.xz")):
        with tarfile.open(path, "r|xz") as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is None or not member.name.startswith("data/"):
                    break
                told = json.loads(file.read())["warnings"]
                assert known.setdefault(member.name, told) == told, f"{path}: {member.name}"
    assert len(known) > 4
