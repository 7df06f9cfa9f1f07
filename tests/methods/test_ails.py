"""Properties of AILS; the numbers are those of its specification."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from tiny import (
    CLASSES,
    LABELS,
    LATE,
    TASKS,
    WIDTH,
    Features,
    batch,
    check_zero_equals_none,
    make,
    model,
    setting,
    targets,
)
from tiny import loss as loss_of
from torch import Tensor, nn
from torch.distributions import (
    Bernoulli,
    Categorical,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
    kl_divergence,
)

import methods
from bench.base.task import Task
from methods.ails import AILS, View, rms
from methods.method import Progress, Weights, shares, task_loss
from methods.parts.divergence import closed_form_bound, symmetric_kl
from methods.parts.filter import Projection, SameClassCosine, schedule, sphere
from methods.parts.forms import forms, parse, positive_or
from methods.parts.posterior import Gaussian, PosteriorHead, kl_to_prior

WIDE = 512
EVERYTHING = {"tau_start": -1.0, "tau_end": -1.0}
NOTHING = {"tau_start": 1.1, "tau_end": 1.1}


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Normal draws, of other seeds than a method's own."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(1000 + seed))


def equal_norm_features(rows: int, width: int = WIDE, scale: float = 1.0) -> Tensor:
    return scale * width**0.5 * nn.functional.normalize(noise(rows, width, seed=7))


def off_prior(method: AILS, size: float = 0.3) -> AILS:
    """Weights of the last layer as if it had learned something."""
    with torch.no_grad():
        for weight in method.posterior.out.parameters():
            weight += size * noise(*weight.shape, seed=8) / weight.shape[-1] ** 0.5
    return method


def view_of(method: AILS, f: Tensor, progress: Progress = LATE) -> tuple[View, Tensor]:
    """The filtered offsets of features, and f'."""
    rows = f.repeat(method.params.num_samples, 1)
    with torch.no_grad():
        view = method.view(rows, method.posterior(f), progress)
    return view, method.move(rows, method.params.alpha * view.delta)


def first(**params: Any) -> AILS:
    """AILS on features of WIDE dimensions."""
    method = make("ails", width=WIDE, **params)
    assert isinstance(method, AILS)
    return method


# 1: strength zero


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("ails", task)


def test_strength_zero_leaves_features_bit_for_bit() -> None:
    method, f = off_prior(first(alpha=0.0)), noise(8, WIDE)
    assert torch.equal(view_of(method, f)[1], f)
    network, rows = Features(WIDE), targets(Task.MULTICLASS, 8)
    total, logs = method.loss(network, f, rows, LATE)
    assert float(logs["inv"]) == 0
    assert torch.equal(logs["ce"], task_loss(network(f), rows, Task.MULTICLASS).detach())
    torch.testing.assert_close(total.detach(), logs["ce"] + logs["beta_kl"])
    assert float(logs["kl_dim"]) > 0


# 2, 3: the divergence from the prior


@pytest.mark.parametrize("std", [1.0, 0.3, 1.7])
def test_kl_is_that_of_the_normals_whatever_the_prior_std(std: float) -> None:
    mean, log_var = noise(5, 20), noise(5, 20, seed=1)
    q = Normal(std * mean, std * (log_var / 2).exp())
    expected = kl_divergence(q, Normal(torch.zeros(20), std * torch.ones(20))).sum(1)
    torch.testing.assert_close(kl_to_prior(mean, log_var), expected)


def test_kl_of_a_low_rank_covariance() -> None:
    mean, log_var, factor = noise(5, 6), noise(5, 6, seed=1), noise(5, 6, 2, seed=2)
    q = LowRankMultivariateNormal(mean, factor, log_var.exp())
    prior = MultivariateNormal(torch.zeros(6), torch.eye(6))
    expected = torch.stack(
        [
            kl_divergence(MultivariateNormal(m, s), prior)
            for m, s in zip(mean, q.covariance_matrix, strict=True)
        ]
    )
    torch.testing.assert_close(kl_to_prior(mean, log_var, factor), expected)


def test_kl_is_zero_only_at_the_prior() -> None:
    zeros = torch.zeros(1, 4)
    assert float(kl_to_prior(zeros, zeros)) == 0
    for size in (1e-2, -1e-2, 1.0, -3.0):
        assert float(kl_to_prior(zeros + size, zeros)) > 0
        assert float(kl_to_prior(zeros, zeros + size)) > 0
    assert (kl_to_prior(noise(1000, 4), noise(1000, 4, seed=1)) >= 0).all()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_summed_kl_is_d_times_the_mean(reduction: str) -> None:
    method = off_prior(make("ails", kl_reduction=reduction, beta=0.7))
    total, logs = loss_of(method, Task.MULTICLASS)
    assert float(logs["kl_sum"]) == pytest.approx(WIDTH * float(logs["kl_dim"]))
    used = logs["kl_dim"] if reduction == "mean" else logs["kl_sum"]
    torch.testing.assert_close(logs["beta_kl"], 0.7 * used)
    torch.testing.assert_close(total.detach(), logs["ce"] + logs["beta_kl"] + 0.5 * logs["inv"])


# 4: the divergence between predictions


def test_symmetric_kl_of_categorical_predictions() -> None:
    a, b = 3 * noise(50, CLASSES), 3 * noise(50, CLASSES, seed=1)
    p, q = Categorical(logits=a), Categorical(logits=b)
    ours = symmetric_kl(a, b, Task.MULTICLASS)
    torch.testing.assert_close(ours, kl_divergence(p, q) + kl_divergence(q, p))
    assert (ours >= 0).all()
    assert torch.equal(ours, symmetric_kl(b, a, Task.MULTICLASS))
    torch.testing.assert_close(symmetric_kl(a + 5, b - 2, Task.MULTICLASS), ours)
    assert (symmetric_kl(a, a, Task.MULTICLASS) == 0).all()


