"""Properties of ISDA."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny import CLASSES, LABELS, LATE, TASKS, WIDTH, Features, batch, check_zero_equals_none, make
from tiny import model as tiny_model
from torch import Tensor

from bench.base.errors import BenchError
from bench.base.task import Task
from methods.isda import ClassStatistics
from methods.method import Method, Progress, Setting

LAST = Progress(step=99, steps=100, epoch=9, epochs=10)


def drawn(rows: int = 40, classes: int = CLASSES) -> tuple[Tensor, Tensor]:
    """Correlated features that stand for images, and their classes."""
    generator = torch.Generator().manual_seed(5)
    mixing = torch.randn(WIDTH, WIDTH, generator=generator)
    features = torch.randn(rows, WIDTH, generator=generator) @ mixing / 4
    return features, torch.randint(classes, (rows,), generator=generator)


def network(classes: int = CLASSES) -> Features:
    torch.manual_seed(0)
    return Features(WIDTH, classes)


def direct(method: Method, net: Features, targets: Tensor) -> Tensor:
    """(w_c - w_y)ᵀ Σ_y (w_c - w_y) by its definition, for full covariances."""
    weight, covariance = net.linear.weight.detach(), method.statistics.covariance
    rows = [
        [(weight[c] - weight[y]) @ covariance[y] @ (weight[c] - weight[y]) for c in range(CLASSES)]
        for y in targets
    ]
    return torch.tensor(rows)


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("isda", task)


@pytest.mark.parametrize("task", TASKS)
def test_the_first_epoch_has_the_plain_loss(task: Task) -> None:
    network, (images, targets) = tiny_model(task), batch(task)
    method, none = make("isda", task), make("none", task)
    first = Progress(0, 100, 0, 10)
    ours = method.loss(network, images, targets, first)[0]
    assert torch.equal(ours, none.loss(network, images, targets, first)[0])


def test_the_ramp_rises_over_all_epochs() -> None:
    method, network = make("isda", lambda0=2.0), tiny_model()
    ramp = [method.loss(network, *batch(), Progress(0, 1, e, 10))[1]["ramp"] for e in range(10)]
    assert ramp == pytest.approx([0.2 * e for e in range(10)])


def test_loss_is_the_cross_entropy_of_the_direct_form() -> None:
    method, net, (features, targets) = make("isda", lambda0=3.0), network(), drawn()
    loss, _ = method.loss(net, features, targets, LATE)
    raised = net(features) + 1.5 / 2 * direct(method, net, targets)
    torch.testing.assert_close(loss, F.cross_entropy(raised, targets))


def test_own_logit_stays_and_no_other_falls() -> None:
    method, net, (features, targets) = make("isda"), network(), drawn()
    plain = make("none").loss(net, features, targets, LATE)[0]
    assert method.loss(net, features, targets, LATE)[0] > plain
    raised = method.quadratic(net.linear.weight, targets)
    assert (raised.gather(1, targets[:, None]) == 0).all()
    assert (raised >= 0).all()
    assert (raised > 0).sum() == len(targets) * (CLASSES - 1)


def test_multilabel_raises_the_loss_of_each_label() -> None:
    method, net = make("isda", Task.MULTILABEL), network(LABELS)
    features, _ = drawn()
    _, targets = batch(Task.MULTILABEL, 40)
    loss, _ = method.loss(net, features, targets, LATE)
    assert loss > make("none", Task.MULTILABEL).loss(net, features, targets, LATE)[0]
    raised = method.quadratic(net.linear.weight, targets)
    assert (raised[targets == 1] <= 0).all()
    assert (raised[targets == 0] >= 0).all()


@pytest.mark.parametrize("full", [True, False])
def test_running_covariance_is_the_biased_one_of_all_features(full: bool) -> None:
    """Also where a class is absent from a batch, or has one feature in it."""
    features, classes = drawn(90)
    classes[:40][classes[:40] == 2] = 0
    classes[40] = 2
    members = F.one_hot(classes, CLASSES).float()
    statistics = ClassStatistics(CLASSES, WIDTH, full)
    for part in torch.arange(90).split([7, 33, 1, 1, 48]):
        statistics.update(features[part] + 3, members[part])
    for c in range(CLASSES):
        own = features[classes == c].numpy() + 3
        expected = torch.tensor(np.cov(own.T, bias=True)).float()
        expected = expected if full else expected.diagonal()
        torch.testing.assert_close(statistics.covariance[c], expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(statistics.mean[c], torch.tensor(own.mean(0)))
        assert statistics.count[c] == len(own)


def test_multilabel_has_statistics_of_each_label_state() -> None:
    method, (features, _) = make("isda", Task.MULTILABEL), drawn()
    _, targets = batch(Task.MULTILABEL, 40)
    method.loss(network(LABELS), features, targets, LATE)
    for label in range(LABELS):
        for value in (0, 1):
            own = features[targets[:, label] == value]
            torch.testing.assert_close(
                method.statistics.covariance[value * LABELS + label],
                own.var(0, correction=0),
                rtol=1e-4,
                atol=1e-5,
            )


def test_loss_bounds_the_mean_loss_of_drawn_features() -> None:
    method, net, (features, targets) = make("isda", lambda0=1.0), network(), drawn()
    bound, _ = method.loss(net, features, targets, LAST)
    root = torch.linalg.cholesky(method.statistics.covariance + 1e-6 * torch.eye(WIDTH))
    noise = torch.randn(3000, len(targets), WIDTH, 1, generator=torch.Generator().manual_seed(0))
    augmented = features + 0.9**0.5 * (root[targets] @ noise)[..., 0]
    logits = net(augmented.flatten(0, 1))
    sampled = F.cross_entropy(logits, targets.repeat(3000))
    plain = F.cross_entropy(net(features), targets)
    assert plain < sampled < bound


def test_two_classes_and_the_binary_form_agree() -> None:
    """A softmax over two weights is a sigmoid of their difference."""
    two, (features, targets) = network(2), drawn(classes=2)
    one = network(1)
    one.linear.weight.data = two.linear.weight.data.diff(dim=0)
    one.linear.bias.data = two.linear.bias.data.diff()
    setting = Setting(Task.BINARY, 2, channels=1, image_size=8, feature_dim=WIDTH)
    kind = type(make("isda"))
    softmax = kind(kind.Params(), setting)
    softmax.statistics = ClassStatistics(2, WIDTH, full=False)
    setting = Setting(Task.MULTILABEL, 1, channels=1, image_size=8, feature_dim=WIDTH)
    binary = kind(kind.Params(), setting)
    torch.testing.assert_close(
        softmax.loss(two, features, targets, LATE)[0],
        binary.loss(one, features, targets.float()[:, None], LATE)[0],
    )


def test_gradient_reaches_the_weights_through_the_quadratic_form_only() -> None:
    """Covariances are constants: features get the gradient of the raised logits alone."""
    method, net, (features, targets) = make("isda"), network(), drawn()
    features.requires_grad_()
    loss, _ = method.loss(net, features, targets, LATE)
    raised = 0.25 / 2 * method.quadratic(net.linear.weight, targets)
    with_form = F.cross_entropy(net(features) + raised, targets)
    without = F.cross_entropy(net(features) + raised.detach(), targets)
    ours, wanted, other = (
        torch.autograd.grad(value, (features, net.linear.weight), retain_graph=True)
        for value in (loss, with_form, without)
    )
    torch.testing.assert_close(ours, wanted)
    torch.testing.assert_close(ours[0], other[0])
    assert (ours[1] - other[1]).abs().max() > 1e-4


def test_covariances_are_full_as_long_as_they_are_small() -> None:
    assert make("isda", width=1632).statistics.covariance.shape == (CLASSES, 1632, 1632)
    assert make("isda", width=1633).statistics.covariance.shape == (CLASSES, 1633)
    wide = make("isda", Task.MULTILABEL, width=4)
    assert wide.statistics.covariance.shape == (2 * LABELS, 4)


def test_soft_labels_are_refused() -> None:
    features, targets = drawn()
    with pytest.raises(BenchError, match="soft labels"):
        make("isda").loss(network(), features, F.one_hot(targets, CLASSES).float(), LATE)
    _, rows = batch(Task.MULTILABEL, 40)
    with pytest.raises(BenchError, match="soft labels"):
        make("isda", Task.MULTILABEL).loss(network(LABELS), features, rows * 0.9, LATE)


def test_a_batch_of_one_has_no_covariance() -> None:
    method, net, (features, targets) = make("isda"), network(), drawn(1)
    loss, _ = method.loss(net, features, targets, LATE)
    torch.testing.assert_close(loss, F.cross_entropy(net(features), targets))


def test_a_checkpoint_holds_the_statistics() -> None:
    method, net, (features, targets) = make("isda"), network(), drawn()
    method.loss(net, features, targets, LATE)
    resumed = make("isda")
    resumed.load_state_dict(method.state_dict())
    again = [m.loss(net, features + 1, targets, LATE)[0] for m in (method, resumed)]
    assert torch.equal(*again)


def test_bfloat16_keeps_statistics_in_float32() -> None:
    method, net, (features, targets) = make("isda"), network(), drawn()
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = method.loss(net, features, targets, LATE)
    plain = make("isda")
    exact, _ = plain.loss(net, features, targets, LATE)
    assert torch.equal(method.statistics.covariance, plain.statistics.covariance)
    torch.testing.assert_close(loss, exact, rtol=0.02, atol=0)
