"""Backbones: the split into features and head, and sizes."""

import pytest
import torch
from torch import nn

from bench.backbone import build, check
from bench.backbone.networks import canonical
from bench.base.errors import BenchError


@pytest.mark.parametrize(
    ("name", "size"),
    [("resnet18", 28), ("resnet18-cifar", 28), ("mobilenetv3", 28), ("densenet121", 32)],
)
def test_head_of_features_is_the_model(name: str, size: int) -> None:
    model = build(name, 3, 1, size, seed=0).eval()
    images = torch.rand(2, 1, 28, 28)
    features = model.features(images)
    assert features.shape == (2, model.feature_dim)
    assert torch.equal(model.head(features), model(images))


def test_the_seed_alone_decides_the_weights() -> None:
    torch.rand(5)
    one = build("resnet18", 2, 1, 28, seed=3).state_dict()
    two = build("resnet18", 2, 1, 28, seed=3).state_dict()
    other = build("resnet18", 2, 1, 28, seed=4).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["net.conv1.weight"], other["net.conv1.weight"])


def test_it_normalises_its_own_input() -> None:
    model = build("resnet18", 2, 1, 28, seed=0).eval()
    images = torch.rand(2, 1, 28, 28)
    assert torch.allclose(model(images), model.net((images - 0.5) / 0.5), atol=1e-6)


def test_gray_stays_gray_unless_rgb_is_asked_for() -> None:
    assert build("resnet18", 2, 1, 28, seed=0).net.conv1.in_channels == 1
    model = build("resnet18", 2, 1, 28, seed=0, rgb=True).eval()
    images = torch.rand(2, 1, 28, 28)
    assert model.net.conv1.in_channels == 3
    assert torch.equal(model(images), model(images.expand(-1, 3, -1, -1)))


def test_images_are_enlarged_to_the_input_size() -> None:
    model = build("resnet18", 2, 1, 64, seed=0)
    seen = []
    model.net.conv1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
    model(torch.rand(2, 1, 28, 28))
    assert seen == [(2, 1, 64, 64)]


def test_a_size_that_fails_is_answered_with_the_smallest_that_works() -> None:
    with pytest.raises(BenchError, match="--input-size 32"):
        check("densenet121", 28)
    check("densenet121", 32)


def test_aliases() -> None:
    assert canonical("resnest101e") == canonical("resnest101") == "resnest101"
    with pytest.raises(BenchError, match="did you mean 'densenet121'"):
        check("densnet121", 32)


def test_cifar_stem_starts_as_pytorch_does() -> None:
    net = build("resnet18-cifar", 2, 1, 28, seed=0).net
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    assert all(torch.equal(norm.weight, torch.ones_like(norm.weight)) for norm in norms)
    for conv in (module for module in net.modules() if isinstance(module, nn.Conv2d)):
        bound = conv.weight[0].numel() ** -0.5  # Kaiming uniform with a = sqrt(5)
        assert 0.9 * bound < conv.weight.abs().max() <= bound


def test_cifar_stem_keeps_the_resolution() -> None:
    model = build("resnet18-cifar", 2, 1, 28, seed=0).eval()
    hidden = model.net.maxpool(
        model.net.act1(model.net.bn1(model.net.conv1(torch.rand(1, 1, 28, 28))))
    )
    assert hidden.shape == (1, 64, 28, 28)


def test_pretrained_weights_that_cannot_be_had_are_an_honest_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(BenchError, match="pretrained=false"):
        build("resnet18-cifar", 2, 3, 28, seed=0, pretrained=True)