def test_symmetric_kl_of_bernoulli_predictions() -> None:
    a, b = 3 * noise(50, LABELS), 3 * noise(50, LABELS, seed=1)
    p, q = Bernoulli(logits=a), Bernoulli(logits=b)
    expected = kl_divergence(p, q) + kl_divergence(q, p)
    ours = symmetric_kl(a, b, Task.MULTILABEL)
    torch.testing.assert_close(ours, expected.mean(1))
    torch.testing.assert_close(symmetric_kl(a, b, Task.MULTILABEL, "sum"), expected.sum(1))
    assert (ours >= 0).all()
    assert torch.equal(ours, symmetric_kl(b, a, Task.MULTILABEL))
    assert (symmetric_kl(a, a, Task.MULTILABEL) == 0).all()


# 5, 6: the filter


def test_changed_rows_pass_and_rows_that_do_not_are_the_features() -> None:
    """τ at the median cosine, so that about half of the rows are filtered."""
    f = noise(64, WIDE)
    cosine = noise_cosine(first(), f)
    tau = float(cosine.median())
    view, moved = view_of(first(tau_start=tau, tau_end=tau), f)
    kept = cosine >= tau
    assert 20 < kept.sum() < 44
    assert torch.equal(view.accepted, kept.float())
    assert torch.equal(moved[~kept], f[~kept])
    assert (torch.cosine_similarity(f, moved)[kept] >= tau - 1e-6).all()
    assert (moved[kept] != f[kept]).any(1).all()


def noise_cosine(method: AILS, f: Tensor) -> Tensor:
    """The cosines that the method's first draw has."""
    with torch.no_grad():
        return method.cosine(f, method.draw(f, method.posterior(f)))


def test_threshold_at_its_ends() -> None:
    f, rows, network = noise(16, WIDE), targets(Task.MULTICLASS, 16), Features(WIDE)
    assert view_of(first(**EVERYTHING, alpha=50.0), f)[0].accepted.all()
    total, logs = first(**NOTHING).loss(network, f, rows, LATE)
    assert float(logs["accept_rate"]) == 0
    assert torch.equal(logs["ce"], task_loss(network(f), rows, Task.MULTICLASS).detach())
    assert float(logs["inv"]) == 0
    assert total.isfinite()
    assert float(logs["fdi"]) == float(logs["fdi_accepted"]) == 0


def test_acceptance_falls_with_the_threshold() -> None:
    f = noise(64, WIDE)
    rates = [
        float(view_of(first(alpha=0.5, tau_start=tau, tau_end=tau), f)[0].accepted.mean())
        for tau in (-1.0, 0.5, 0.85, 0.88, 0.89, 0.9, 0.95, 1.0)
    ]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == 1
    assert rates[-1] == 0


# 7: the threshold


@pytest.mark.parametrize("form", ["linear", "cosine", "step(0.5)"])
def test_threshold_falls_from_08_to_06(form: str) -> None:
    method, f = first(tau_schedule=form), noise(4, WIDE)
    taus = [
        method.threshold(noise_cosine(method, f), Progress(step, 21, 0, 1)) for step in range(21)
    ]
    assert taus[0] == 0.8
    assert taus[-1] == pytest.approx(0.6)
    assert taus == sorted(taus, reverse=True)
    half = {"linear": 0.7, "cosine": 0.7, "step(0.5)": 0.6}[form]
    assert taus[10] == pytest.approx(half)
    assert schedule(form, 0.8, 0.6, 0.25) == pytest.approx(
        {"linear": 0.75, "cosine": 0.6 + 0.1 * (1 + math.sqrt(0.5)), "step(0.5)": 0.8}[form]
    )


def test_constant_threshold() -> None:
    assert {schedule("constant", 0.8, 0.6, x) for x in (0.0, 0.5, 1.0)} == {0.8}


@pytest.mark.parametrize("keep", [0.25, 0.5, 1.0])
def test_quantile_threshold_accepts_its_fraction(keep: float) -> None:
    view, _ = view_of(first(tau_schedule=f"quantile({keep})"), noise(101, WIDE))
    assert float(view.accepted.mean()) == pytest.approx(keep, abs=0.01)


@pytest.mark.parametrize("task", TASKS)
def test_same_class_cosine_is_the_mean_over_pairs(task: Task) -> None:
    f, rows = noise(12, 5), targets(task, 12)
    rows[1] = rows[0]
    pairs = [
        torch.cosine_similarity(f[i], f[j], dim=0)
        for i in range(12)
        for j in range(i)
        if (rows[i] == rows[j]).all()
    ]
    running = SameClassCosine(0.8)
    running.update(f, rows)
    torch.testing.assert_close(running.value, torch.stack(pairs).mean())
    running.update(f[:2], torch.tensor([0, 1]))
    torch.testing.assert_close(running.value, torch.stack(pairs).mean())


