"""Methods one after another: what they draw, how they are written, and what cannot be joined."""

import pickle

import pytest
import torch
from tiny import TASKS, batch, make, setting, train
from torch import Tensor

import methods
from bench import Study
from bench.base.errors import BenchError
from bench.base.task import Task
from bench.grid.choice import MethodChoice
from bench.grid.notation import method_name
from bench.training.execute import code

TINY = {"datasets": ["phantom-binary"], "backbones": "test_byobnet", "seeds": 1}


def same(ours: list[Tensor], theirs: list[Tensor]) -> bool:
    return all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    ("written", "params", "alone"),
    [
        ("basic+mixup", {"basic.prob": 0.0}, "mixup"),
        ("basic+mixup", {"mixup.prob": 0.0}, "basic"),
        ("basic+ails", {"basic.prob": 0.0}, "ails"),
        ("basic+cutout+mixup", {"basic.prob": 0.0, "mixup.prob": 0.0}, "cutout"),
        ("basic+mixup", {"basic.prob": 0.0, "mixup.prob": 0.0}, "none"),
    ],
)
def test_with_all_others_at_zero_it_is_the_one_bit_for_bit(
    written: str, params: dict[str, float], alone: str, task: Task
) -> None:
    assert same(train(make(written, task, **params), task), train(make(alone, task), task))


def test_it_is_one_after_the_other() -> None:
    images, targets = batch()
    basic, mixup = make("basic"), make("mixup")
    together = make("basic+mixup")
    mixup.generator, mixup.rng = together.chain[1].generator, together.chain[1].rng
    state = mixup.generator.get_state(), mixup.rng.bit_generator.state
    expected = mixup.augment(*basic.augment(images, targets))
    mixup.generator.set_state(state[0])
    mixup.rng.bit_generator.state = state[1]
    found = together.augment(images, targets)
    assert same(list(found), list(expected))


def test_two_methods_with_strength_draw_from_different_streams() -> None:
    first, second = make("cutout+random_erasing").chain
    draws = [torch.rand(8, generator=part.generator) for part in (first, second)]
    assert not torch.equal(*draws)


def test_what_is_written_is_read_back() -> None:
    written = "basic[degrees=30,prob=0.3]+mixup[alpha=0.4]"
    choice = MethodChoice.parse(written)
    assert (choice.name, choice.version, choice.label) == ("basic+mixup", "1+1", written)
    assert method_name(written) == "basic+mixup"
    assert MethodChoice.parse("basic[prob=0.5]+mixup").label == "basic+mixup"
    restored = pickle.loads(pickle.dumps(choice))
    assert restored == choice and restored.params == choice.params


def test_a_protocol_gives_parameters_to_each_method() -> None:
    choice = MethodChoice.parse("basic[zoom=0.2]+mixup", {"mixup": {"alpha": 1.0}})
    assert choice.label == "basic[zoom=0.2]+mixup"
    assert getattr(choice.params, "mixup.alpha") == 1.0


def test_a_new_parameter_of_a_method_leaves_the_key_as_it_is() -> None:
    """`head_decay` was added to ails; at its default it is in no key."""
    choice = MethodChoice.parse("basic+ails")
    described = choice.method.identity(choice.params)
    assert "ails.head_decay" not in described and "ails.alpha" in described
    other = MethodChoice.parse("basic+ails[head_decay=false]")
    assert "ails.head_decay" in other.method.identity(other.params)


def test_order_is_part_of_the_key() -> None:
    one, other = Study(methods=["basic+mixup", "mixup+basic"], **TINY).grid.runs
    assert one.key != other.key and one.cell.describe()["params"]["basic.prob"] == 0.5


def test_its_code_is_that_of_all_its_methods() -> None:
    names = ("basic+mixup", "basic+cutout", "basic")
    digests = {code(methods.get(name))["method"] for name in names}
    assert len(digests) == len(names)


def test_a_search_has_the_dimensions_of_all() -> None:
    from bench.grid import configs
    from bench.tuning.space import space_of

    space = space_of(MethodChoice.parse("basic+mixup"), configs.load("laptop").protocol)
    assert {"basic.prob", "basic.degrees", "mixup.alpha", "mixup.prob"} < set(space.dimensions)
    point = MethodChoice.parse("basic+mixup").at({"mixup.alpha": 0.7})
    assert point.label == "basic+mixup[alpha=0.7]"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("mixup+mixup", "twice"),
        ("ails+basic", "ails has its own loss; write it last"),
        ("ails+bsda", "ails and bsda have losses of their own"),
        ("basic+cutmix+isda", "isda needs one class for each image, and cutmix mixes classes"),
        ("basic+mixpu", "mixup"),
        ("basic+none", "leave it out"),
        ("basic+mine.py[x=1]", "no method file"),
        ("mine.py+basic", "a file is no part"),
        ("basic[porb=1]+mixup", "basic.prob"),
        ("basic[prob=2]+mixup", "basic.prob: .* less than or equal to 1"),
        ("random_erasing[min_area=0.5]+mixup", "random_erasing: "),
        ("basic+", "unknown method|no method"),
    ],
)
def test_what_cannot_be_is_said(written: str, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        MethodChoice.parse(written)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("owner", ["advprop", "ails", "augmix", "bsda", "feature_noise", "isda"])
@pytest.mark.parametrize("mixing", ["mixup", "cutmix", "fmix"])
def test_what_may_be_joined_trains_and_what_cannot_is_refused_before(
    mixing: str, owner: str, task: Task
) -> None:
    written = f"{mixing}+{owner}"
    if owner == "isda":
        with pytest.raises(BenchError, match=rf"may stand .*basic, .* after {mixing} .*bsda"):
            methods.get(written)
        return
    assert all(weights.isfinite().all() for weights in train(make(written, task), task))


def test_facts_are_those_of_each() -> None:
    together = methods.get("basic+advprop")
    built = together(together.Params(), setting())
    assert set(built.facts) == {"basic", "advprop"}
    assert built.chain[1].facts is built.facts["advprop"]  # type: ignore[attr-defined]
