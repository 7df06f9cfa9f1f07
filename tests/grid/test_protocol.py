"""Protocols: what a user may write, and what a mistake is answered with."""

from pathlib import Path

import pytest
import torch

from bench import metrics
from bench.base.errors import BenchError
from bench.grid import configs, notation
from bench.grid.protocol import Protocol
from bench.training.state import optimizer


@pytest.mark.parametrize("name", configs.names())
def test_every_protocol_of_the_project_loads(name: str) -> None:
    assert configs.load(name).about


def test_the_paper_protocol_holds_what_the_paper_states() -> None:
    config = configs.load("paper")
    stated = config.protocol
    assert (stated.optimizer, stated.lr, stated.warmup_epochs) == ("adamw", 0.01, 5)
    assert config.selection.backbones == ("resnest101+densenet121",)
    assert len(config.selection.seeds) == 10
    assert len(config.selection.datasets) == 9


def test_settings_lie_over_the_file() -> None:
    changed = configs.load("laptop", {"lr": "1e-3", "steps": 7, "rgb": True}).protocol
    assert (changed.lr, changed.steps, changed.epochs, changed.rgb) == (1e-3, 7, None, True)


@pytest.mark.parametrize(
    ("settings", "answer"),
    [
        (["learning_rate=1"], "no protocol key 'learning_rate'"),
        (["batchsize=1"], "did you mean 'batch_size'"),
        (["lr=fast"], "lr"),
        (["lr=-1"], "greater than 0"),
        (["lr=.nan"], "finite"),
        (["epochs=true"], "expected a number or a word"),
        (["lr"], "written key=value"),
        (["optimizer=adamwish"], "'adamw', 'adam' or 'sgd'"),
        (["schedule=steps"], "milestones"),
        (["select=val_acu"], "no selection rule 'val_acu'; did you mean 'val_auc'"),
        (["select=val_sensitivity"], "no selection rule"),
        (["epochs=null"], "give epochs or steps"),
        (["betas=[0.9,1]"], "less than 1"),
        (["betas=0.9"], "tuple"),
        (["momentum=0.5"], "no effect with optimizer: adamw"),
        (["optimizer=sgd", "betas=[0.5,0.9]"], "no effect with optimizer: sgd"),
        (["optimizer=sgd", "momentum=0"], "nesterov: false"),
        (["decay=weights", "weight_decay=0"], "no effect with weight_decay: 0"),
    ],
)
def test_a_wrong_setting_is_answered_in_one_line(settings: list[str], answer: str) -> None:
    with pytest.raises(BenchError) as error:
        configs.load("laptop", notation.settings(settings))
    assert answer in str(error.value)
    assert "\n" not in str(error.value)


def test_options_of_the_optimiser_reach_it() -> None:
    weights = [{"params": [torch.nn.Parameter(torch.zeros(1))]}]
    protocol = configs.load("laptop", {"betas": [0.9, 0.95]}).protocol
    assert optimizer(weights, protocol).defaults["betas"] == (0.9, 0.95)
    settings = {"optimizer": "sgd", "momentum": 0.5, "nesterov": False}
    built = optimizer(weights, configs.load("laptop", settings).protocol).defaults
    assert (built["momentum"], built["nesterov"]) == (0.5, False)


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(BenchError, match="did you mean 'laptop'"):
        configs.load("labtop")


@pytest.mark.parametrize("text", ["- 1", "protocol: [", "protocl: {}", "about: x"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(BenchError, match=r"mine\.yaml"):
        configs.load(str(path))


def test_an_epoch_can_be_selected_by_the_metrics_that_make_sense_alone() -> None:
    one_sided = {"sensitivity", "specificity"}
    for name in set(metrics.names()) - one_sided:
        assert Protocol(epochs=1, select=f"val_{name}").select.startswith("val_")
    for name in one_sided:
        with pytest.raises(BenchError, match="no selection rule"):
            Protocol(epochs=1, select=f"val_{name}")


def test_two_names_of_one_rule_are_one_protocol() -> None:
    assert Protocol(epochs=1, select="val_nll") == Protocol(epochs=1, select="val_loss")


def test_epochs_and_steps_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="epochs or steps"):
        Protocol(epochs=1, steps=1)