def test_threshold_from_statistics_is_clipped_and_falls() -> None:
    method, rows = first(tau_schedule="stat"), torch.zeros(8, dtype=torch.int64)
    assert "same_class.value" in method.state_dict()
    start, end = Progress(0, 10, 0, 1), Progress(9, 10, 0, 1)
    same = noise(1, WIDE).expand(8, WIDE)
    method.observe(same, rows)
    assert float(method.threshold(same, start)) == pytest.approx(0.95)
    assert float(method.threshold(same, end)) == pytest.approx(0.75)
    method = first(tau_schedule="stat")
    method.observe(noise(8, WIDE), rows)
    assert float(method.threshold(same, start)) == pytest.approx(0.6)


# 8, 9: what theory says of the prior


@pytest.mark.parametrize("alpha", [0.1, 0.3, 0.5, 0.7])
@pytest.mark.parametrize("prior_std", ["feature_rms", 1.0])
def test_mean_cosine_at_the_prior(alpha: float, prior_std: Any) -> None:
    f = equal_norm_features(200, scale=0.6)
    ratio = 1 if prior_std == "feature_rms" else 1 / 0.6
    expected = 1 / math.sqrt(1 + (alpha * ratio) ** 2)
    cosine = noise_cosine(first(alpha=alpha, prior_std=prior_std), f)
    assert float(cosine.mean()) == pytest.approx(expected, abs=0.01)


def test_acceptance_at_a_unit_prior_hangs_on_the_feature_scale() -> None:
    """A row passes iff rms(f) ≥ α τ/√(1 - τ²): 0.40 for α = 0.3 and τ = 0.8."""
    for scale, rate in ((0.35, 0.0), (0.45, 1.0)):
        method = first(prior_std=1.0, tau_schedule="constant")
        view, _ = view_of(method, equal_norm_features(200, width=WIDE, scale=scale))
        assert float(view.accepted.mean()) == pytest.approx(rate, abs=0.05)


def test_mean_distance_at_the_prior() -> None:
    """E‖f' - f‖ = α s √d (1 - 1/(4d))."""
    for width in (8, WIDE):
        f = equal_norm_features(4000, width, scale=0.6)
        method = make("ails", width=width, **EVERYTHING)
        logs = method.loss(Features(width), f, targets(Task.MULTICLASS, 4000), LATE)[1]
        expected = 0.3 * 0.6 * math.sqrt(width) * (1 - 1 / (4 * width))
        assert float(logs["fdi"]) == pytest.approx(expected, rel=0.01)
        assert float(logs["fdi_rel"]) == pytest.approx(0.3 * (1 - 1 / (4 * width)), rel=0.01)
        assert float(logs["offset_var"]) == pytest.approx((0.3 * 0.6) ** 2, rel=0.05)


# 10: gradients


def head_gradients(**params: Any) -> tuple[Tensor, Tensor]:
    """Of the cross-entropy alone, to the biases of mean and log-variance."""
    method = off_prior(make("ails", beta=0.0, lam=0.0, **params))
    loss_of(method, Task.MULTICLASS)
    mean, log_var = method.posterior.out.bias.grad.split(WIDTH)
    return mean, log_var


def test_cross_entropy_reaches_the_posterior_iff_a_row_passes() -> None:
    for gradient in head_gradients(**EVERYTHING):
        assert gradient.abs().max() > 0
    for gradient in head_gradients(**NOTHING):
        assert (gradient == 0).all()


def test_head_input_detach_cuts_the_kl_from_the_backbone() -> None:
    for detach in (False, True):
        method, network = off_prior(make("ails", head_input_detach=detach)), model()
        method.posterior(network.features(batch()[0])).kl().mean().backward()
        assert (network.stem[0].weight.grad is None) is detach


# 11: evaluation


def test_the_method_is_no_part_of_the_model() -> None:
    network, method = model(), make("ails")
    names = set(network.state_dict())
    with torch.no_grad():
        before = network.eval()(batch()[0])
        method.loss(network, *batch(), LATE)
        off_prior(method)
        assert torch.equal(network(batch()[0]), before)
    assert set(network.state_dict()) == names
    ours = {id(weight) for weight in method.parameters()}
    assert not ours & {id(weight) for weight in network.parameters()}


# 12, 13: scale


def test_the_scale_of_all_features_does_not_matter_at_the_prior() -> None:
    f, rows = noise(64, WIDE).relu() * torch.linspace(0.2, 2, 64)[:, None], torch.arange(64) % 3
    views, logs = [], []
    for scale in (1.0, 8.0, 0.03):
        method = first(tau_schedule="constant")
        views.append(view_of(method, scale * f)[0].accepted)
        logs.append(first().loss(Features(WIDE), scale * f, rows, LATE)[1]["fdi_rel"])
    assert 0.1 < views[0].mean() < 0.9
    for accepted, relative in zip(views, logs, strict=True):
        assert torch.equal(accepted, views[0])
        torch.testing.assert_close(relative, logs[0])


def test_l2_projection_changes_no_decision() -> None:
    f = noise(64, WIDE).relu() * torch.linspace(0.2, 2, 64)[:, None]
    accepted = [
        view_of(first(projection=form, tau_schedule="constant"), f)[0].accepted
        for form in ("none", "l2")
    ]
    assert 0.1 < accepted[0].mean() < 0.9
    assert torch.equal(*accepted)


# 14: the sphere


def test_sphere_keeps_the_norm_and_moves_by_the_angle() -> None:
    f, step = noise(32, 20), noise(32, 20, seed=1)
    moved = sphere(f, step)
    torch.testing.assert_close(moved.norm(dim=1), f.norm(dim=1))
    unit = nn.functional.normalize(f)
    tangent = step - (step * unit).sum(1, keepdim=True) * unit
    angle = tangent.norm(dim=1) / f.norm(dim=1)
    torch.testing.assert_close(torch.cosine_similarity(f, moved), angle.cos())
    assert torch.equal(sphere(f, torch.zeros_like(f)), f)
    torch.testing.assert_close(sphere(f, 0.7 * f), f)
    assert sphere(torch.zeros_like(f), step).isfinite().all()


