"""Properties of BSDA."""

import pytest
import torch
import torch.nn.functional as F
from tiny import LATE, TASKS, WIDTH, Features, batch, check_zero_equals_none, make, model, targets
from tiny import loss as loss_of
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from bench.base.task import Task
from methods.bsda import ramp
from methods.method import Progress, task_loss


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("bsda", task)


class Seen(Features):
    """Keeps what its head is given."""

    def head(self, features: Tensor) -> Tensor:
        self.given = features
        return super().head(features)


def features_with_zeros(rows: int = 8) -> Tensor:
    return torch.randn(rows, WIDTH, generator=torch.Generator().manual_seed(5)).relu()


def test_dropping_everything_leaves_features_and_loss() -> None:
    method, network, a = make("bsda", drop=1.0), Seen(WIDTH), features_with_zeros()
    rows = targets(Task.MULTICLASS, 8)
    terms = method.terms(network, a, rows)
    assert torch.equal(network.given, a.repeat(10, 1))
    torch.testing.assert_close(terms["aug"], task_loss(network(a), rows, Task.MULTICLASS))


def test_vanishing_variance_leaves_features() -> None:
    method, network, a = make("bsda", drop=0.0), Seen(WIDTH), features_with_zeros()
    torch.nn.init.zeros_(method.encoder[-1].weight)
    torch.nn.init.constant_(method.encoder[-1].bias, -60.0)
    method.terms(network, a, targets(Task.MULTICLASS, 8))
    torch.testing.assert_close(network.given, a.repeat(10, 1), rtol=0, atol=1e-10)


def test_offsets_have_the_encoders_variance_and_zeros_stay_zero() -> None:
    method, network = make("bsda", drop=0.0, draws=4000), Seen(WIDTH)
    a = features_with_zeros(4)
    rows = targets(Task.MULTICLASS, 4)
    method.terms(network, a, rows)
    offsets = (network.given - a.repeat(4000, 1)).unflatten(0, (4000, 4))
    std = (method.encoder(a) / 2).exp()
    assert (offsets[:, a == 0] == 0).all()
    moved = a != 0
    torch.testing.assert_close(offsets.std(0)[moved], std[moved], rtol=0.08, atol=0)
    assert (offsets.mean(0)[moved].abs() < 5 * std[moved] / 4000**0.5).all()


def test_dropout_keeps_the_fraction_and_the_rescale_the_variance() -> None:
    offsets = torch.randn(2000, 50, generator=torch.Generator().manual_seed(5))
    pure = make("bsda", drop=0.8, rescale=False).dropped(offsets)
    assert float((pure != 0).float().mean()) == pytest.approx(0.2, abs=0.01)
    assert torch.equal(pure[pure != 0], offsets[pure != 0])
    official = make("bsda", drop=0.8).dropped(offsets)
    torch.testing.assert_close(official, pure / (1 - 0.8))
    assert float(official.var()) == pytest.approx(1 / (1 - 0.8), rel=0.03)


def test_ramp() -> None:
    values = [ramp(Progress(0, 1, epoch, 10), 0.5) for epoch in range(10)]
    assert values[0] == 0
    assert values[:5] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert values[5:] == [0.5] * 5
    assert ramp(Progress(0, 1, 0, 1), 0.5) == 0


@pytest.mark.parametrize("task", TASKS)
def test_total_is_the_weighted_sum_of_its_terms(task: Task) -> None:
    total, logs = loss_of(make("bsda", task, kl_weight=0.3, rec_weight=2.0), task)
    bsda = logs["aug"] + 0.3 * logs["kl"] + 2 * logs["rec"]
    torch.testing.assert_close(total.detach(), logs["ce"] + 0.5 * bsda)
    alone, logs = loss_of(make("bsda", task, kl_weight=0.3, rec_weight=2.0, use_ori=False), task)
    torch.testing.assert_close(alone.detach(), bsda)


def test_kl_is_that_of_the_normals() -> None:
    a, rows = features_with_zeros(), targets(Task.MULTICLASS, 8)
    mean, official = make("bsda"), make("bsda", kl_mode="official_sum")
    std = (make("bsda").encoder(a) / 2).exp()
    unit = Normal(torch.zeros_like(std), torch.ones_like(std))
    expected = kl_divergence(Normal(torch.zeros_like(std), std), unit).sum()
    torch.testing.assert_close(mean.terms(Features(WIDTH), a, rows)["kl"], expected / 8)
    torch.testing.assert_close(official.terms(Features(WIDTH), a, rows)["kl"], expected / 128)
    assert mean.params.kl_weight / 128 == pytest.approx(8e-4)


def test_reconstruction_reaches_the_backbone_and_the_head() -> None:
    method, network = make("bsda"), model()
    images, rows = batch()
    method.terms(network, network.features(images), rows)["rec"].backward()
    for weight in (network.stem[0].weight, *method.encoder.parameters()):
        assert weight.grad is not None
    assert network.stem[0].weight.grad.abs().max() > 0
    assert network.linear.weight.grad is None


def test_decoder_with_gelu_has_a_floor_that_a_linear_one_has_not() -> None:
    offsets = torch.randn(64, WIDTH)
    floor = float(F.gelu(torch.linspace(-3, 0, 1000)).min())
    assert float(make("bsda").decoder(offsets).detach().min()) >= floor - 1e-6
    assert float(make("bsda", decoder_out="linear").decoder(offsets).detach().min()) < 2 * floor


def test_size_is_that_of_the_official_code() -> None:
    method = make("bsda", width=20)
    assert sum(weight.numel() for weight in method.parameters()) == 5 * 20**2 + 13 * 20


def test_a_batch_of_one_has_the_plain_loss() -> None:
    network, (images, rows) = model(), batch(rows=1)
    method = make("bsda")
    total, _ = method.loss(network, images, rows, LATE)
    assert torch.equal(total, make("none").loss(network, images, rows, LATE)[0])


def test_bfloat16_stays_finite() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        total, _ = make("bsda").loss(model(), *batch(), LATE)
    assert total.isfinite()
