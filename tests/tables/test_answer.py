"""The answer below a table: what is shown, equivalent or open, and what would decide."""

from typing import Any

import numpy as np

from bench.stats.crossed import Parts, crossed
from bench.stats.verdict import Rule, judge
from reports.results.answer import answer, in_a_sentence, seeds_that_decide

Column = dict[int, float]


def noise(mean: float, sd: float, n: int = 10) -> Column:
    x = np.random.default_rng(0).normal(size=n)
    return dict(enumerate((0.8 + mean + sd * (x - x.mean()) / x.std(ddof=1)).tolist()))


def family(columns: dict[str, Column], rule: Rule = Rule(), **more: Any) -> Any:  # noqa: B008
    n = max(len(column) for column in columns.values())
    pairs = {name: (column, dict.fromkeys(range(n), 0.8)) for name, column in columns.items()}
    return judge(pairs, rule, **more)


def test_verdicts_are_told_by_name() -> None:
    columns = {
        "mixup": noise(-0.05, 0.01),
        "cutmix": noise(0.001, 0.004),
        "bsda": noise(0.006, 0.03),
        "none": noise(0.004, 0.003),
    }
    said, decide = answer({"breast": family(columns)}, "ails", Rule())
    assert "On these images (breast): mixup worse than ails" in said
    assert "cutmix equivalent within 1 point" in said
    assert "none better than ails, by less than 1 point" in said
    assert "bsda undecided" in said
    assert "On new images: not judged" in said
    assert decide.startswith("Seeds that would decide (breast): bsda ")


def test_nothing_shown_is_said_so_and_not_that_nothing_differs() -> None:
    found = family({"mixup": noise(0.004, 0.03), "bsda": noise(-0.004, 0.03)})
    said, _ = answer({"breast": found}, "ails", Rule())
    shown = "On these images (breast): undecided; no method is shown to differ from ails."
    assert shown in said


def test_several_columns_are_told_by_the_mean_and_counted() -> None:
    one = family({"mixup": noise(0.05, 0.01)})
    said, *_ = answer({"breast": one, "oct": one, "mean": one}, "ails", Rule())
    assert "On these images (mean): mixup better than ails" in said
    assert "All 3 columns, these images: 3 better" in said


def test_few_seeds_decide_nothing() -> None:
    found = family({"mixup": noise(0.05, 0.001, n=4)})
    assert answer({"breast": found}, "ails", Rule()) == [
        "Undecided: nothing is decided below 5 seeds."
    ]
    assert answer({"breast": {}}, "ails", Rule()) == []


def test_what_has_no_predictions_is_not_judged_for_new_images() -> None:
    columns = {"mixup": noise(0.0145, 0.01), "bsda": noise(0.05, 0.01)}
    parts = crossed([Parts(0.01 + 0.001 * np.arange(10), 0.02**2)])
    found = family(columns, images=lambda name, seeds: parts if name == "mixup" else None)
    said, *_ = answer({"breast": found}, "ails", Rule())
    assert "(the images limit mixup); bsda not judged." in said


def test_all_decided_early_without_predictions_waits_for_no_look() -> None:
    rule = Rule(looks=(10, 20, 30))
    said, *_ = answer({"breast": family({"mixup": noise(0.05, 0.01)}, rule)}, "ails", rule)
    assert "On new images: not judged: predictions are missing" in said


def test_images_that_limit_are_told() -> None:
    found = family(
        {"mixup": noise(0.0145, 0.01)},
        images=lambda name, seeds: crossed([Parts(0.01 + 0.001 * np.arange(10), 0.02**2)]),
    )
    said, *_ = answer({"breast": found}, "ails", Rule())
    shown = "undecided; mixup is not shown to differ from ails (the images limit mixup)"
    assert f"On new images: {shown}" in said


def test_too_many_seeds_are_told_as_such() -> None:
    (one,) = family({"mixup": noise(0.004, 0.3)}).values()
    assert seeds_that_decide(one).endswith("more than 1,000")


def test_a_sentence_names_what_is_decided_and_counts_the_rest() -> None:
    columns = {"mixup": noise(-0.05, 0.01), "cutmix": noise(0.001, 0.004)}
    open_ = {"bsda": noise(0.006, 0.03), "ails": noise(-0.006, 0.03)}
    said = in_a_sentence(family(columns | open_), "none", Rule())
    assert said == (
        "mixup is worse than none; cutmix is equivalent to none within 1 point; "
        "the other 2 are undecided"
    )
    assert in_a_sentence(family(open_), "none", Rule()) == (
        "undecided; no method is shown to differ from none"
    )
    equal = in_a_sentence(family({"cutmix": columns["cutmix"]} | open_), "none", Rule())
    assert equal == "cutmix is equivalent to none within 1 point; the other 2 are undecided"
    few = family({"mixup": noise(0.05, 0.001, n=4)})
    assert in_a_sentence(few, "none", Rule()).startswith("undecided")