def test_sphere_retraction_of_the_method_keeps_norms() -> None:
    f = noise(32, WIDE)
    _, moved = view_of(first(retraction="sphere", alpha=0.5), f)
    torch.testing.assert_close(moved.norm(dim=1), f.norm(dim=1))
    assert (moved != f).any()


# 15: the closed form


@pytest.mark.parametrize("task", TASKS)
def test_closed_form_bounds_the_expected_loss(task: Task) -> None:
    classes = LABELS if task is Task.MULTILABEL else CLASSES
    root, mean, rows = noise(6, classes, classes), noise(6, classes, seed=1), targets(task, 6)
    covariance = root @ root.mT
    logits = mean + torch.einsum("bcr,mbr->mbc", root, noise(20000, 6, classes, seed=2))
    sampled = torch.stack([task_loss(z, rows, task, "none") for z in logits]).mean(0)
    counted = shares(make("ails", task).dense(rows), task)
    bound = closed_form_bound(mean, covariance, counted, task)
    assert (bound >= sampled).all()
    exact = closed_form_bound(mean, torch.zeros_like(covariance), counted, task)
    torch.testing.assert_close(exact, task_loss(mean, rows, task, "none"))
    if task is Task.MULTICLASS:
        shifts = torch.ones_like(covariance)
        torch.testing.assert_close(closed_form_bound(mean, shifts, counted, task), exact)
    small = closed_form_bound(mean, 1e-4 * covariance, counted, task)
    torch.testing.assert_close(small, exact, rtol=0, atol=0.02)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"sigma": "lowrank(2)", "scale_in_loss": "one"},
        {"num_directions": 4, "mask": "nonzero"},
        {"offset_mode": "multiplicative"},
    ],
)
def test_closed_form_loss_is_above_monte_carlo(task: Task, params: dict[str, Any]) -> None:
    """The logits' mean and covariance are right too: those of many draws."""
    images, rows = batch(task)
    network = model(task)
    closed = off_prior(make("ails", task, ce_estimator="closed_form", alpha=0.7, **params))
    drawn = off_prior(make("ails", task, num_samples=5000, alpha=0.7, **EVERYTHING, **params))
    with torch.no_grad():
        upper = closed.loss(network, images, rows, LATE)[1]
        sampled = drawn.loss(network, images, rows, LATE)[1]
    assert float(upper["ce"]) >= float(sampled["ce"])
    assert float(upper["ce"]) == pytest.approx(float(sampled["ce"]), rel=0.2)
    assert float(upper["accept_rate"]) == 1


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_closed_form_has_the_weights_and_smoothing_of_the_protocol(
    task: Task, smoothing: float
) -> None:
    """Without offsets it is the task loss that `none` has."""
    classes = LABELS if task is Task.MULTILABEL else CLASSES
    each = tuple(1 + number / classes for number in range(classes))
    weights = Weights(each, each[::-1] if task is Task.MULTILABEL else ())
    weighing = replace(setting(task), weights=weights, label_smoothing=smoothing)
    (images, rows), network = batch(task), model(task)
    kind = methods.get("ails")
    method = kind(kind.Params(ce_estimator="closed_form", alpha=0.0), weighing)
    expected = method.task_loss(network(images), rows)
    torch.testing.assert_close(method.loss(network, images, rows, LATE)[1]["ce"], expected.detach())


def test_gaussian_covariance_is_that_of_its_samples() -> None:
    q = Gaussian(noise(1, 5), noise(1, 5, seed=1), noise(1, 5, 2, seed=2))
    weights = noise(1, 3, 5, seed=3)
    samples = q.sample(200_000, torch.Generator().manual_seed(0)) @ weights[0].mT
    torch.testing.assert_close(torch.cov(samples.mT), q.covariance(weights)[0], rtol=0.03, atol=0.1)
    torch.testing.assert_close(q.variance(), q.covariance(torch.eye(5)[None])[0].diagonal()[None])


# 16: edges


@pytest.mark.parametrize("task", TASKS)
def test_one_image(task: Task) -> None:
    network = model(task).eval()
    images, rows = batch(task, rows=1)
    total, logs = make("ails", task).loss(network, images, rows, LATE)
    assert total.isfinite()
    assert all(torch.as_tensor(value).isfinite() for value in logs.values())


@pytest.mark.parametrize("retraction", ["additive", "sphere"])
def test_features_that_are_all_zero(retraction: str) -> None:
    f = torch.zeros(4, WIDTH, requires_grad=True)
    method = make("ails", retraction=retraction)
    total, logs = method.loss(Features(WIDTH), f, targets(Task.MULTICLASS, 4), LATE)
    total.backward()
    assert f.grad is not None
    assert f.grad.isfinite().all()
    assert all(torch.as_tensor(value).isfinite() for value in logs.values())
    assert float(logs["accept_rate"]) == 0


