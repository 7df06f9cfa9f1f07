"""Keys that survive: fields that come later change none of them while they are neutral."""

from collections.abc import Callable

import pytest

from bench.base.identity import added, identity
from bench.grid.cell import Run
from bench.grid.protocol import Protocol
from methods.mixup import Mixup

MakeRun = Callable[..., Run]


class Later(Protocol):
    """The protocol as it may be one day."""

    label_smoothing: float = added(0.0, ge=0)


class LaterParams(Mixup.Params):
    """The parameters of a method as they may be one day."""

    tilt: tuple[float, ...] = added((1.0, 2.0))


def test_a_later_field_is_in_the_identity_only_where_it_is_not_neutral() -> None:
    now, later = Mixup.Params(alpha=0.3), LaterParams(alpha=0.3)
    assert identity(later) == identity(now) == {"alpha": 0.3, "prob": 1.0}
    assert identity(LaterParams(alpha=0.3, tilt=(1.0, 2.5)))["tilt"] == [1.0, 2.5]
    assert "tilt" not in identity(LaterParams.model_validate({"tilt": [1, 2]}))


def test_a_later_field_of_the_protocol_keeps_every_key(make_run: MakeRun) -> None:
    key = make_run(protocol=Protocol(epochs=3)).key
    assert make_run(protocol=Later(epochs=3)).key == key
    assert make_run(protocol=Later(epochs=3, label_smoothing=0.1)).key != key


def test_a_later_parameter_of_a_method_keeps_every_key(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_run("mixup").key
    monkeypatch.setattr(Mixup, "Params", LaterParams)
    assert make_run("mixup").key == key
    assert make_run("mixup[tilt=[1.0,3.0]]").key != key


def test_options_of_the_optimiser_change_the_key_where_they_change_training(
    make_run: MakeRun,
) -> None:
    sgd = {"epochs": 3, "optimizer": "sgd"}
    protocols = [
        Protocol(**sgd),
        Protocol(**sgd, momentum=0.5),
        Protocol(**sgd, nesterov=False),
        Protocol(epochs=3),
        Protocol(epochs=3, betas=(0.9, 0.95)),
    ]
    assert len({make_run(protocol=protocol).key for protocol in protocols}) == len(protocols)
    assert (
        make_run(protocol=Protocol(**sgd, momentum=0.9)).key == make_run(protocol=protocols[0]).key
    )
