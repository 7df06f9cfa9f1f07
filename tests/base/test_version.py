"""The version of the code, and the commit that records name."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import bench
from bench.base import version

ROOT = Path(__file__).parents[2]
STATED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
OURS = '[project]\nname = "medaug-bench"\nversion = "7.8.9"\n'


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    version.commit.cache_clear()
    yield
    version.commit.cache_clear()


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def repository(folder: Path, pyproject: str) -> str:
    """A repository with one commit, which is returned with 12 digits."""
    (folder / "bench").mkdir(parents=True)
    (folder / "bench" / "a.py").write_text("one = 1\n")
    (folder / "pyproject.toml").write_text(pyproject)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    return git(folder, "rev-parse", "--short=12", "HEAD")


def test_the_version_is_the_one_of_pyproject() -> None:
    assert bench.__version__ == STATED


def test_a_clone_is_believed_before_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version, "ROOT", tmp_path)
    monkeypatch.setattr(version, "version", lambda name: "installed")
    assert version.of_code() == "installed"
    (tmp_path / "pyproject.toml").write_text(OURS)
    assert version.of_code() == "7.8.9"


@pytest.mark.parametrize("text", ["", "[project", OURS.replace("medaug-bench", "theirs")])
def test_the_pyproject_of_another_project_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    monkeypatch.setattr(version, "ROOT", tmp_path)
    assert version.of_clone() is None


def test_importing_bench_is_light() -> None:
    code = (
        "import sys, bench\n"
        "print({'torch', 'pandas', 'numpy', 'pydantic', 'click'} & set(sys.modules))\n"
        "print(issubclass(bench.BenchError, Exception), '__version__' in dir(bench))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.splitlines() == ["set()", "True True"]


def test_bench_has_no_name_that_it_does_not_offer() -> None:
    with pytest.raises(AttributeError, match="'bench' has no attribute 'stady'"):
        _ = bench.stady


def test_a_clone_names_its_commit_and_whether_it_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = repository(tmp_path, OURS)
    monkeypatch.setattr(version, "ROOT", tmp_path)
    assert version.commit() == head
    version.commit.cache_clear()
    (tmp_path / "bench" / "a.py").write_text("one = 2\n")
    assert version.commit() == head + "+"


@pytest.mark.parametrize("folder", [".", ".venv/lib/site-packages"])
def test_installed_in_another_repository_the_version_is_named_not_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    repository(tmp_path, OURS.replace("medaug-bench", "theirs"))
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(version, "ROOT", tmp_path / folder)
    monkeypatch.setattr(version, "version", lambda name: "1.2.3")
    assert version.commit() == "1.2.3"


def test_unpacked_in_another_repository_the_version_is_named_not_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(tmp_path, "")
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "pyproject.toml").write_text(OURS)
    monkeypatch.setattr(version, "ROOT", tmp_path / "vendor")
    assert version.commit() == "7.8.9"


def test_a_git_hook_of_another_repository_does_not_mislead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = repository(tmp_path / "ours", OURS)
    repository(tmp_path / "theirs", "")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "theirs" / ".git"))
    monkeypatch.setattr(version, "ROOT", tmp_path / "ours")
    assert version.commit() == head