def test_under_autocast_the_classifier_alone_is_in_the_callers_precision() -> None:
    class Half(Features):
        def features(self, images: Tensor) -> Tensor:
            return images.bfloat16()

        def head(self, features: Tensor) -> Tensor:
            logits = super().head(features)
            dtypes.append((features.dtype, logits.dtype))
            return logits

    dtypes: list[tuple[torch.dtype, torch.dtype]] = []
    method = make("ails")
    method.posterior.register_forward_hook(
        lambda module, given, q: dtypes.append((given[0].dtype, q.mean.dtype))
    )
    with torch.autocast("cpu", torch.bfloat16):
        total, logs = method.loss(Half(WIDTH), noise(8, WIDTH), targets(Task.MULTICLASS, 8), LATE)
    full, half = torch.float32, torch.bfloat16
    assert dtypes == [(full, full), (full, half), (full, half)]
    assert total.dtype == torch.float32
    assert total.isfinite()
    assert all(torch.as_tensor(v).dtype == torch.float32 for v in logs.values())


# The switches: each runs on both kinds of target, and has one property

SWITCHES: list[dict[str, Any]] = [
    {"sigma": "isotropic"},
    {"sigma": "lowrank(3)"},
    {"projection": "l2"},
    {"projection": "relu"},
    {"projection": "center"},
    {"projection": "pca(4)"},
    {"tau_schedule": "step(0.5)"},
    {"tau_schedule": "cosine"},
    {"tau_schedule": "constant"},
    {"tau_schedule": "quantile(0.5)"},
    {"tau_schedule": "stat"},
    {"inv_temperature": 2.0},
    {"inv_temperature": "tau"},
    {"inv_pair": "aug_aug"},
    {"inv_detach": "original"},
    {"kl_reduction": "sum"},
    {"prior_std": 1.0},
    {"on_filtered": "drop", "tau_schedule": "quantile(0.5)"},
    {"on_filtered": "resample(3)", "tau_schedule": "quantile(0.5)"},
    {"on_filtered": "shrink", "tau_schedule": "quantile(0.5)"},
    {"on_filtered": "drop", **NOTHING},
    {"inv_label_reduction": "sum"},
    {"offset_mode": "multiplicative"},
    {"mask": "nonzero"},
    {"mask": "bernoulli(0.5)"},
    {"num_directions": 5},
    {"num_samples": 3},
    {"num_samples": 2, "inv_pair": "aug_aug", "on_filtered": "drop"},
    {"scale_in_loss": "one"},
    {"ce_on": "both"},
    {"ce_estimator": "closed_form"},
    {"retraction": "sphere", "on_filtered": "shrink", "alpha": 2.0},
    {"head_input_detach": True},
    {"head": "linear"},
    {"head": "bsda_like"},
    {"head_init": "default"},
    {"head_hidden": 7},
    {"head_decay": False},
    {"sigma": "lowrank(2)", "num_directions": 3, "projection": "pca(2)", "num_samples": 2},
]


@pytest.mark.parametrize("params", SWITCHES, ids=str)
def test_every_switch_is_illustrated_by_a_row_an_image(params: dict[str, Any]) -> None:
    images, rows = batch()
    shown = make("ails", **params).illustrate(model(), images, rows)
    assert shown.shape == (len(images), WIDTH)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("params", SWITCHES, ids=str)
def test_every_switch_trains(task: Task, params: dict[str, Any]) -> None:
    method, plain = make("ails", task, **params), make("ails", task)
    names = loss_of(plain, task)[1].keys()
    optimizer = torch.optim.AdamW(method.parameters(), lr=0.01)
    for step in range(3):
        total, logs = loss_of(method, task, at=Progress(step, 3, 0, 1))
        optimizer.step()
        assert total.isfinite()
        assert logs.keys() == names
        assert all(torch.as_tensor(value).isfinite() for value in logs.values())
        assert not any(torch.as_tensor(value).requires_grad for value in logs.values())
    for weight in method.parameters():
        assert weight.isfinite().all()
        assert weight.grad is not None


def test_every_parameter_has_a_switch_here() -> None:
    numbers = {"alpha", "beta", "lam", "tau_start", "tau_end"}
    tried = {name for params in SWITCHES for name in params}
    assert tried | numbers == set(AILS.Params.model_fields)


@pytest.mark.parametrize(
    ("sigma", "outputs"), [("diag", 2 * 8), ("isotropic", 8 + 1), ("lowrank(3)", 2 * 8 + 3 * 8)]
)
def test_a1_covariances(sigma: str, outputs: int) -> None:
    head = PosteriorHead(8, 8, sigma, init="default")
    q = head(noise(4, 8))
    assert head.out.out_features == outputs
    assert bool((q.log_var == q.log_var[:, :1]).all()) is (sigma == "isotropic")
    assert (q.factor is not None) is sigma.startswith("lowrank")
    extra = 0 if q.factor is None else q.factor.square().sum(2)
    torch.testing.assert_close(q.variance(), q.log_var.exp() + extra)


def test_a1_log_variance_is_clamped() -> None:
    head = PosteriorHead(8, 8)
    nn.init.constant_(head.out.bias, 100.0)
    assert float(head(noise(4, 8)).log_var.detach().max()) == 4
    nn.init.constant_(head.out.bias, -100.0)
    assert float(head(noise(4, 8)).log_var.detach().min()) == -8


def test_a2_center_is_the_running_mean_and_is_saved() -> None:
    projection = Projection("center", 6)
    batches = [noise(9, 6, seed=seed) for seed in range(4)]
    for features in batches:
        projection.update(features)
    expected = batches[0] - torch.cat(batches).mean(0)
    torch.testing.assert_close(projection(batches[0]), expected)
    assert {"mean", "count"} == set(projection.state_dict())
    for _ in range(200):
        projection.update(torch.ones(3, 6))
    torch.testing.assert_close(projection.mean, torch.ones(6))


