"""The wheel: what it must hold, and that it works where nothing else of the project is."""

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from sysconfig import get_path

import pytest

from bench.grid import configs

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUP = PROJECT["tool"]["setuptools"]
TOP = ("bench", "methods", "reports")
FILES = [
    path
    for folder in (*TOP, "configs")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.is_file() and "__pycache__" not in path.parts
]
DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn", "yaml": "pyyaml"}
"""What is imported by another name than it is installed by."""
PHANTOM = (
    "--datasets=phantom-binary",
    "--backbones=test_byobnet",
    "--methods=none,mixup",
    "--seeds=2",
    "--set=steps=2",
)


def package(path: Path) -> str:
    folder = ".".join(path.parent.relative_to(ROOT).parts)
    return "bench.configs" if folder.split(".")[0] == "configs" else folder


class TestMetadata:
    """What pyproject.toml says against what is on disk."""

    def test_every_package_is_listed(self) -> None:
        assert sorted(SETUP["packages"]) == sorted({package(path) for path in FILES})

    def test_every_package_has_its_docstring(self) -> None:
        packages = {path.parent for path in FILES if path.suffix == ".py"}
        first = {path: (path / "__init__.py").read_text() for path in packages}
        assert all(ast.get_docstring(ast.parse(text)) for text in first.values())

    @pytest.mark.parametrize(
        "path",
        [pytest.param(p, id=str(p.relative_to(ROOT))) for p in FILES if p.suffix != ".py"],
    )
    def test_every_other_file_is_package_data(self, path: Path) -> None:
        patterns = SETUP["package-data"][package(path)]
        assert any(fnmatch(path.name, pattern) for pattern in patterns)

    def test_what_is_imported_is_required_and_the_reverse(self) -> None:
        project = PROJECT["project"]
        extras = project["optional-dependencies"]
        optional = (extras[name] for name in ("gen", "dicom", "audit", "ray"))
        required = [*project["dependencies"], *chain(*optional)]
        names = {requirement.split(">=")[0].replace("-", "_") for requirement in required}
        found = {name.replace("-", "_") for name in imported()}
        assert names == found - {"IPython", "_typeshed"}  # of a notebook, of type checkers

    def test_packages_say_that_they_are_typed(self) -> None:
        assert all((ROOT / folder / "py.typed").is_file() for folder in TOP)


def imported() -> set[str]:
    """The distributions that source files import."""
    nodes = [
        node
        for path in FILES
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]
    modules = [n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module]
    modules += [alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names]
    names = {module.split(".")[0] for module in modules}
    return {DISTRIBUTIONS.get(n, n) for n in names - sys.stdlib_module_names - set(TOP)}


