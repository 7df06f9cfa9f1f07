"""Properties of AdvProp, and of its dual BatchNorm."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from timm.layers import BatchNormAct2d, convert_splitbn_model
from tiny import (
    CLASSES,
    LATE,
    TASKS,
    WIDTH,
    Features,
    Tiny,
    batch,
    check_zero_equals_none,
    make,
    model,
)
from torch import Tensor, nn

from bench import backbone
from bench.base.errors import BenchError
from bench.base.task import Task
from methods.advprop import AdvProp
from methods.method import Setting
from methods.parts.dual_batchnorm import in_state, split

EPSILON = 4 / 255


def adapted(task: Task = Task.MULTICLASS) -> Tiny:
    network = model(task)
    split(network)
    return network


def norm_layers() -> nn.Sequential:
    """Plain and fused BatchNorm, with scales and shifts that are not 1 and 0."""
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        BatchNormAct2d(4, act_layer=nn.SiLU),
        nn.Conv2d(4, 5, 3),
        nn.BatchNorm2d(5),
    )
    for weight in (*layers[1].parameters(), *layers[3].parameters()):
        nn.init.normal_(weight)
    return layers


def randomise_aux(network: nn.Module) -> None:
    for name, value in network.state_dict().items():
        if ".aux." in name and value.is_floating_point():
            value.uniform_(0.5, 2)


def snapshot(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("advprop", task)


def test_strength_zero_equals_none_on_a_split_model() -> None:
    network, plain, (images, targets) = adapted(), model(), batch()
    make("advprop", epsilon=0.0, adv_weight=0.0).loss(network, images, targets, LATE)[0].backward()
    make("none").loss(plain, images, targets, LATE)[0].backward()
    split_weights = dict(network.named_parameters())
    for name, weight in plain.named_parameters():
        assert torch.equal(split_weights.pop(name).grad, weight.grad)
    assert split_weights
    assert all(".aux." in name and weight.grad is None for name, weight in split_weights.items())
    for name, value in plain.state_dict().items():
        assert torch.equal(network.state_dict()[name], value)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("random_start", [True, False])
@pytest.mark.parametrize("steps", [1, 5])
def test_adversarial_images_stay_near_and_valid(task: Task, random_start: bool, steps: int) -> None:
    method = make("advprop", task, epsilon=EPSILON, steps=steps, random_start=random_start)
    images, targets = batch(task)
    images[:, :, :2], images[:, :, 2:4] = 0, 1
    before = images.clone()
    adversarial = method.attack(adapted(task), images, targets)
    assert torch.equal(images, before)
    assert not adversarial.requires_grad
    assert (adversarial - images).abs().max() <= EPSILON + 1e-6
    assert (adversarial - images).abs().max() > 0.9 * min(EPSILON, steps / 255)
    assert adversarial.min() == 0
    assert adversarial.max() == 1


def test_epsilon_zero_changes_nothing() -> None:
    images, targets = batch()
    method = make("advprop", epsilon=0.0, steps=3)
    assert torch.equal(method.attack(adapted(), images, targets), images)


def linear_case() -> tuple[Features, Tensor, Tensor]:
    torch.manual_seed(0)
    return Features(WIDTH, 2), torch.rand(6, WIDTH) * 0.8 + 0.1, torch.arange(6) % 2


def make_two(**params: Any) -> AdvProp:
    """AdvProp for two classes, from the images themselves."""
    two = Setting(Task.BINARY, 2, channels=1, image_size=8, feature_dim=WIDTH)
    return AdvProp(AdvProp.Params(random_start=False, **params), two)


@pytest.mark.parametrize("targeted", [False, True])
def test_a_step_on_a_linear_model_follows_the_sign_of_its_weights(targeted: bool) -> None:
    network, images, targets = linear_case()
    method = make_two(targeted=targeted)
    adversarial = method.attack(network, images, targets)
    wrong = network.linear.weight[1 - targets] - network.linear.weight[targets]
    torch.testing.assert_close(adversarial - images, wrong.sign() / 255, rtol=0, atol=1e-6)
    clean, adv = (F.cross_entropy(network(x), targets) for x in (images, adversarial))
    assert adv > clean


def test_more_steps_and_more_room_raise_the_loss_further() -> None:
    network, images, targets = linear_case()
    losses = [
        F.cross_entropy(
            network(make_two(epsilon=epsilon, steps=steps).attack(network, images, targets)),
            targets,
        )
        for epsilon, steps in ((EPSILON, 1), (EPSILON, 2), (EPSILON, 4), (8 / 255, 8))
    ]
    assert losses == sorted(losses)
    assert len(set(losses)) == 4


def test_random_start_is_uniform_and_draws_nothing_globally() -> None:
    method = make("advprop", epsilon=0.1, step_size=1e-9)
    images, targets = torch.full((200, 1, 8, 8), 0.5), torch.zeros(200, dtype=torch.int64)
    network = adapted()
    state = torch.get_rng_state()
    moved = method.attack(network, images, targets) - images
    assert torch.equal(torch.get_rng_state(), state)
    assert float(moved.mean()) == pytest.approx(0, abs=0.002)
    assert float(moved.std()) == pytest.approx(0.2 / 12**0.5, rel=0.02)
    assert len(moved.flatten(1).unique(dim=0)) == 200


def test_the_attack_leaves_the_model_as_it_was() -> None:
    network, (images, targets) = adapted(), batch()
    randomise_aux(network)
    before = snapshot(network)
    make("advprop", steps=3).attack(network, images, targets)
    assert all(weight.grad is None for weight in network.parameters())
    assert all(module.training for module in network.modules())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_attack_goes_by_the_auxiliary_running_statistics() -> None:
    network, (images, targets) = adapted(), batch()
    randomise_aux(network)
    aux_only = copy.deepcopy(network.eval())
    aux_only.stem[1] = aux_only.stem[1].aux
    images.requires_grad_()
    (slope,) = torch.autograd.grad(F.cross_entropy(aux_only(images), targets), images)
    adversarial = make("advprop", random_start=False).attack(network.train(), images, targets)
    expected = (images + slope.sign() / 255).clamp(0, 1)
    torch.testing.assert_close(adversarial, expected.detach())


def test_each_half_feeds_its_own_running_statistics() -> None:
    network, (images, targets) = adapted(), batch()
    method, twin = (make("advprop", epsilon=0.2, step_size=0.2) for _ in range(2))
    adversarial = twin.attack(network, images, targets)
    stem, norm = network.stem[0], network.stem[1]
    method.loss(network, images, targets, LATE)
    for layer, half in ((norm, images), (norm.aux, adversarial)):
        maps = stem(half)
        torch.testing.assert_close(layer.running_mean, 0.1 * maps.mean((0, 2, 3)))
        variance = maps.transpose(0, 1).flatten(1).var(1)
        torch.testing.assert_close(layer.running_var, 0.9 + 0.1 * variance)
        assert layer.num_batches_tracked == 1
    assert not torch.equal(norm.running_mean, norm.aux.running_mean)


@pytest.mark.parametrize("task", TASKS)
def test_loss_is_the_weighted_mean_or_sum_of_the_halves(task: Task) -> None:
    (images, targets), network = batch(task), adapted(task)
    randomise_aux(network)
    twin = copy.deepcopy(network)
    adversarial = make("advprop", task).attack(twin, images, targets)
    none = make("none", task)
    clean = none.loss(twin, images, targets, LATE)[0]
    with in_state(twin, "adv"):
        adv = none.loss(twin, adversarial, targets, LATE)[0]
    for reduction, whole in (("mean", 1.5), ("sum", 1.0)):
        method = make("advprop", task, adv_weight=0.5, loss_reduction=reduction)
        loss, logs = method.loss(copy.deepcopy(network), images, targets, LATE)
        torch.testing.assert_close(loss, (clean + 0.5 * adv) / whole)
        torch.testing.assert_close(logs["clean"], clean.detach())
        torch.testing.assert_close(logs["adv"], adv.detach())


def test_soft_targets_serve_as_hard_ones() -> None:
    network, (images, targets) = adapted(), batch()
    rows = F.one_hot(targets, CLASSES).float()
    hard, soft = (make("advprop").attack(network, images, y) for y in (targets, rows))
    assert torch.equal(hard, soft)


def test_another_class_is_uniform_among_the_others() -> None:
    method, targets = make("advprop", targeted=True), torch.arange(9000) % CLASSES
    rows = method.another_class(targets)
    assert torch.equal(rows.sum(1), torch.ones(9000))
    for c in range(CLASSES):
        share = rows[targets == c].mean(0)
        assert share[c] == 0
        torch.testing.assert_close(share[share > 0], torch.full((2,), 0.5), rtol=0, atol=0.04)
    multilabel, (_, labels) = make("advprop", Task.MULTILABEL), batch(Task.MULTILABEL)
    assert torch.equal(multilabel.another_class(labels) + labels, torch.ones_like(labels))


def test_evaluation_ignores_the_auxiliary_set() -> None:
    plain, (images, _) = model().eval(), batch()
    network = adapted().eval()
    assert torch.equal(network(images), plain(images))
    randomise_aux(network)
    assert torch.equal(network(images), plain(images))


def test_mix_equals_timms_split_batchnorm() -> None:
    ours, theirs = norm_layers(), convert_splitbn_model(norm_layers())
    split(ours)
    randomise_aux(ours)
    renamed = {name.replace(".aux.", ".aux_bn.0."): v for name, v in snapshot(ours).items()}
    theirs.load_state_dict(renamed)
    images = torch.rand(12, 1, 8, 8)
    with in_state(ours, "mix"):
        torch.testing.assert_close(ours(images), theirs(images))
    renamed = {name.replace(".aux.", ".aux_bn.0."): v for name, v in snapshot(ours).items()}
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(renamed[name], value)


def test_each_state_keeps_activation_and_dropout() -> None:
    torch.manual_seed(0)
    layers = nn.Sequential(BatchNormAct2d(4, drop_layer=lambda: nn.Dropout(0.5)))
    split(layers)
    for state in ("clean", "adv", "mix"):
        with in_state(layers, state):
            maps = layers(torch.randn(10, 4, 6, 6))
        for half in maps.chunk(2):
            assert half.min() == 0
            assert float((half == 0).float().mean()) == pytest.approx(0.75, abs=0.05)


def test_batchnorm_of_rows_is_split_too() -> None:
    network = nn.Sequential(nn.BatchNorm1d(5))
    assert split(network) == 1
    clean, adversarial = torch.randn(8, 5), torch.randn(8, 5) + 4
    with in_state(network, "mix"):
        mixed = network(torch.cat([clean, adversarial]))
    expected = [F.batch_norm(half, None, None, training=True) for half in (clean, adversarial)]
    torch.testing.assert_close(mixed, torch.cat(expected))


def test_state_is_clean_again_after_an_error() -> None:
    network = adapted()
    with pytest.raises(ZeroDivisionError), in_state(network, "adv"):
        _ = 1 / 0
    assert network.stem[1].state == "clean"


@pytest.mark.parametrize("make_network", [norm_layers, model])
def test_stripping_the_auxiliary_set_gives_the_original_keys(
    make_network: Callable[[], nn.Module],
) -> None:
    plain, network = make_network(), make_network()
    split(network)
    stripped = {name: v for name, v in network.state_dict().items() if ".aux." not in name}
    assert list(stripped) == list(plain.state_dict())
    assert len(network.state_dict()) > len(stripped)
    plain.load_state_dict(stripped)
    randomise_aux(network)
    again = make_network()
    split(again)
    again.load_state_dict(network.state_dict())
    for name, value in again.state_dict().items():
        assert torch.equal(value, network.state_dict()[name])


def test_on_a_real_backbone_all_passes_are_counted() -> None:
    network = backbone.build("resnet18", CLASSES, 1, 28, seed=0)
    plain = sum(weight.numel() for weight in network.parameters())
    method = make("advprop", steps=2)
    assert method.adapt(network) is network
    assert method.facts == {"dual_batchnorm_layers": 20}
    extra = sum(weight.numel() for weight in network.parameters()) / plain - 1
    assert 0 < extra < 0.002
    images = torch.rand(4, 1, 28, 28)
    loss, _ = method.loss(network, images, torch.arange(4) % CLASSES, LATE)
    assert network.images_seen == (2 + 2) * 4
    loss.backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_a_backbone_without_batchnorm_is_refused_unless_allowed() -> None:
    images, targets = torch.rand(6, WIDTH), torch.arange(6) % CLASSES
    torch.manual_seed(0)
    network = Features(WIDTH)
    with pytest.raises(BenchError, match="allow_no_bn=true"):
        make("advprop").adapt(network)
    method = make("advprop", allow_no_bn=True)
    method.adapt(network)
    assert method.facts == {"dual_batchnorm_layers": 0}
    adversarial = make("advprop").attack(network, images, targets)
    loss, _ = method.loss(network, images, targets, LATE)
    both = (F.cross_entropy(network(x), targets) for x in (images, adversarial))
    torch.testing.assert_close(loss, sum(both) / 2)