def test_a2_pca_finds_the_principal_directions() -> None:
    scale = torch.tensor([5.0, 4.0, 3.0, 0.5, 0.4, 0.3])
    rotation = torch.linalg.qr(noise(6, 6, seed=3)).Q
    projection = Projection("pca(3)", 6)
    for seed in range(60):
        projection.update(noise(256, 6, seed=seed) * scale @ rotation + 2)
    found = projection.basis @ projection.basis.mT
    torch.testing.assert_close(found, rotation[:3].mT @ rotation[:3], rtol=0, atol=0.05)
    assert projection(noise(5, 6)).shape == (5, 3)
    assert {"mean", "count", "sketch", "basis"} == set(projection.state_dict())


def test_a2_relu_sees_positive_features_only() -> None:
    f = noise(4, 6)
    assert torch.equal(Projection("relu", 6)(f), f.clamp(min=0))
    torch.testing.assert_close(Projection("l2", 6)(f).norm(dim=1), torch.ones(4))
    assert Projection("none", 6)(f) is f


def logs_of(task: Task = Task.MULTICLASS, **params: Any) -> dict[str, float]:
    method = off_prior(make("ails", task, **params))
    return {name: float(value) for name, value in loss_of(method, task)[1].items()}


def test_a4_temperature_divides_the_logits_of_the_invariance_term_alone() -> None:
    plain, warm, tau = (logs_of(inv_temperature=t, alpha=0.1) for t in (1.0, 10.0, "tau"))
    assert plain["ce"] == warm["ce"] == tau["ce"]
    assert warm["inv"] == pytest.approx(plain["inv"] / 100, rel=0.2)
    assert tau["inv"] > plain["inv"], "below 1 it sharpens"


def test_a5_two_views_differ_and_are_both_filtered() -> None:
    assert logs_of(inv_pair="aug_aug")["ce"] == logs_of()["ce"]
    assert logs_of(inv_pair="aug_aug")["inv"] != logs_of()["inv"] > 0
    assert logs_of(inv_pair="aug_aug", **NOTHING)["inv"] == 0


def test_a5_a_dropped_pair_is_one_of_which_either_view_failed() -> None:
    f, rows = noise(64, WIDE), targets(Task.MULTICLASS, 64)
    params = {"tau_schedule": "quantile(0.5)", "inv_pair": "aug_aug", "on_filtered": "drop"}
    network, method, again = Features(WIDE), first(**params), first(**params)
    (one, two), (moved, other) = zip(*(view_of(again, f) for _ in range(2)), strict=True)
    both = (one.accepted * two.accepted).bool()
    assert 0 < both.sum() < one.accepted.sum()
    with torch.no_grad():
        logs = method.loss(network, f, rows, LATE)[1]
        pairs = network(moved[both]), network(other[both])
    torch.testing.assert_close(logs["inv"], symmetric_kl(*pairs, Task.MULTICLASS).mean())


def test_a6_detaching_the_original_halves_the_gradient_paths() -> None:
    """Only L_inv is left; without its side of the originals the gradient differs, not the value."""
    values, gradients = [], []
    for detach in ("none", "original"):
        method, network = make("ails", inv_detach=detach, beta=0.0), model()
        f = network.features(batch()[0])
        z, z_aug = network.head(f), network.head(1.1 * f)
        reference = symmetric_kl(z.detach() if detach == "original" else z, z_aug, Task.MULTICLASS)
        expected = torch.autograd.grad(reference.mean(), f)[0]
        method.draw = lambda rows, q: rows / 3
        method.cross_entropy = lambda logits, labels, accepted: 0 * logits.sum()
        f = f.detach().requires_grad_()
        total, logs = method.hybrid_loss(network.head, f, batch()[1], LATE)
        total.backward()
        torch.testing.assert_close(f.grad, 0.5 * expected)
        values.append(float(logs["inv"]))
        gradients.append(f.grad)
    assert values[0] == pytest.approx(values[1])
    assert not torch.allclose(*gradients)


def test_a8_numeric_prior_is_the_standard_deviation_of_the_offset() -> None:
    f = noise(400, WIDE) * 3
    for std in (0.3, 1.0):
        view, _ = view_of(first(prior_std=std, **EVERYTHING), f)
        assert float(rms(view.delta)) == pytest.approx(std, rel=0.01)
    view, _ = view_of(first(**EVERYTHING), f)
    assert float(rms(view.delta)) == pytest.approx(float(rms(f)), rel=0.01)


def test_a9_drop_averages_over_the_accepted_rows() -> None:
    """The mean over all rows is that of accepted rows with offset and the others without."""
    images, rows = batch()
    network = model()
    f = network.features(images).detach()
    params = {"tau_schedule": "quantile(0.5)", "beta": 0.0}
    view, moved = view_of(make("ails", **params), f)
    kept = view.accepted.bool()
    assert 0 < kept.sum() < len(f)
    dropped = make("ails", **params, on_filtered="drop")
    logs = dropped.hybrid_loss(network.head, f, rows, LATE)[1]
    expected = task_loss(network.head(moved[kept]), rows[kept], Task.MULTICLASS)
    torch.testing.assert_close(logs["ce"], expected.detach())
    inv = symmetric_kl(network.head(f[kept]), network.head(moved[kept]), Task.MULTICLASS).mean()
    torch.testing.assert_close(logs["inv"], inv.detach())
    logs = make("ails", **params).hybrid_loss(network.head, f, rows, LATE)[1]
    expected = task_loss(network.head(moved), rows, Task.MULTICLASS)
    torch.testing.assert_close(logs["ce"], expected.detach())
    torch.testing.assert_close(logs["inv"], inv.detach() * kept.float().mean())


