"""Feature noise is AILS with its head held at the prior."""

import pytest
import torch
from pydantic import ValidationError
from tiny import LATE, TASKS, batch, check_zero_equals_none, make, model
from tiny import loss as loss_of

from bench.base.task import Task
from methods.ails import OffsetParameters


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("feature_noise", task)


def test_nothing_is_learned() -> None:
    method = make("feature_noise")
    assert not list(method.parameters())
    assert set(method.state_dict()) == {"_extra_state"}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "params", [{}, {"alpha": 0.7, "on_filtered": "shrink"}, {"projection": "center"}]
)
def test_it_is_ails_at_the_prior_with_the_same_noise(task: Task, params: dict) -> None:
    network, ails = model(task), make("ails", task, **params)
    other, noise = model(task), make("feature_noise", task, **params)
    for _ in range(3):
        ours, our_logs = ails.loss(network, *batch(task), LATE)
        theirs, their_logs = noise.loss(other, *batch(task), LATE)
        assert torch.equal(ours, theirs)
        assert our_logs.keys() == their_logs.keys()
        assert float(their_logs["beta_kl"]) == 0


def test_its_offset_is_noise_of_the_feature_scale() -> None:
    _, logs = loss_of(make("feature_noise", tau_start=-1, tau_end=-1), Task.MULTICLASS, rows=400)
    assert float(logs["offset_var"]) == pytest.approx(
        (0.3 * float(logs["feature_rms"])) ** 2, rel=0.05
    )
    assert float(logs["post_var"]) == 1
    assert float(logs["accept_rate"]) == 1


def test_it_takes_the_parameters_of_ails_that_concern_nothing_learned() -> None:
    assert set(make("feature_noise", lam=0.2, alpha=0.5).params.model_dump()) >= set(
        OffsetParameters.model_fields
    )
    for learned in ("beta", "head", "sigma", "num_directions"):
        with pytest.raises(ValidationError):
            make("feature_noise", **{learned: 1})
