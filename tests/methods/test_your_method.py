"""A user's own method: the one of the documentation, by file and by entry point."""

import pickle
import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner

import methods
from bench.base import plugins
from bench.base.errors import BenchError
from bench.cli import main
from bench.grid.choice import MethodChoice
from bench.store.records import Store
from bench.training import conformance

DOCUMENT = Path(__file__).parents[2] / "docs" / "your-method.md"
SOURCE = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)[0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my_method.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def test_the_documented_method_is_short_and_conforms(file: Path) -> None:
    assert len(SOURCE.splitlines()) <= 25
    assert list(conformance.problems(methods.get(str(file)), conformance.CASES[::5])) == []


def test_it_runs_beside_the_others_with_workers_of_their_own(file: Path, tmp_path: Path) -> None:
    words = ["run", "--datasets", "phantom-binary", "--backbones", "test_byobnet", "--seeds", "1"]
    words += ["--set", "steps=2", "--workers", "2", "--results", str(tmp_path / "results")]
    done = CliRunner().invoke(main, [*words, "--methods", f"{file}[std=0.2],none"])
    assert done.exit_code == 0, done.output
    assert "my_method[std=0.2]" in done.output
    store = Store(tmp_path / "results")
    assert sorted(store.read(key)["label"] for key in store) == ["my_method[std=0.2]", "none"]


def test_its_content_is_part_of_the_key(file: Path) -> None:
    before = MethodChoice.parse(str(file))
    assert before == pickle.loads(pickle.dumps(before))
    file.write_text(SOURCE + "\n# changed", encoding="utf-8")
    assert MethodChoice.parse(str(file)).version != before.version


def test_an_entry_point_adds_a_method_by_name(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(file.parent))
    entry = EntryPoint("gaussian_noise", "my_method:GaussianNoise", "bench.methods")
    monkeypatch.setattr(plugins, "entry_points", lambda group: [entry])
    assert "gaussian_noise" in methods.names()
    assert methods.get("gaussian_noise").summary == "Gaussian noise on every pixel"
    assert MethodChoice.parse("gaussian_noise[std=0.1]").label == "gaussian_noise[std=0.1]"
    sys.modules.pop("my_method")


def test_what_is_no_method_is_answered_in_one_line(tmp_path: Path) -> None:
    cases = {
        "empty.py": "exactly one Method subclass, found 0",
        "broken.py": "SyntaxError",
        "mixup.py": "rename",
    }
    for name, answer in cases.items():
        (tmp_path / name).write_text("x = (" if name == "broken.py" else "", encoding="utf-8")
        with pytest.raises(BenchError, match=answer) as error:
            methods.get(str(tmp_path / name))
        assert "\n" not in str(error.value)
    with pytest.raises(BenchError, match="no method file"):
        methods.get(str(tmp_path / "absent.py"))


def test_check_tells_what_fails(file: Path) -> None:
    file.write_text(SOURCE.replace(".clamp(0, 1)", ""), encoding="utf-8")
    done = CliRunner().invoke(main, ["methods", "check", str(file)])
    assert done.exit_code == 1
    assert "images leave [0, 1]" in done.stderr