def test_a9_drop_of_all_rows_leaves_no_loss() -> None:
    logs = logs_of(on_filtered="drop", **NOTHING)
    assert logs["ce"] == logs["inv"] == 0
    assert logs["kl_dim"] > 0


def test_a9_resampling_accepts_more_and_keeps_what_passed() -> None:
    f = noise(64, WIDE)
    tau = float(noise_cosine(first(), f).median())
    fixed = {"tau_start": tau, "tau_end": tau}
    once, moved = view_of(first(**fixed), f)
    again, moved_again = view_of(first(**fixed, on_filtered="resample(5)"), f)
    kept = once.accepted.bool()
    assert torch.equal(moved[kept], moved_again[kept])
    assert float(again.accepted.mean()) > 0.9 > float(once.accepted.mean())
    passed = again.accepted.bool()
    assert (torch.cosine_similarity(f, moved_again)[passed] >= tau - 1e-6).all()
    assert torch.equal(moved_again[~passed], f[~passed])


@pytest.mark.parametrize("retraction", ["additive", "sphere"])
@pytest.mark.parametrize("projection", ["none", "relu"])
def test_a9_shrinking_brings_the_cosine_to_the_threshold(retraction: str, projection: str) -> None:
    f = noise(64, WIDE) + 0.5
    method = first(
        alpha=1.2,
        tau_schedule="constant",
        on_filtered="shrink",
        retraction=retraction,
        projection=projection,
    )
    view, moved = view_of(method, f)
    assert view.accepted.sum() < 64
    cosine = torch.cosine_similarity(method.projection(f), method.projection(moved))
    filtered = ~view.accepted.bool()
    torch.testing.assert_close(cosine[filtered], torch.full_like(cosine, 0.8)[filtered])


def test_a10_the_sum_over_labels_is_14_times_their_mean() -> None:
    mean = logs_of(Task.MULTILABEL)["inv"]
    summed = logs_of(Task.MULTILABEL, inv_label_reduction="sum")["inv"]
    assert summed == pytest.approx(LABELS * mean)


def test_a11_multiplicative_offsets() -> None:
    """f' = f (1 + α u), with u the draw of the same generator."""
    f = noise(8, WIDE)
    method = off_prior(first(offset_mode="multiplicative", **EVERYTHING))
    with torch.no_grad():
        u = method.posterior(f).sample(1, torch.Generator().manual_seed(0))
    torch.testing.assert_close(view_of(method, f)[1], f * (1 + 0.3 * u))


