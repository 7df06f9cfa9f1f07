"""A user's own backbone, by file and by entry point."""

import re
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from bench import backbone
from bench.base import plugins
from bench.base.errors import BenchError
from bench.cli import main
from bench.grid import grid
from bench.grid.cell import Run
from bench.store.records import Store
from bench.training.execute import execute

MakeRun = Callable[..., Run]
DOCUMENT = Path(__file__).parents[2] / "docs" / "your-backbone.md"
SOURCE = """
from torch import nn


class Block(nn.Sequential):
    def __init__(self, width):
        super().__init__(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())


class Net(nn.Module):
    def __init__(self, num_classes, channels, input_size):
        super().__init__()
        self.stem = nn.Conv2d(channels, 6, 4, stride=4)
        self.body = Block(6)
        self.head = nn.Linear(6 * (input_size // 4) ** 2, num_classes)

    def features(self, images):
        return self.body(self.stem(images)).view(len(images), -1)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def test_it_runs_beside_the_others_and_stands_in_the_table(file: Path, tmp_path: Path) -> None:
    words = ["run", "--datasets", "phantom-binary,phantom-ordinal", "--methods", "none,ails"]
    words += ["--seeds", "1", "--set", "steps=2", "--results", str(tmp_path / "results")]
    done = CliRunner().invoke(main, [*words, "--backbones", f"{file}:Net"])
    assert done.exit_code == 0, done.output
    store = Store(tmp_path / "results")
    cells = [store.read(key)["cell"] for key in store]
    assert len(cells) == 4
    assert {(cell["backbone"], cell["backbone_version"]) for cell in cells} == {
        ("net", plugins.digest(file))
    }
    assert "missing" not in done.output and "%" in done.output


def test_the_documented_one_is_a_backbone(file: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)
    file.write_text(code, encoding="utf-8")
    backbone.check(str(file), 28, 1)
    assert backbone.build(str(file), 2, 1, 28, seed=0).feature_dim == 64


def test_its_content_is_part_of_the_key(file: Path, make_run: MakeRun) -> None:
    before = make_run(backbone=str(file))
    assert make_run(backbone=f"{file}:Net").key == before.key
    first = execute(before)
    assert (first.scores == execute(before).scores).all()
    file.write_text(SOURCE + "\n# changed", encoding="utf-8")
    after = make_run(backbone=str(file))
    assert after.key != before.key
    assert after.streams == before.streams


def test_one_of_timm_has_no_version(make_run: MakeRun) -> None:
    assert "backbone_version" not in make_run().describe()["cell"]


def test_the_class_may_have_any_name(file: Path, make_run: MakeRun) -> None:
    file.write_text(SOURCE.replace("Net", "SmallNetwork"), encoding="utf-8")
    assert make_run(backbone=str(file)).cell.backbone == "net"
    with pytest.raises(BenchError, match=r"'SmallNetwrk'; did you mean 'SmallNetwork'"):
        make_run(backbone=f"{file}:SmallNetwrk")


def test_an_entry_point_adds_one_by_name(
    file: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(file.parent))
    entries = [
        EntryPoint("my_net", "net:Net", "bench.backbones"),
        EntryPoint("resnet18", "net:Net", "bench.backbones"),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: entries)
    cell = make_run(backbone="my_net").cell
    assert (cell.backbone, cell.backbone_version) == ("my_net", plugins.digest(file))
    assert backbone.build("my_net", 2, 1, 28, seed=0).feature_dim == 6 * 7 * 7
    assert not make_run(backbone="resnet18").cell.backbone_version
    sys.modules.pop("net")


def test_it_is_given_normalised_images_of_its_size_and_channels(file: Path) -> None:
    model = backbone.build(str(file), 2, 1, 32, seed=0, rgb=True).eval()
    images = torch.rand(2, 1, 32, 32)
    expected = model.net.head(model.net.features((images.expand(-1, 3, -1, -1) - 0.5) / 0.5))
    assert torch.allclose(model(images), expected)
    assert model.images_seen == 2
    assert model(torch.rand(2, 1, 28, 28)).shape == (2, 2)


def test_the_seed_alone_decides_the_weights(file: Path) -> None:
    one, two, other = (backbone.build(str(file), 2, 1, 28, seed=s).state_dict() for s in (3, 3, 4))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["net.stem.weight"], other["net.stem.weight"])


@pytest.mark.parametrize(
    ("old", "new", "answer"),
    [
        ("def features", "def feature", "Net has no features"),
        ("self.head =", "self.classifier =", "Net has no head"),
        (".view(len(images), -1)", "", r"features\(\) gives shape \(2, 6, 7, 7\), not \(2, d\)"),
        (", num_classes)\n\n", ", 10)\n\n", r"head\(\) gives shape \(2, 10\), not \(2, 3\)"),
        ("input_size // 4", "64 // 4", "net at 28 px.*smallest that works is --input-size 64"),
        ("self.body(", "self.boddy(", "AttributeError"),
        ("return self.body", "exit(0); return self.body", "it calls sys.exit"),
        (
            "super().__init__()\n        self.stem",
            "exit(0)\n        self.stem",
            "it calls sys.exit",
        ),
        ("num_classes, channels", "classes, channels", "num_classes, channels and input_size, f"),
    ],
)
def test_what_is_no_backbone_is_one_line(file: Path, old: str, new: str, answer: str) -> None:
    assert old in SOURCE
    file.write_text(SOURCE.replace(old, new), encoding="utf-8")
    state = torch.get_rng_state()
    with pytest.raises(BenchError, match=answer) as error:
        backbone.check(str(file), 28)
    assert "\n" not in str(error.value)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_name_of_timm_is_refused(file: Path) -> None:
    with pytest.raises(BenchError, match="timm has a backbone resnet18 already"):
        backbone.identify(str(file.rename(file.with_name("resnet18.py"))))


def test_it_has_no_pretrained_weights(file: Path) -> None:
    with pytest.raises(BenchError, match="pretrained=false"):
        backbone.build(str(file), 2, 3, 28, seed=0, pretrained=True)


def test_it_can_be_part_of_a_combination(file: Path) -> None:
    assert grid.backbone_label(f"resnet18+{file}:Net") == "resnet18+net"


def test_of_a_thousand_names_the_nearest_are_shown() -> None:
    with pytest.raises(BenchError, match=r"the nearest of \d+ are \w+, \w+, \w+") as error:
        backbone.check("xyzzy", 28)
    assert len(str(error.value)) < 200
