"""A network without its dead taps is the same function."""

import copy

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from bench.backbone import build, networks
from bench.backbone.taps import CutConv2d, cut, map_sizes

NETWORKS = [
    ("resnet18", 28),
    ("resnet18-cifar", 28),
    ("mobilenetv3", 28),
    ("densenet121", 32),
    ("efficientnet_b4", 32),
    ("resnest50d", 32),
]
Gradients = dict[str, Tensor]


def gradients(net: nn.Module, images: Tensor) -> tuple[Tensor, Gradients]:
    """Outputs, and the gradients of a loss of them, those of the images among them."""
    images = images.clone().requires_grad_()
    outputs = net(images)
    (outputs * torch.linspace(-1, 1, outputs.numel()).view_as(outputs)).sum().backward()
    found = {name: w.grad for name, w in net.named_parameters() if w.grad is not None}
    assert images.grad is not None
    return outputs.detach(), found | {"images": images.grad}


def assert_same(whole: nn.Module, short: nn.Module, images: Tensor) -> None:
    """Equal outputs and gradients; the taps that are gone had none."""
    (expected, theirs), (outputs, ours) = gradients(whole, images), gradients(short, images)
    torch.testing.assert_close(outputs, expected)
    assert ours.keys() == theirs.keys()
    scale = max(float(slope.abs().max()) for slope in theirs.values())
    for name, slope in ours.items():
        full = theirs[name]
        kept = (full if slope.shape == full.shape else alive(full, slope)).to(slope)
        torch.testing.assert_close(slope, kept, rtol=1e-7, atol=1e-10 * scale)
        assert float(full.abs().sum()) == pytest.approx(float(kept.abs().sum()))


def alive(full: Tensor, like: Tensor) -> Tensor:
    """The block of taps of a whole gradient that holds all of it."""
    blocks = full.unfold(2, like.shape[2], 1).unfold(3, like.shape[3], 1)
    weight = blocks.abs().sum((0, 1, 4, 5))
    row, column = divmod(int(weight.argmax()), weight.shape[1])
    return blocks[:, :, row, column]


@pytest.mark.parametrize(("name", "size"), NETWORKS)
def test_a_cut_network_is_the_same_function(name: str, size: int) -> None:
    torch.manual_seed(0)
    whole = networks._network(name, 1, 3, size, pretrained=False).double().eval()
    short = copy.deepcopy(whole)
    images = torch.rand(2, 1, size, size, dtype=torch.float64)
    cut(short, map_sizes(copy.deepcopy(whole), images))
    assert whole.state_dict().keys() == short.state_dict().keys()
    assert any(isinstance(m, CutConv2d) for m in short.modules()) == (name != "resnet18-cifar")
    assert_same(whole, short, images)


def test_of_resnet18_at_28_px_the_last_stage_is_cut() -> None:
    net = build("resnet18", 2, 1, 28, seed=0).net
    shapes = {name: tuple(m.kernel_size) for name, m in net.named_modules() if type(m) is CutConv2d}
    assert shapes == {
        "layer4.0.conv1": (2, 2),
        "layer4.0.conv2": (1, 1),
        "layer4.1.conv1": (1, 1),
        "layer4.1.conv2": (1, 1),
    }
    assert all(not m.pads and m.padding == (0, 0) for m in net.modules() if type(m) is CutConv2d)


def test_weights_are_drawn_before_they_are_cut() -> None:
    torch.manual_seed(5)
    whole = networks._network("resnet18", 1, 2, 28, pretrained=False).layer4[0].conv1.weight
    short = build("resnet18", 2, 1, 28, seed=5).net.layer4[0].conv1.weight
    assert torch.equal(short, whole[:, :, 1:, 1:])


@given(
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    kernel=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.tuples(st.integers(0, 6), st.integers(0, 6)),
    dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    groups=st.sampled_from([1, 2, 4]),
)
def test_any_convolution(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> None:
    reach = zip(size, kernel, padding, dilation, strict=True)
    assume(all(n + 2 * p > d * (k - 1) for n, k, p, d in reach))
    conv = nn.Conv2d(4, 8, kernel, stride, padding, dilation, groups).double()
    whole = nn.Sequential(conv)
    short = copy.deepcopy(whole)
    cut(short, {"0": {size}})
    assert_same(whole, short, torch.rand(2, 4, *size, dtype=torch.float64))


def test_a_map_of_two_sizes_or_a_subclass_cuts_nothing() -> None:
    class Standardised(nn.Conv2d):
        def forward(self, input: Tensor) -> Tensor:
            weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
            return self._conv_forward(input, weight, self.bias)

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shared = nn.Conv2d(1, 1, 3, 2, padding=1)
            self.own = Standardised(1, 1, 3, padding=1)
            self.mirror = nn.Conv2d(1, 1, 3, padding=1, padding_mode="replicate")
            self.idle = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, images: Tensor) -> Tensor:
            return self.mirror(self.own(self.shared(self.shared(images))))

    net = Twice()
    cut(net, map_sizes(copy.deepcopy(net), torch.rand(1, 1, 2, 2)))
    assert not any(isinstance(module, CutConv2d) for module in net.modules())


def test_another_size_than_it_was_cut_for_is_refused() -> None:
    model = build("resnet18", 2, 1, 28, seed=0).eval()
    with pytest.raises(ValueError, match=r"cut for maps of \(2, 2\), given \(8, 8\)"):
        model.net(torch.rand(1, 1, 128, 128))
    assert model(torch.rand(1, 1, 128, 128)).shape == (1, 2)
