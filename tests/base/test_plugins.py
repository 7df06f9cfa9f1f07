"""Plug-ins by file: siblings, base classes, names after a colon, and one-line errors."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import methods
from bench.base import plugins
from bench.base.errors import BenchError
from bench.grid.choice import MethodChoice

METHOD = """
from methods.method import Method, Parameters


class {name}({base}):
    summary = reference = "{name}"
"""


def write(path: Path, *classes: tuple[str, str], top: str = "") -> str:
    bodies = [METHOD.format(name=name, base=base) for name, base in classes]
    path.write_text(top + "".join(bodies), encoding="utf-8")
    return str(path)


def test_a_base_class_of_its_own_is_passed_over(tmp_path: Path) -> None:
    file = write(tmp_path / "one.py", ("Base", "Method"), ("Derived", "Base"))
    assert methods.get(file).__name__ == "Derived"
    assert methods.find(f"{file}:Derived").name == methods.find(file).name == "one"
    assert methods.find(f"{file}:Base").name == "one.Base"


def test_one_of_several_is_named_and_has_a_key_of_its_own(tmp_path: Path) -> None:
    file = write(tmp_path / "two.py", ("A", "Method"), ("B", "Method"))
    with pytest.raises(BenchError, match=r"exactly one Method subclass, found 2: A, B; name one"):
        methods.get(file)
    first, second = (MethodChoice.parse(f"{file}:{name}") for name in "AB")
    assert (first.label, second.label) == ("two.A", "two.B")
    assert first != second
    with pytest.raises(BenchError, match=r"no Method subclass in .*'C'; choose from A, B"):
        methods.get(f"{file}:C")
    with pytest.raises(BenchError, match="Parameters is no Method subclass of this file"):
        methods.get(f"{file}:Parameters")


def test_siblings_of_one_name_in_two_folders_are_not_confused(tmp_path: Path) -> None:
    before = list(sys.path)
    found = []
    for folder in ("left", "right"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "helper.py").write_text(f"SIDE = {folder!r}", encoding="utf-8")
        top = "import helper\nSIDE = helper.SIDE\n"
        file = write(tmp_path / folder / "same.py", ("Same", "Method"), top=top)
        found.append(sys.modules[methods.get(file).__module__].SIDE)
    assert found == ["left", "right"]
    assert sys.path == before and "helper" not in sys.modules


def test_a_sibling_does_not_replace_a_module_of_its_name(tmp_path: Path) -> None:
    import yaml

    (tmp_path / "yaml.py").write_text("OURS = True", encoding="utf-8")
    file = write(tmp_path / "own.py", ("Own", "Method"), top="from yaml import OURS\n")
    methods.get(file)
    assert sys.modules["yaml"] is yaml


@pytest.mark.parametrize("text", ["a:b.py", "a.py:B:C", "a.py:", "a:b.py:C"])
def test_a_colon_stands_only_before_a_name(text: str) -> None:
    with pytest.raises(BenchError, match="with no other colon"):
        plugins.split(text)


def test_the_version_holds_the_digest_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "one.py", ("One", "Method"))
    assert MethodChoice.parse(file).version == f"1-{plugins.digest(Path(file))}"


def test_only_the_thread_that_calls_a_plugin_cannot_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    with ThreadPoolExecutor(1) as another, plugins.no_exit():
        assert list(another.map(os._exit, [3])) == [None]
        with pytest.raises(SystemExit):
            os._exit(4)
    assert left == [3]
