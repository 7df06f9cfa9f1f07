"""Properties of the diffusion model and of its method."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from tiny import CLASSES, LABELS, TASKS, check_zero_equals_none, targets
from torch import Tensor, nn

import methods
from bench.base.errors import BenchError
from bench.base.split import Split
from bench.base.task import Task
from bench.grid.cell import Run
from bench.grid.choice import MethodChoice
from bench.training.execute import execute
from methods.ddpm import DDPM
from methods.generative import stage
from methods.generative.diffusion import Denoiser, Sampling, Training, schedule
from methods.method import Setting, Workspace

TINY: dict[str, Any] = {
    "channels": (8, 16),
    "layers": 1,
    "steps": 4,
    "batch": 5,
    "timesteps": 20,
    "sampler_steps": 2,
}
IDENTITY = {"dataset": "d", "fingerprint": "f", "size": 8, "subset": "s"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("methods.generative.quality.JUDGE_STEPS", 2)


def params(**changes: Any) -> DDPM.Params:
    return DDPM.Params(**TINY | changes)


def setting(
    task: Task = Task.MULTICLASS, channels: int = 1, size: int = 8, seed: int = 0
) -> Setting:
    classes = LABELS if task is Task.MULTILABEL else CLASSES
    return Setting(task, classes, channels, size, feature_dim=16, seed=seed)


def subset(task: Task = Task.MULTICLASS, channels: int = 1, size: int = 8, rows: int = 11) -> Split:
    shape = (rows, size, size, channels)[: 3 + (channels > 1)]
    pixels = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    return Split(pixels, targets(task, rows))


def prepared(folder: Path, seed: int = 0, data: str = "s", **changes: Any) -> DDPM:
    method = DDPM(params(**changes), setting(seed=seed))
    method.prepare(subset(), Workspace(folder, IDENTITY | {"subset": data}))
    return method


def pixels(method: DDPM) -> NDArray[np.uint8]:
    return method.pool.pixels(np.arange(len(method.pool)))


class Oracle(nn.Module):
    """Knows the image, so also the noise in x_t, and the velocity."""

    def __init__(self, clean: Tensor, of: DDPM.Params) -> None:
        super().__init__()
        self.clean, self.kind, self.frame, self.classes = clean, of.prediction, 8, CLASSES
        self.alphas = schedule(of).alphas_cumprod

    def guided(self, x: Tensor, t: Tensor, rows: Tensor, weight: float) -> Tensor:
        signal, rest = self.alphas[t].sqrt(), (1 - self.alphas[t]).sqrt()
        noise = (x - signal * self.clean) / rest
        return noise if self.kind == "epsilon" else signal * noise - rest * self.clean


# Mathematics


@pytest.mark.parametrize("kind", ["squaredcos_cap_v2", "linear"])
def test_noise_grows_from_nearly_none_at_constant_variance(kind: Any) -> None:
    torch.manual_seed(0)
    table = schedule(DDPM.Params(schedule=kind))
    clean, noise = torch.randn(64, 1, 16, 16), torch.randn(64, 1, 16, 16)
    first = table.add_noise(clean, noise, torch.zeros(64, dtype=torch.long))
    assert float((first - clean).abs().max()) < 0.06
    for t in (0, 250, 500, 999):
        noisy = table.add_noise(clean, noise, torch.full((64,), t))
        assert float(noisy.var()) == pytest.approx(1, abs=0.05)
    last = table.add_noise(clean, noise, torch.full((64,), 999))
    assert float((last - noise).abs().max()) < 0.06


@pytest.mark.parametrize("kind", ["squaredcos_cap_v2", "linear"])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("steps", [10, 50])
def test_with_the_true_noise_sampling_returns_the_image(
    kind: Any, prediction: Any, steps: int
) -> None:
    of = DDPM.Params(schedule=kind, prediction=prediction, sampler_steps=steps)
    clean = torch.rand(4, 1, 8, 8) * 2 - 1
    oracle: Any = Oracle(clean, of)
    made = Sampling(oracle, torch.zeros(4).long(), of, setting()).denoised(torch.zeros(4).long())
    assert float((made - clean).abs().max()) < 1e-5


def test_sampling_begins_at_the_last_timestep() -> None:
    table = schedule(DDPM.Params())
    table.set_timesteps(50)
    assert table.timesteps.tolist() == list(range(999, 0, -20))


def test_eta_1_at_every_timestep_is_the_sampler_of_ddpm() -> None:
    """Mean and standard deviation of q(x_{t-1} | x_t, x_0), Ho et al. 2020, (6) and (7)."""
    table = schedule(DDPM.Params(schedule="linear"))
    table.set_timesteps(1000)
    clean, x = torch.rand(2, 1, 4, 4) * 2 - 1, torch.randn(2, 1, 4, 4)
    for t in (1, 300, 998):
        now, before, beta = table.alphas_cumprod[t], table.alphas_cumprod[t - 1], table.betas[t]
        noise = (x - now.sqrt() * clean) / (1 - now).sqrt()
        mean = (before.sqrt() * beta * clean + (1 - beta).sqrt() * (1 - before) * x) / (1 - now)
        std = ((1 - before) / (1 - now) * beta).sqrt()
        for draw in (torch.zeros_like(x), torch.ones_like(x)):
            got = table.step(noise, t, x, eta=1.0, variance_noise=draw).prev_sample
            torch.testing.assert_close(got, mean + std * draw, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_loss_of_the_true_prediction_is_zero_and_of_none_is_its_variance(
    prediction: Any,
) -> None:
    of = params(prediction=prediction, timesteps=1000, sampler_steps=50)
    training = Training(subset(rows=64), of, setting())
    seen: dict[str, Tensor] = {}

    class Spy(nn.Module):
        frame, classes = 8, CLASSES

        def forward(self, x: Tensor, t: Tensor, rows: Tensor) -> Tensor:
            seen["x"], seen["t"] = x, t
            return torch.zeros_like(x)

    training.net = Spy()  # type: ignore[assignment]
    indices = torch.arange(64)
    loss = float(training.loss(indices))
    alphas = training.schedule.alphas_cumprod[seen["t"]].view(-1, 1, 1, 1)
    clean = training.train.images(indices) * 2 - 1
    noise = (seen["x"] - alphas.sqrt() * clean) / (1 - alphas).sqrt()
    velocity = alphas.sqrt() * noise - (1 - alphas).sqrt() * clean
    wanted = noise if prediction == "epsilon" else velocity
    assert loss == pytest.approx(float(wanted.square().mean()), rel=1e-3)
    assert float(seen["t"].float().mean()) == pytest.approx(500, abs=150)


# Network


def test_default_network_has_the_published_size() -> None:
    with torch.device("meta"):
        net = Denoiser(DDPM.Params(), setting(size=28))
    assert net.frame == 32
    assert sum(weight.numel() for weight in net.parameters()) == pytest.approx(6.5e6, rel=0.02)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("size", "frame"), [(28, 32), (8, 8), (20, 24)])
def test_every_level_halves_evenly(task: Task, channels: int, size: int, frame: int) -> None:
    of = setting(task, channels, size)
    net = Denoiser(params(channels=(8, 8, 16)), of)
    assert net.frame == frame
    x = torch.randn(1, channels, frame, frame)
    rows = torch.zeros(1, net.classes + (task is Task.MULTILABEL))
    assert net(x, torch.tensor(3), rows).shape == x.shape


def test_label_and_time_matter() -> None:
    torch.manual_seed(0)
    net = Denoiser(params(), setting()).eval()
    x, rows = torch.randn(1, 1, 8, 8), torch.eye(CLASSES)[:1]
    plain = net(x, torch.tensor(3), rows)
    assert not torch.allclose(plain, net(x, torch.tensor(3), rows.roll(1)))
    assert not torch.allclose(plain, net(x, torch.tensor(4), rows))


def test_guidance_extrapolates_from_no_label() -> None:
    torch.manual_seed(0)
    net = Denoiser(params(), setting()).eval()
    x, t, rows = torch.randn(3, 1, 8, 8), torch.tensor(7), torch.eye(CLASSES)
    with_label, without = net(x, t, rows), net(x, t, torch.zeros_like(rows))
    assert torch.equal(net.guided(x, t, rows, 0.0), with_label)
    torch.testing.assert_close(net.guided(x, t, rows, 2.0), 3 * with_label - 2 * without)


@pytest.mark.parametrize("guidance", [0.0, 1.5])
def test_labels_are_left_out_in_training_only_for_guidance(guidance: float) -> None:
    training = Training(subset(rows=50), params(guidance=guidance, label_dropout=0.3), setting())
    left_out = []

    class Spy(nn.Module):
        frame, classes = 8, CLASSES

        def forward(self, x: Tensor, t: Tensor, rows: Tensor) -> Tensor:
            left_out.append((rows.sum(1) == 0).float())
            return x

    training.net = Spy()  # type: ignore[assignment]
    for _ in range(20):
        training.loss(torch.arange(50))
    share = float(torch.cat(left_out).mean())
    assert share == pytest.approx(0.3 if guidance else 0, abs=0.05)


# Training


def test_training_on_a_few_images_lowers_the_loss() -> None:
    torch.manual_seed(0)
    training = Training(subset(rows=2), params(lr=1e-2, dropout=0.0, batch=8), setting())

    def loss() -> float:
        torch.manual_seed(1)
        with torch.no_grad():
            return float(training.loss(torch.arange(200) % 2))

    before = loss()
    for _ in range(40):
        training.advance()
    assert loss() < 0.6 * before


@pytest.mark.parametrize("task", TASKS)
def test_the_averaged_weights_are_the_mean_and_what_is_sampled(task: Task) -> None:
    """Decay at step k is min(d, (1 + k) / (10 + k)), from the first step on."""
    torch.manual_seed(0)
    training = Training(subset(task), params(lr=1e-2), setting(task))
    mean = [weight.detach().clone() for weight in training.net.parameters()]
    for step in range(4):
        training.advance()
        decay = min(0.999, (1 + step) / (10 + step)) if step else 0.0
        for ours, weight in zip(mean, training.net.parameters(), strict=True):
            ours.lerp_(weight.detach(), 1 - decay)
    raw = [weight.detach().clone() for weight in training.net.parameters()]
    averaged = training.averaged()
    assert averaged.training is False
    for ours, theirs in zip(mean, averaged.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert not any(torch.equal(a, b) for a, b in zip(raw, averaged.parameters(), strict=True))


def test_the_map_of_the_labels_is_trained() -> None:
    torch.manual_seed(0)
    training = Training(subset(Task.MULTILABEL), params(), setting(Task.MULTILABEL))
    before = training.net.label.weight.detach().clone()
    training.advance()
    assert (training.net.label.weight != before).any()


def test_decay_by_length() -> None:
    assert [params(steps=n).decay for n in (49_999, 50_000)] == [0.999, 0.9999]
    assert params(ema=0.5).decay == 0.5


# The method


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("ddpm", task)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("channels", [1, 3])
def test_images_have_the_layout_of_the_subset(tmp_path: Path, task: Task, channels: int) -> None:
    method = DDPM(params(images=12), setting(task, channels, size=9))
    split = subset(task, channels, size=9, rows=6)
    told: list[float] = []
    method.prepare(split, Workspace(tmp_path, IDENTITY, told.append))
    own = split.pixels(np.arange(6))
    assert pixels(method).shape == (12, *own.shape[1:])
    assert pixels(method).dtype == np.uint8
    assert len(np.unique(pixels(method), axis=0)) == 12
    assert method.pool.targets.dtype == split.targets.dtype
    twice = sorted(map(str, torch.cat([split.targets] * 2).tolist()))
    assert sorted(map(str, method.pool.targets.tolist())) == twice
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    assert {"training", "sampling", "quality"} == set(method.facts["seconds"])
    assert method.facts["generator_parameters"] > 1000
    json.dumps(method.facts, allow_nan=False)


def test_same_seed_same_images(tmp_path: Path) -> None:
    first, again, other = (
        prepared(tmp_path / folder, seed) for folder, seed in (("a", 0), ("b", 0), ("a", 1))
    )
    assert not again.facts["reused"]
    assert np.array_equal(pixels(first), pixels(again))
    assert not np.array_equal(pixels(first), pixels(other))


def test_every_setting_and_the_subset_make_another_set() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"channels": (16, 16)},
        {"layers": 2},
        {"dropout": 0.2},
        {"timesteps": 40},
        {"schedule": "linear"},
        {"prediction": "v_prediction"},
        {"steps": 5},
        {"batch": 6},
        {"lr": 1e-3},
        {"clip": 2.0},
        {"ema": 0.9},
        {"sampler_steps": 4},
        {"eta": 1.0},
        {"guidance": 1.0},
        {"label_dropout": 0.2},
        {"images": 7},
        {"generator_seed": "shared"},
    ]
    assert {name for change in changes for name in change} | {"share"} == set(
        DDPM.Params.model_fields
    )
    recipes = [json.dumps(DDPM(params(**c), setting()).recipe(), sort_keys=True) for c in changes]
    assert len(set(recipes)) == len(changes)
    assert json.loads(recipes[0])["libraries"].keys() == {"torch", "diffusers"}
    assert json.loads(recipes[0])["method"] == "ddpm"


class Killed(BaseException):
    """As if the process had been killed."""


@pytest.mark.parametrize("kill_at", [2, 6])
def test_killed_and_resumed_gives_the_same_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill_at: int
) -> None:
    """Four steps of training, then three of sampling; dropout and a noisy sampler draw too."""
    monkeypatch.setattr(stage, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setitem(TINY, "eta", 1.0)
    whole = prepared(tmp_path / "whole")
    method = DDPM(params(), setting())
    reports: list[float] = []

    def kill(done: float) -> None:
        reports.append(done)
        if len(reports) == kill_at:
            raise Killed

    with pytest.raises(Killed):
        method.prepare(subset(), Workspace(tmp_path / "killed", IDENTITY, kill))
    resumed = DDPM(params(), setting())
    left: list[float] = []
    resumed.prepare(subset(), Workspace(tmp_path / "killed", IDENTITY, left.append))
    assert len(left) <= 4 + 3 - kill_at + 1
    assert np.array_equal(pixels(resumed), pixels(whole))
    assert torch.equal(resumed.pool.targets, whole.pool.targets)
    kept = resumed.facts["quality"], whole.facts["quality"]
    assert kept[0] == kept[1]


def test_only_the_subset_is_read(tmp_path: Path) -> None:
    class Watched:
        """Images of a whole dataset that remember which were read."""

        def __init__(self) -> None:
            self.pixels = np.random.default_rng(0).integers(0, 256, (90, 8, 8), dtype=np.uint8)
            self.read: set[int] = set()

        def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
            self.read |= set(rows.tolist())
            return self.pixels[rows]

    watched, indices = Watched(), np.array([3, 9, 17, 40, 41, 66])
    train = Split(watched, targets(Task.MULTICLASS, 90)).subset(indices)
    DDPM(params(), setting()).prepare(train, Workspace(tmp_path, IDENTITY))
    assert watched.read == set(indices.tolist())


@pytest.mark.slow
def test_runs_of_two_seeds_share_one_generator(
    tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    """Where the subset is the whole training split; smaller subsets differ from seed to seed."""
    written = ",".join(f"{name}={list(v) if name == 'channels' else v}" for name, v in TINY.items())
    method = f"ddpm[{written},generator_seed=shared]"
    outcomes = {
        (seed, ratio): execute(make_run(method, seed=seed, ratio=ratio), workshop=tmp_path)
        for seed, ratio in ((0, 1.0), (1, 1.0), (0, 0.2), (1, 0.2))
    }
    facts = {place: outcome.record["facts"] for place, outcome in outcomes.items()}
    assert [fact["reused"] for fact in facts.values()] == [False, True, False, False]
    assert facts[0, 1.0]["generated_key"] == facts[1, 1.0]["generated_key"]
    assert facts[0, 1.0]["images"] == 400
    assert outcomes[0, 1.0].record["cost"]["extra_parameters"] == 0


def test_without_diffusers_the_mend_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DDPM, "libraries", ("torch", "no-such-diffusers"))
    with pytest.raises(BenchError, match=r"pip install medaug-bench\[gen\]"):
        prepared(tmp_path)
    assert not prepared(tmp_path, share=0.0).facts


def test_parameters_are_checked() -> None:
    for wrong in (
        {"channels": (8,)},
        {"channels": (8, 12)},
        {"sampler_steps": 3},
        {"ema": 1.0},
        {"guidance": -1.0},
        {"prediction": "sample"},
    ):
        with pytest.raises(ValidationError):
            params(**wrong)
    assert methods.get("ddpm") is DDPM


def test_parameters_can_be_written_on_the_command_line() -> None:
    choice = MethodChoice.parse("ddpm[channels=[16,32,32],layers=1,lr=1e-3]")
    assert choice.params == DDPM.Params(channels=(16, 32, 32), layers=1, lr=1e-3)
    assert MethodChoice.parse(choice.label) == choice


def test_sampling_covers_all_targets() -> None:
    of = params(batch=4)
    sampling = Sampling(Denoiser(of, setting()).eval(), torch.zeros(10).long(), of, setting())
    steps = 0
    while sampling.done < sampling.total:
        sampling.advance()
        steps += 1
    assert steps == math.ceil(10 / 4)
    assert all(len(torch.unique(image)) > 1 for image in sampling.pixels)