def test_a11_masks() -> None:
    f = noise(200, WIDE).relu()
    view, moved = view_of(first(mask="nonzero", **EVERYTHING), f)
    assert torch.equal(view.delta == 0, f == 0)
    assert (moved[f == 0] == 0).all()
    view, _ = view_of(first(mask="bernoulli(0.3)", **EVERYTHING), f)
    assert float((view.delta != 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert (view_of(first(mask="bernoulli(0)", **EVERYTHING), f)[0].delta == 0).all()


def test_a12_directions_span_the_offsets_at_the_scale_of_the_prior() -> None:
    f = noise(600, WIDE)
    method = first(num_directions=20, **EVERYTHING)
    view, _ = view_of(method, f)
    assert torch.linalg.matrix_rank(view.delta, rtol=1e-4) == 20
    assert float(rms(view.delta)) == pytest.approx(float(rms(f)), rel=0.1)
    assert method.directions.shape == (WIDE, 20)
    assert method.posterior(f).mean.shape == (600, 20)


def test_a12_samples_are_averaged() -> None:
    """With so many draws the loss is near its expectation: two seeds agree."""
    few = [draws(num_samples=1, seed=seed) for seed in range(12)]
    many = [draws(num_samples=100, seed=seed) for seed in range(12)]
    ratio = torch.tensor(few).std() / torch.tensor(many).std()
    assert 5 < ratio < 20, "the error falls with the root of the number of draws"
    assert sum(many) / 12 == pytest.approx(sum(few) / 12, abs=0.05)


def draws(num_samples: int, seed: int) -> float:
    method = make("ails", num_samples=num_samples, alpha=0.7, **EVERYTHING)
    method.generator.manual_seed(seed)
    return float(method.loss(model(), *batch(), LATE)[1]["ce"])


def test_a13_the_loss_is_taken_at_the_full_offset() -> None:
    assert logs_of(scale_in_loss="one", alpha=1.0) == logs_of(alpha=1.0)
    full, scaled = logs_of(scale_in_loss="one", alpha=0.3), logs_of(alpha=0.3)
    assert full["ce"] != scaled["ce"]
    assert full["inv"] == scaled["inv"]
    assert full["ce"] == pytest.approx(logs_of(alpha=1.0, **EVERYTHING)["ce"])


def test_a14_both_is_the_mean_of_two_losses() -> None:
    images, rows = batch()
    plain = float(task_loss(model()(images).detach(), rows, Task.MULTICLASS))
    assert logs_of(ce_on="both")["ce"] == pytest.approx((logs_of()["ce"] + plain) / 2)


def test_a20_to_a22_logs() -> None:
    """Of a draw of which half is filtered, against their definitions."""
    f, rows = noise(64, WIDE), targets(Task.MULTICLASS, 64)
    params = {"tau_schedule": "quantile(0.5)"}
    view, moved = view_of(off_prior(first(**params)), f)
    method = off_prior(first(**params))
    logs = method.loss(Features(WIDE), f, rows, LATE)[1]
    q = method.posterior(f)
    distance = (moved - f).norm(dim=1)
    expected = {
        "tau": view.tau,
        "accept_rate": view.accepted.mean(),
        "fdi": distance.mean(),
        "fdi_accepted": distance[view.accepted.bool()].mean(),
        "fdi_rel": distance.mean() / (rms(f) * math.sqrt(WIDE)),
        "post_var": q.log_var.exp().mean(),
        "offset_var": (0.3 * view.delta).var(correction=0),
        "aug_feature_var": moved.var(0, correction=0).mean(),
        "mu_rms": q.mean.square().mean().sqrt(),
        "feature_rms": f.square().mean().sqrt(),
        "kl_dim": kl_to_prior(q.mean, q.log_var).mean() / WIDE,
    }
    for name, value in expected.items():
        torch.testing.assert_close(torch.as_tensor(logs[name]), torch.as_tensor(value).detach())


@pytest.mark.parametrize("head", ["mlp", "linear", "bsda_like"])
def test_a23_heads_start_at_the_prior(head: Any) -> None:
    q = PosteriorHead(WIDTH, WIDTH, head=head)(noise(4, WIDTH))
    assert (q.mean == 0).all()
    assert (q.log_var == 0).all()
    q = PosteriorHead(WIDTH, WIDTH, head=head, init="default")(noise(4, WIDTH))
    assert (q.kl() > 0).all()


def test_a23_size_of_the_head() -> None:
    def size(width: int, **options: Any) -> int:
        head = PosteriorHead(width, width, **options)
        return sum(weight.numel() for weight in head.parameters())

    assert size(512) == pytest.approx(0.79e6, rel=0.01)
    assert size(1024) == pytest.approx(1.58e6, rel=0.01)
    assert size(2048) == pytest.approx(3.15e6, rel=0.01)
    assert size(64, hidden=8) < size(64)
    assert size(64, head="linear") == 2 * (64**2 + 64)


# Beyond the specification's list


def test_soft_targets() -> None:
    """Mixup before AILS: one-hot rows give the loss of class numbers."""
    images, rows = batch()
    soft = nn.functional.one_hot(rows, CLASSES).float()
    for params in ({}, {"ce_estimator": "closed_form"}, {"on_filtered": "drop"}):
        totals = [make("ails", **params).loss(model(), images, y, LATE)[0] for y in (rows, soft)]
        torch.testing.assert_close(*totals)


def test_a_resumed_run_goes_on_to_the_same_bits() -> None:
    params = {"projection": "pca(3)", "tau_schedule": "stat"}
    method, network = off_prior(make("ails", **params)), model()
    method.loss(network, *batch(), LATE)
    resumed = make("ails", **params)
    resumed.load_state_dict(method.state_dict())
    network.eval()
    totals = [m.loss(network, *batch(), LATE)[0] for m in (method, resumed)]
    assert torch.equal(*totals)


def test_forms() -> None:
    assert parse("lowrank(4)") == ("lowrank", 4.0)
    assert parse("diag")[0] == "diag"
    check = forms("diag", "lowrank(count)", "step(fraction)").func
    for value in ("diag", "lowrank(4)", "step(0.5)", "step(1)", "step(.25)"):
        assert check(value) == value
    for value in ("diag(1)", "lowrank", "lowrank(0)", "lowrank(1.5)", "step(1.1)", "step()", "x"):
        with pytest.raises(ValueError, match=r"choose from diag, lowrank\(count\)"):
            check(value)


def test_a_word_or_a_positive_number() -> None:
    check = positive_or("tau").func
    assert [check(value) for value in ("tau", 1, "1e-3")] == ["tau", 1.0, 1e-3]
    for value in ("rms", 0, -1.0, math.inf, math.nan, None):
        with pytest.raises(ValueError, match="choose tau or a positive number"):
            check(value)


@pytest.mark.parametrize(
    "params",
    [
        {"sigma": "full"},
        {"on_filtered": "resample"},
        {"mask": "bernoulli(2)"},
        {"prior_std": 0.0},
        {"inv_temperature": 0.0},
        {"ce_estimator": "closed_form", "retraction": "sphere"},
        {"ce_estimator": "closed_form", "mask": "bernoulli(0.5)"},
        {"ce_estimator": "closed_form", "inv_temperature": "tau"},
        {"offset_mode": "multiplicative", "prior_std": 1.0},
        {"inv_pair": "aug_aug", "inv_detach": "original"},
        {"inv_temperature": "tau", "tau_end": 0.0},
        {"inv_temperature": "tau", "tau_schedule": "stat"},
    ],
    ids=str,
)
def test_parameters_that_make_no_sense_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AILS.Params(**params)


@pytest.mark.slow
def test_the_posterior_leaves_the_prior_when_the_kl_is_free_and_collapses_when_not() -> None:
    """Frozen features of two clusters: with β = 0 the head learns, with β = 1 it stays."""
    rows = torch.arange(128) % 2
    f = noise(128, WIDTH) + 2 * (rows[:, None] * 2.0 - 1)
    learned = {}
    for beta in (0.0, 1.0):
        method, network = make("ails", beta=beta, alpha=0.7), Features(WIDTH)
        optimizer = torch.optim.AdamW([*method.parameters(), *network.parameters()], lr=1e-2)
        for _ in range(300):
            total, logs = method.loss(network, f, rows, LATE)
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
        learned[beta] = float(logs["kl_dim"])
    assert learned[0.0] > 20 * learned[1.0]
