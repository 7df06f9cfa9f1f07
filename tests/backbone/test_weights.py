"""Pretrained weights from a file: what fits, what is said, and what is in the key."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from bench import Study
from bench.again import verify
from bench.backbone import build
from bench.base.errors import BenchError

NAME = "test_resnet"
State = dict[str, Tensor]
TINY: dict[str, Any] = {
    "datasets": ["phantom-binary"],
    "methods": ["none"],
    "backbones": NAME,
    "seeds": 1,
    "input_size": 64,
}


def state(name: str = NAME, channels: int = 3) -> State:
    torch.manual_seed(5)
    net = timm.create_model(name, in_chans=channels, num_classes=7)
    weights: State = net.state_dict()
    return weights


def saved(path: Path, weights: Any) -> Path:
    if path.suffix == ".safetensors":
        save_file(weights, path)
    else:
        torch.save(weights, path)
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_the_network_has_the_weights_of_the_file_and_a_classifier_of_the_seed(
    tmp_path: Path, suffix: str
) -> None:
    weights = state()
    file = saved(tmp_path / f"w{suffix}", weights)
    found, other = (build(NAME, 2, 3, 64, seed=seed, pretrained=file) for seed in (0, 1))
    fresh = build(NAME, 2, 3, 64, seed=0)
    heads = [k for k in found.net.state_dict() if k.startswith("fc.")]
    for key, value in found.net.state_dict().items():
        if key not in heads:
            assert torch.equal(value, weights[key])
    for key in heads:
        assert torch.equal(found.net.state_dict()[key], fresh.net.state_dict()[key])
    assert not torch.equal(found.net.state_dict()["fc.weight"], other.net.state_dict()["fc.weight"])


def test_the_first_convolution_of_gray_images_is_the_sum_over_channels(tmp_path: Path) -> None:
    weights = state()
    file = saved(tmp_path / "w.pth", {"state_dict": weights})
    found = build(NAME, 2, 1, 64, seed=0, pretrained=file).net.state_dict()
    name = f"{timm.get_pretrained_cfg(NAME).first_conv}.weight"
    torch.testing.assert_close(found[name], weights[name].sum(1, keepdim=True))
    gray = state(channels=1)
    file = saved(tmp_path / "gray.pth", gray)
    found = build(NAME, 2, 1, 64, seed=0, pretrained=file).net.state_dict()
    assert torch.equal(found[name], gray[name])


def test_the_stem_of_28_pixels_takes_weights_of_its_own_kind(tmp_path: Path) -> None:
    trained = build("resnet18-cifar", 9, 1, 28, seed=3).net.state_dict()
    file = saved(tmp_path / "w.pth", trained)
    found = build("resnet18-cifar", 2, 1, 28, seed=0, pretrained=file).net.state_dict()
    assert torch.equal(found["conv1.weight"], trained["conv1.weight"])
    with pytest.raises(BenchError, match=r"conv1.weight is \(64, 1, 3, 3\), not \(64, 1, 7, 7\)"):
        build("resnet18", 2, 1, 28, seed=0, pretrained=file)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: {f"backbone.{k}": v for k, v in s.items()}, "weights are missing, .*backbone"),
        (lambda s: {k: v for k, v in s.items() if "layer4" not in k}, "missing, the first layer4"),
        (lambda s: s | {"extra.weight": torch.zeros(1)}, "have no place in it, the first extra"),
        (lambda s: s | {"bn1.weight": torch.zeros(3)}, r"bn1.weight is \(3,\), not"),
        (lambda s: list(s), "cannot be read|no state dict"),
        (lambda s: {"epoch": 3}, "no state dict"),
        (lambda s: {}, "no state dict"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path: Path, change: Any, said: str) -> None:
    file = saved(tmp_path / "w.pth", change(state()))
    with pytest.raises(BenchError, match=said):
        build(NAME, 2, 3, 64, seed=0, pretrained=file)


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"not a file of weights")
    with pytest.raises(BenchError, match="cannot be read as weights"):
        build(NAME, 2, 3, 64, seed=0, pretrained=tmp_path / "w.pth")
    with pytest.raises(BenchError, match="no such file; expected true, false or a file of weights"):
        _ = Study(**TINY, settings={"pretrained": str(tmp_path / "none.pth")}).grid


def study(file: Path, results: Path) -> Study:
    return Study(**TINY, settings={"pretrained": str(file), "steps": 2}, results=results)


def test_content_is_in_the_key_and_the_path_is_not(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, same = (
        saved(tmp_path / name, state()) for name in ("a.safetensors", "other/b.safetensors")
    )
    changed = state()
    changed["bn1.weight"] += 1
    other = saved(tmp_path / "c.safetensors", changed)
    keys = [study(file, tmp_path).grid.runs[0].key for file in (one, same, other)]
    assert keys[0] == keys[1] != keys[2]
    described = str(study(one, tmp_path).grid.runs[0].describe())
    assert "sha256:" in described and "a.safetensors" not in described
    assert study(one, tmp_path).config.name.startswith("laptop pretrained=a.safetensors@")


def test_weights_that_do_not_fit_are_known_before_the_first_run(tmp_path: Path) -> None:
    file = saved(tmp_path / "w.pth", state("test_vit"))
    with pytest.raises(BenchError, match="does not fit test_resnet"):
        study(file, tmp_path).run(workers=1)


def test_a_file_that_changed_after_the_plan_is_refused(tmp_path: Path) -> None:
    file = saved(tmp_path / "w.pth", state())
    (run,) = study(file, tmp_path).grid.runs
    saved(file, {k: v + 1 for k, v in state().items()})
    with pytest.raises(BenchError, match="has changed since the run was planned"):
        _ = run.protocol.weights


@pytest.mark.usefixtures("in_this_process")
def test_a_run_is_made_again_from_the_file(tmp_path: Path) -> None:
    file = saved(tmp_path / "w.pth", state())
    first = study(file, tmp_path)
    first.run(workers=1)
    key = first.grid.runs[0].key
    with pytest.raises(BenchError, match="name the file of these weights with --weights FILE"):
        verify(key, Study(results=tmp_path))
    named = Study(results=tmp_path, settings={"pretrained": str(file)})
    assert verify(key, named).identical