def call(folder: Path, *command: str | Path, code: int = 0, **environment: str) -> str:
    """What a command started in a folder writes; its errors where it is to fail with `code`."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env=kept | {"OMP_NUM_THREADS": "1"} | environment,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr if code else done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a fresh clone holds of the packages: nothing built, nothing installed."""
    folder = tmp_path_factory.mktemp("clone")
    for name in (*TOP, "configs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the clone, built without any network."""
    if not (find_spec("pip") and find_spec("setuptools")):
        pytest.skip("building a wheel takes pip and setuptools")
    source = shutil.copytree(clone, tmp_path_factory.mktemp("source") / "tree")
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps")
    call(source, *pip, "--no-build-isolation", "--wheel-dir", folder, source)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of an environment that holds the wheel, inside a git repository of a user's.

    It sees the packages of this interpreter as files, so that no editable install is among them.
    """
    repository = tmp_path_factory.mktemp("theirs")
    call(repository, "git", "init", "--quiet")
    author = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    call(repository, "git", *author, "commit", "--quiet", "--allow-empty", "--message=theirs")
    call(repository, sys.executable, "-m", "venv", "--without-pip", ".venv")
    scripts = repository / ".venv" / "bin"
    (site,) = repository.glob(".venv/lib/python*/site-packages")
    (site / "others.pth").write_text(get_path("purelib"))
    pip = (sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--quiet")
    call(repository, *pip, "--no-index", "--no-deps", wheel)
    return scripts


class TestProtocols:
    """Where the protocols are looked for."""

    def test_a_fresh_clone_has_them(self, clone: Path) -> None:
        command = (sys.executable, "-m", "bench", "plan", "--protocol=labtop")
        assert "did you mean 'laptop'" in call(clone, *command, code=2)

    def test_a_wheel_holds_them_as_a_package(self, wheel: Path) -> None:
        held = zipfile.ZipFile(wheel).namelist()
        assert {f"bench/configs/{name}.yaml" for name in configs.names()} <= set(held)

    def test_a_wheel_finds_them_in_an_empty_folder(self, installed: Path, tmp_path: Path) -> None:
        command = (installed / "medaug-bench", "plan", "--protocol=labtop")
        assert "did you mean 'laptop'" in call(tmp_path, *command, code=2)


class TestCommands:
    """The commands of an installed wheel, in an empty folder."""

    @pytest.mark.parametrize("name", ["bench", "medaug-bench"])
    def test_both_commands_tell_the_version(
        self, installed: Path, tmp_path: Path, name: str
    ) -> None:
        version = PROJECT["project"]["version"]
        assert call(tmp_path, installed / name, "--version").split()[-1] == version

    @pytest.mark.slow
    def test_from_runs_to_a_report(self, installed: Path, tmp_path: Path) -> None:
        bench = installed / "bench"
        assert "mixup" in call(tmp_path, bench, "methods")
        assert "4 runs: 4 missing" in call(tmp_path, bench, "plan", *PHANTOM)
        call(tmp_path, bench, "run", *PHANTOM)
        records = [json.loads(p.read_text()) for p in (tmp_path / "results/runs").rglob("*.json")]
        assert {record["commit"] for record in records} == {PROJECT["project"]["version"]}
        assert len(records) == 4
        table = call(tmp_path, bench, "table", "1", *PHANTOM, "--reference=none", "--published")
        assert "phantom data, not MedMNIST" in table
        call(tmp_path, bench, "report", *PHANTOM)
        (page,) = (tmp_path / "results").glob("report-*.html")
        assert "phantom data, not MedMNIST" in page.read_text()


class TestShadows:
    """A user's own `methods` or `reports` where a command is started."""

    @pytest.fixture(params=["methods", "reports", "methods.py", "reports.py"])
    def hiding(self, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
        """A package or a module that must not be imported."""
        path = file = tmp_path / request.param
        if not path.suffix:
            path.mkdir()
            file = path / "__init__.py"
        file.write_text("raise RuntimeError('the wrong one was imported')\n")
        return path

    def test_python_m_says_what_hides_what_and_the_mend(
        self, installed: Path, hiding: Path, tmp_path: Path
    ) -> None:
        told = call(tmp_path, installed / "python", "-m", "bench", "methods", code=2)
        assert told.startswith(f"error: {hiding} hides the package '{hiding.stem}'")
        assert told.endswith("start from another folder, or use the command `bench`\n")
        assert told.count("\n") == 1

    def test_the_command_is_not_misled(self, installed: Path, hiding: Path, tmp_path: Path) -> None:
        assert hiding.exists()
        call(tmp_path, installed / "bench", "--version")

    @pytest.mark.slow
    def test_the_command_imports_what_is_installed(self, installed: Path, tmp_path: Path) -> None:
        for name in ("methods.py", "reports.py"):
            (tmp_path / name).write_text("raise RuntimeError('the wrong one was imported')\n")
        assert "mixup" in call(tmp_path, installed / "bench", "methods")
        call(tmp_path, installed / "bench", "audit", *PHANTOM)

    def test_a_folder_that_python_does_not_prefer_is_no_error(
        self, installed: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "methods").mkdir()
        call(tmp_path, installed / "python", "-m", "bench", "--version")
