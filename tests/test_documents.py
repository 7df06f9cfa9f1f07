"""The code of the documentation is executed."""

import re
import shlex
from pathlib import Path

import pytest
import timm
import torch
from torch import nn

import methods
from bench import backbone
from bench.base.task import Task
from bench.cli import main
from bench.training import conformance
from methods.method import Progress

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
LINES = 90
FIGURE = re.compile(r"<!-- figure: python -m bench (.+?) -->\n((?:<.*>\n)+)")
IMAGE = re.compile(r'src(?:set)?="(\S+?)"')


def blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), re.S)


def test_the_readme_is_read_in_minutes() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 900


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a phantom, with a tiny network and two steps."""
    code = blocks("../README.md")[0]
    tiny = 'seeds=2, backbones=["test_byobnet"], settings={"steps": 2}'
    code = code.replace("seeds=10", tiny).replace('"breast"', '"phantom-binary"')
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), space := {})
    assert space["study"].plan()["done"].sum() == 6
    assert (tmp_path / "report.html").stat().st_size > 0


def test_the_method_of_the_readme_conforms(tmp_path: Path) -> None:
    path = tmp_path / "noise.py"
    path.write_text(blocks("../README.md")[1], encoding="utf-8")
    kind = methods.get(str(path))
    assert list(conformance.problems(kind, conformance.CASES[::5])) == []


@pytest.mark.parametrize("name", ["README.md", "docs/results.md", "studies/first/README.md"])
def test_figures_of_documents_show_the_committed_records(name: str, tmp_path: Path) -> None:
    """Every word and number of a figure is what the command beside it draws."""
    page = ROOT / name
    found = FIGURE.findall(page.read_text("utf-8"))
    assert found
    for number, (command, shown) in enumerate(found):
        folder = tmp_path / str(number)
        main([*shlex.split(command), "--results", str(folder)], standalone_mode=False)
        images = [page.parent / image for image in IMAGE.findall(shown)]
        assert [*map(texts, images)] == [*map(texts, sorted(folder.rglob("*.svg")))]


def texts(image: Path) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", image.read_text("utf-8"))


def test_the_page_on_python_is_short_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len((DOCS / "python.md").read_text("utf-8").splitlines()) <= LINES
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    for block in blocks("python.md"):
        exec(compile(block, "docs/python.md", "exec"), space)
    shown = capsys.readouterr().out
    assert "12 runs to do" in shown and "identical, 200 × 5 scores" in shown
    written = {path.suffix for path in tmp_path.rglob("*") if "results" not in path.parts}
    assert {".csv", ".tex", ".md", ".svg", ".pdf", ".html"} <= written


@pytest.fixture
def manifold(tmp_path: Path) -> Path:
    path = tmp_path / "manifold.py"
    path.write_text(blocks("your-method.md")[1], encoding="utf-8")
    return path


def test_the_method_on_hidden_layers_conforms(manifold: Path) -> None:
    kind = methods.get(str(manifold))
    assert list(conformance.problems(kind, conformance.CASES[::5])) == []


@pytest.mark.parametrize("name", ["test_byobnet", "test_resnet", "test_vit", "test_convnext"])
def test_it_reaches_the_middle_of_any_network(name: str, manifold: Path) -> None:
    """The hook changes the logits of training, and is gone afterwards."""
    assert name in timm.list_models(name)
    case = conformance.Case(Task.BINARY, 1, 64)
    method, _ = conformance.build(methods.get(str(manifold)), case)
    model = backbone.build(name, case.classes, case.channels, case.size, seed=0).eval()
    images, targets = case.batch()
    mixed, _ = method.loss(model, images, targets, Progress(0, 1, 0, 1))
    plain = method.task_loss(model(images), targets)
    assert not torch.equal(mixed, plain)
    assert not any(module._forward_hooks for module in model.modules())


def test_it_reaches_a_layer_by_name(manifold: Path) -> None:
    case = conformance.Case(Task.BINARY, 1, 28)
    method, model = conformance.build(methods.get(str(manifold)), case, layer="stages.0")
    assert method.layer(model) is model.net.stages[0]  # type: ignore[operator]


def test_the_loop_of_plain_pytorch_trains(manifold: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 9))
    before = model[1].weight.clone()
    batches = [(torch.rand(4, 3, 64, 64), torch.arange(4)) for _ in range(2)]
    exec(blocks("methods.md")[0], space := {"model": model, "batches": batches})
    assert space["step"] == 1 and not torch.equal(model[1].weight, before)
