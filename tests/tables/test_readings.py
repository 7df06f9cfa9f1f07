"""Readings of a publication: which are declared and run, and what is said of their effects."""

import functools
import re
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from made_up import record
from pydantic import ValidationError
from scipy import stats
from statsmodels.stats.multitest import multipletests

import methods
from bench.base.errors import BenchError
from bench.base.task import Task
from bench.grid import configs, grid
from bench.grid.choice import MethodChoice
from bench.grid.grid import Grid
from bench.grid.readings import joint_sample, labels, one_at_a_time
from bench.grid.selection import Selection
from bench.stats.paired import compare, holm_p
from bench.store.measured import Measured
from reports.figures import specification as figure
from reports.results.specification import FLIPS, Outcome, Specification, analyse, sign_flip, tally
from reports.tables import readings
from reports.tables.output import Output
from reports.tables.table import DASH, LATEX

CONFIG = configs.load("laptop")
SINGLE = (Task.BINARY, Task.ORDINAL)
DECLARING = ("ails", "feature_noise")
PARAMETERS = {f"A{number}" for number in (*range(1, 18), 19, 23)}
"""The ambiguities of the AILS paper that are parameters of the method."""
FORMS = ("sigma", "projection", "tau_schedule", "on_filtered", "mask")
NO_AMBIGUITY = {"alpha", "lam", "beta", "tau_start", "tau_end", "head_hidden"}

DATASETS = ("phantom-binary", "phantom-ordinal")
SEEDS = tuple(range(6))
PAIR, BOTH, SUM = "ails[inv_pair=aug_aug]", "ails[ce_on=both]", "ails[kl_reduction=sum]"
CLOSED, DROP, AGAIN = (
    f"ails[{changed}]"
    for changed in ("ce_estimator=closed_form", "on_filtered=drop", "on_filtered=resample(4)")
)
JOINT = "ails[ce_on=both,inv_pair=aug_aug,tau_schedule=cosine]"
EFFECTS = {"ails": 0.01, PAIR: -0.02, BOTH: 0.03, SUM: 0.0, JOINT: 0.02, "none": 0.0}
NOISE = {
    (label, dataset): np.random.default_rng(number).normal(0, 0.004, len(SEEDS))
    for number, (label, dataset) in enumerate(product((*EFFECTS, CLOSED, DROP, AGAIN), DATASETS))
}
NOISE = {place: noise - noise.mean() for place, noise in NOISE.items()}
Missing = tuple[tuple[str, int], ...]


@functools.cache
def expand(
    chosen: tuple[str, ...], usual_pair: str = "orig_aug", seeds: tuple[int, ...] = SEEDS
) -> Grid:
    """`usual_pair` is what the protocol gives AILS."""
    selection = Selection(datasets=DATASETS, methods=chosen, seeds=seeds)
    return grid.expand(selection, CONFIG.protocol, parameters={"ails": {"inv_pair": usual_pair}})


def measured(
    effects: Mapping[str, float] = EFFECTS,
    seed_effect: float = 0.0,
    missing: Missing = (),
    copies: Mapping[str, str] = {},
    auc: Mapping[str, float] = {},
    logs: Mapping[str, Mapping[str, float]] = {},
    **changes: object,
) -> Measured:
    """Made-up records: the ACC of a run is 0.8, its method's effect, and noise of mean 0.

    `missing` are methods and seeds without a record on the second dataset; `copies` have the ACC of
    another method. `auc` and `logs` of the selected epoch are by method.
    """
    runs = expand(tuple(effects), **changes)
    shared = seed_effect * np.random.default_rng(99).normal(size=len(SEEDS))
    records = {}
    for run in runs.runs:
        label, dataset, seed = run.cell.method.label, run.cell.dataset, run.seed
        if (label, seed) in missing and dataset == DATASETS[1]:
            continue
        source = copies.get(label, label)
        acc = 0.8 + effects[source] + shared[seed] + NOISE[source, dataset][seed]
        records[run] = record(run, {"acc": float(acc), "auc": auc.get(label, 0.9)})
        records[run]["validation"] |= logs.get(label, {})
    return Measured(runs, records)


def found(*args: object, **changes: object) -> Specification:
    return analyse(measured(*args, **changes), "ails", "acc")


@functools.cache
def plain() -> Specification:
    """Of all readings, nothing missing."""
    return found()


@functools.cache
def printed() -> Output:
    return readings.build(measured(), "ails", "acc")


def with_copies(**changes: object) -> Measured:
    """Two readings more: one that equals the default, and one that equals `BOTH`."""
    more = {DROP: "ails", SUM: BOTH}
    return measured(EFFECTS | dict.fromkeys(more, 0.0), copies=more, **changes)


def outcome(of: Specification, label: str) -> Outcome:
    (one,) = [one for one in of.outcomes if one.choice.label == label]
    return one


class TestDeclarations:
    @pytest.mark.parametrize("name", DECLARING)
    def test_each_is_accepted_and_differs_from_the_default(self, name: str) -> None:
        method = methods.get(name)
        usual = method.Params().model_dump()
        for reading in method.readings:
            changed = method.Params(**reading.changes).model_dump()
            assert {k for k in usual if changed[k] != usual[k]} == reading.changes.keys()

    def test_every_ambiguity_that_is_a_parameter_has_one_and_no_other(self) -> None:
        assert {r.ambiguity for r in methods.get("ails").readings} == PARAMETERS

    def test_every_switch_has_one(self) -> None:
        changed = {key for r in methods.get("ails").readings for key in r.changes}
        assert changed == methods.get("ails").Params.model_fields.keys() - NO_AMBIGUITY

    @pytest.mark.parametrize(
        "field", ["sigma", "projection", "tau_schedule", "on_filtered", "mask"]
    )
    def test_every_form_of_a_switch_but_the_l2_projection(self, field: str) -> None:
        method = methods.get("ails")
        with pytest.raises(ValidationError) as error:
            method.Params(**{field: "no such form"})
        (listed,) = re.findall(r"choose from (.*) \(a count", str(error.value))
        forms = {form.partition("(")[0] for form in listed.split(", ")}
        declared = {str(r.changes[field]) for r in method.readings if field in r.changes}
        default = {method.Params.model_fields[field].default, "l2"}
        assert {value.partition("(")[0] for value in declared} == forms - default

    def test_readings_of_two_ambiguities_never_set_one_parameter(self) -> None:
        owner: dict[str, str] = {}
        for reading in methods.get("ails").readings:
            for key in reading.changes:
                assert owner.setdefault(key, reading.ambiguity) == reading.ambiguity

    def test_the_control_shares_what_is_not_learned(self) -> None:
        of_ails = methods.get("ails").readings
        left_out = {r.ambiguity for r in of_ails if r not in methods.get("feature_noise").readings}
        assert left_out == {"A1", "A7", "A12", "A17", "A19", "A23"}

    @pytest.mark.parametrize("name", DECLARING)
    def test_titles_tell_them_apart_and_can_be_printed(self, name: str) -> None:
        titles = [reading.title for reading in methods.get(name).readings]
        assert len(set(titles)) == len(titles)
        assert {c for title in titles for c in title if not c.isascii()} <= set(map(chr, LATEX))


class TestLabels:
    @pytest.mark.parametrize("name", DECLARING)
    def test_the_default_then_each_alone_then_the_sample(self, name: str) -> None:
        got = labels(name, 15, SINGLE)
        alone = one_at_a_time(name, SINGLE)
        assert got[: 1 + len(alone)] == (name, *alone)
        assert set(got[1 + len(alone) :]) <= set(joint_sample(name, 15, 0, SINGLE))
        assert len(set(got)) == len(got)

    def test_all_are_read_back_as_the_same_text(self) -> None:
        for label in labels("ails", 30, Task):
            assert MethodChoice.parse(label).label == label

    def test_what_matters_to_other_tasks_is_left_out(self) -> None:
        only = set(one_at_a_time("ails", Task)) - set(one_at_a_time("ails", SINGLE))
        assert only == {"ails[inv_label_reduction=sum]"}
        assert not any("label_reduction" in label for label in joint_sample("ails", 50, 0, SINGLE))

    def test_a_method_without_readings_names_those_that_have_some(self) -> None:
        with pytest.raises(BenchError, match=r"mixup declares no readings.*ails, feature_noise"):
            labels("mixup", 0, SINGLE)


class TestJointSample:
    def test_is_given_by_its_seed_and_grows_by_appending(self) -> None:
        twenty = joint_sample("ails", 20, 5, SINGLE)
        assert twenty == joint_sample("ails", 20, 5, SINGLE)
        assert twenty[:8] == joint_sample("ails", 8, 5, SINGLE)
        assert not set(twenty) & set(joint_sample("ails", 20, 6, SINGLE))

    def test_each_reading_of_an_ambiguity_is_as_likely_as_the_default(self) -> None:
        drawn = [MethodChoice.parse(text).params for text in joint_sample("ails", 200, 1, SINGLE)]
        for field, size in [("ce_on", 2), ("on_filtered", 4)]:
            counts = list(np.unique([getattr(p, field) for p in drawn], return_counts=True)[1])
            assert len(counts) == size
            assert stats.chisquare(counts).pvalue > 0.001

    @pytest.mark.parametrize(
        "one,other,chance",
        [
            (("head_init", "default"), ("head", "linear"), 1 / 2 / 3),
            (("mask", "nonzero"), ("offset_mode", "multiplicative"), 1 / 3 / 2),
            (("num_directions", 16), ("num_samples", 4), 1 / 2 / 2),
        ],
    )
    def test_switches_of_one_ambiguity_meet(
        self, one: tuple[str, object], other: tuple[str, object], chance: float
    ) -> None:
        drawn = [MethodChoice.parse(text).params for text in joint_sample("ails", 400, 2, SINGLE)]
        met = sum(all(getattr(p, field) == value for field, value in (one, other)) for p in drawn)
        assert stats.binomtest(met, len(drawn), chance).pvalue > 0.001

    def test_what_the_parameters_refuse_is_drawn_again_and_repeats_are_dropped(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "two_switches.py"
        file.write_text(
            "from pydantic import model_validator\n"
            "from methods.method import Reading\n"
            "from methods.method import Method, Parameters\n"
            "class TwoSwitches(Method):\n"
            "    summary, reference = 'x', 'y'\n"
            "    readings = (Reading('A', 'a', {'a': 1}), Reading('B', 'b', {'b': 1}))\n"
            "    class Params(Parameters):\n"
            "        a: int = 0\n"
            "        b: int = 0\n"
            "        @model_validator(mode='after')\n"
            "        def coherent(self):\n"
            "            if self.a and self.b:\n"
            "                raise ValueError('not both')\n"
            "            return self\n"
        )
        drawn = joint_sample(str(file), 50, 0, SINGLE)
        assert sorted(drawn) == [str(file), f"{file}[a=1]", f"{file}[b=1]"]


class TestEffects:
    def test_planted_effects_are_found_and_sorted(self) -> None:
        got = {o.choice.label: o.to_reference.difference for o in plain().outcomes}
        assert list(got) == [PAIR, SUM, "ails", JOINT, BOTH]
        assert got == pytest.approx({label: EFFECTS[label] for label in got}, abs=1e-9)

    def test_tests_are_paired_over_means_of_datasets_with_holm_over_readings(self) -> None:
        means = {
            label: EFFECTS[label] + np.mean([NOISE[label, dataset] for dataset in DATASETS], axis=0)
            for label in EFFECTS
        }
        got = plain()
        for field, reference in (("to_reference", "none"), ("to_default", "ails")):
            tests = {o.choice.label: getattr(o, field) for o in got.outcomes}
            tests = {label: test for label, test in tests.items() if test}
            assert tests.keys() == means.keys() - {"none", reference}
            p = {m: stats.ttest_rel(means[m], means[reference]).pvalue for m in tests}
            assert {m: t.p for m, t in tests.items()} == pytest.approx(p, rel=1e-5)
            holm = multipletests(list(p.values()), method="holm")[1]
            assert [t.p_holm for t in tests.values()] == pytest.approx(list(holm), rel=1e-5)

    def test_noise_that_a_seed_shares_widens_no_interval(self) -> None:
        quiet, loud = plain(), found(seed_effect=0.05)
        for label in EFFECTS.keys() - {"none"}:
            one, other = outcome(loud, label), outcome(quiet, label)
            assert np.std(list(one.values.values())) > 5 * np.std(list(other.values.values()))
            numbers, others = (
                {n: v for n, v in vars(o.to_reference).items() if not isinstance(v, str)}
                for o in (one, other)
            )
            assert numbers == pytest.approx(others, rel=1e-5, nan_ok=True)
            alone = vars(compare(one.values, loud.baseline))
            for name in alone.keys() - {"p_holm", "detectable"}:
                assert numbers[name] == alone[name]

    def test_counts_median_and_range(self) -> None:
        got = tally(plain())
        assert (got.outcomes, got.positive, got.better, got.worse) == (5, 3, 3, 1)
        expected = (0.01, -0.02, 0.03)
        assert (got.median, got.lowest, got.highest) == pytest.approx(expected)

    def test_the_bar_is_where_the_smallest_p_of_holm_is_significant(self) -> None:
        got = tally(plain())
        p = 2 * stats.t.sf(got.bar_d_z * len(SEEDS) ** 0.5, len(SEEDS) - 1)
        assert holm_p([p * 0.999, *[1.0] * 4])[0] < 0.05 < holm_p([p * 1.001, *[1.0] * 4])[0]
        assert got.bar == got.bar_d_z * median(effect.sd for effect in plain().effects)

    def test_an_unknown_reference_is_named(self) -> None:
        with pytest.raises(BenchError, match=r"nnoe.*did you mean 'none'"):
            analyse(measured(), "ails", "acc", "nnoe")

    def test_the_default_must_be_there(self) -> None:
        with pytest.raises(BenchError, match="'ails'"):
            found({PAIR: 0.0, "none": 0.0})

    def test_what_the_protocol_sets_is_read_of_the_default_too(self) -> None:
        got = found({"ails": 0.0, BOTH: 0.0, "none": 0.0}, usual_pair="aug_aug")
        assert [r.ambiguity for r in got.default.readings] == ["A5"]
        assert {r.ambiguity for r in outcome(got, BOTH).readings} == {"A5", "A14"}


class TestEqualReadings:
    def test_have_the_comparisons_of_the_first_and_are_counted_once(self) -> None:
        got = analyse(with_copies(), "ails", "acc")
        without = found({label: effect for label, effect in EFFECTS.items() if label != SUM})
        assert {o.name: o.equals for o in got.outcomes if o.equals} == {
            "on_filtered=drop": "default",
            "kl_reduction=sum": "ce_on=both",
        }
        assert outcome(got, DROP).to_reference == got.default.to_reference
        assert outcome(got, SUM).to_default == outcome(got, BOTH).to_default
        assert got.effects == without.effects  # Holm's family among it
        assert outcome(got, BOTH).to_default == outcome(without, BOTH).to_default
        assert (tally(got), len(got.compared)) == (tally(without), 6)

    def test_stand_beside_each_other(self) -> None:
        got = analyse(with_copies(), "ails", "acc")
        assert [o.choice.label for o in got.outcomes] == [PAIR, "ails", DROP, JOINT, BOTH, SUM]

    def test_equal_means_over_datasets_are_not_enough(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for one, other in (DATASETS, DATASETS[::-1]):
            monkeypatch.setitem(NOISE, (SUM, one), NOISE["ails", other])
        got = found(EFFECTS | {SUM: EFFECTS["ails"]})
        assert outcome(got, SUM).values == pytest.approx(got.default.values, abs=1e-12)
        assert outcome(got, SUM).equals is None

    def test_nor_is_one_metric(self) -> None:
        got = found(copies={SUM: "ails"}, auc={SUM: 0.8})
        assert outcome(got, SUM).to_default.p == 1
        assert outcome(got, SUM).equals is None

    def test_a_reading_with_a_run_missing_equals_none_yet(self) -> None:
        got = analyse(with_copies(missing=((DROP, 0),)), "ails", "acc")
        assert outcome(got, DROP).equals is None and outcome(got, DROP).to_reference is None


class TestSignFlip:
    @pytest.mark.parametrize("seeds", [2, 3, 4])
    def test_is_exact(self, seeds: int) -> None:
        d = np.random.default_rng(seeds).normal(0.3, 1, (5, seeds))
        flips = [d * signs for signs in product((1, -1), repeat=seeds)]
        for field, statistic in {
            "median": lambda rows: abs(median(stats.ttest_1samp(rows, 0, axis=1).statistic)),
            "share": lambda rows: max(np.mean(rows.mean(1) > 0), np.mean(rows.mean(1) < 0)),
        }.items():
            null = [statistic(flipped) for flipped in flips]
            expected = np.mean([value >= statistic(d) - 1e-12 for value in null])
            assert getattr(sign_flip(d), field) == expected

    def test_one_outcome_is_the_known_test(self) -> None:
        d = np.random.default_rng(0).normal(0.5, 1, 10)
        known = stats.permutation_test(
            (d,), np.mean, permutation_type="samples", n_resamples=np.inf
        )
        assert sign_flip(d[None]).median == pytest.approx(known.pvalue)

    @pytest.mark.parametrize("seeds", [1, 3, 8])
    def test_the_least_is_reached_where_all_agree_at_every_seed(self, seeds: int) -> None:
        got = sign_flip(1 + np.random.default_rng(0).uniform(size=(9, seeds)))
        assert got.median == got.least == 2 ** (1 - seeds)

    def test_a_count_on_one_side_is_no_evidence_where_outcomes_agree(self) -> None:
        assert sign_flip(np.tile([1.0, 1.1, 1.3], (9, 1))).share == 1

    def test_no_effect_at_all(self) -> None:
        got = sign_flip(np.zeros((4, 5)))
        assert (got.median, got.share) == (1, 1)

    def test_of_many_seeds_a_sample_comes_near(self) -> None:
        d = np.random.default_rng(1).normal(0.15, 1, 17)
        exact = np.mean(np.abs(signs_of(17) @ d) >= abs(d.sum()) - 1e-9)
        got = sign_flip(d[None])
        assert 0.01 < exact < 0.2
        assert got.median == pytest.approx(exact, abs=4 * (exact / FLIPS) ** 0.5)
        assert sign_flip(np.ones((3, 30))).median >= sign_flip(np.ones((3, 30))).least > 0

    def test_is_right_about_readings_that_share_a_baseline(self) -> None:
        rng, studies, level = np.random.default_rng(0), 600, 1 / 16
        rejected, one_sided = {"median": 0, "share": 0}, 0
        for _ in range(studies):
            d = rng.normal(size=(30, 6)) - rng.normal(size=6)
            got = sign_flip(d)
            one_sided += abs(np.mean(d.mean(1) > 0) - 0.5) >= 0.4
            for field in rejected:
                rejected[field] += getattr(got, field) <= level
        assert stats.binomtest(rejected["median"], studies, level).pvalue > 0.001
        assert rejected["share"] / studies < level + 0.03
        assert one_sided / studies > 0.15  # the count, which has no scale of its own


def signs_of(seeds: int) -> np.ndarray:
    """All ways to turn signs, a row each."""
    return 1 - 2 * (np.arange(2**seeds)[:, None] >> np.arange(seeds) & 1)


class TestFilter:
    def test_without_one_the_rate_is_a_dash(self) -> None:
        rate = {"accept_rate": 1.0}
        logs = {"ails": rate | {"tau": 0.7}, CLOSED: rate | {"tau": -1.0}}
        output = readings.build(measured(EFFECTS | {CLOSED: 0.0}, logs=logs), "ails", "acc")
        rows = {line[0]: line[-1] for line in output.table.lines}
        assert rows["default"] == "100 ± 0"
        assert rows["ce_estimator=closed_form"] == DASH
        assert {r["accept_rate"] for r in output.cells if r["method"] == CLOSED} == {None}

    @pytest.mark.parametrize("rate", [1.0, 0.99])
    def test_that_rejects_nothing_is_said_to(self, rate: float) -> None:
        logs = {label: {"accept_rate": rate, "tau": 0.7} for label in ("ails", DROP, AGAIN)}
        records = measured(EFFECTS | {DROP: 0.0, AGAIN: 0.0}, copies={DROP: "ails"}, logs=logs)
        text = " ".join(readings.build(records, "ails", "acc").table.footnotes)
        why = "6 different outcomes of 7 readings (1 equal to the default, as the filter rejects"
        alone = "on_filtered=resample(4) differs from the default by its random draws alone"
        assert (why in text, alone in text) == (rate == 1, rate == 1)
        assert "on_filtered=drop differs" not in text

    @pytest.mark.parametrize("rate", [0.04, 0.06])
    def test_that_rejects_nearly_all_is_said_to(self, rate: float) -> None:
        logs = {"ails": {"accept_rate": 1.0, "tau": 0.7}, BOTH: {"accept_rate": rate, "tau": 0.7}}
        text = " ".join(readings.build(measured(logs=logs), "ails", "acc").table.footnotes)
        assert ("hardly anything is augmented by ce_on=both." in text) == (rate < 0.05)


class TestGaps:
    def test_a_reading_with_a_run_missing_is_a_dash_and_in_no_count(self) -> None:
        gap, without = ((BOTH, 3),), {m: e for m, e in EFFECTS.items() if m != BOTH}
        got = found(missing=gap)
        assert got.outcomes[-1] == outcome(got, BOTH)
        assert got.effects == found(without).effects  # Holm's family among it
        table = readings.build(measured(missing=gap), "ails", "acc").table
        assert table.lines[-1][2:6] == [DASH] * 4
        assert any("of 6: ce_on=both 5." in note for note in table.notes)

    def test_a_gap_of_the_reference_leaves_the_differences_to_the_default(self) -> None:
        got = found(missing=(("none", 0),))
        assert got.effects == []
        assert outcome(got, BOTH).to_default == outcome(plain(), BOTH).to_default
        with pytest.raises(BenchError, match="finish the runs"):
            figure.draw(got)
        readings.build(measured(missing=(("none", 0),)), "ails", "acc")


class TestTable:
    def test_prints_points_and_their_interval(self) -> None:
        output = printed()
        rows = {line[0]: line for line in output.table.lines[1:]}
        assert list(rows) == [
            "inv_pair=aug_aug",
            "kl_reduction=sum",
            "default",
            "joint 1",
            "ce_on=both",
        ]
        effect = outcome(plain(), BOTH).to_reference
        interval = f"[{100 * effect.low:.2f}, {100 * effect.high:.2f}]"
        assert rows["ce_on=both"][1] == "A14 cross-entropy on f too"
        assert rows["ce_on=both"][3:6] == ["2.00", "3.00", interval]
        assert rows["joint 1"][1] == "3 readings"
        assert rows["default"][3] == DASH
        assert output.table.data == "phantom data, not MedMNIST"

    def test_says_how_much_hangs_on_the_reading(self) -> None:
        joint, bar = sign_flip(plain().differences), tally(plain())
        assert printed().table.answer[0] == (
            f"Median effect 1.00 points (joint sign-flip p = {joint.median:.2g}; with 6 seeds "
            f"it cannot be below {joint.least:.2g}), range −2.00 to 3.00, default 1.00. 3 of 5 "
            "readings are above none, 3 significantly; 1 significantly below. All effects share "
            "the runs of none: counts on one side are not independent "
            f"evidence (sign flips alone put as many there with p = {joint.share:.2g}). With 6 "
            f"seeds and Holm over 5 the clearest effect must exceed {bar.bar_d_z:.1f} SDs of its "
            f"differences, here about {100 * bar.bar:.1f} points, to be significant."
        )

    def test_says_what_few_seeds_cannot_show(self) -> None:
        said = readings.conclusion(found(seeds=(0, 1, 2)))
        assert "; with 3 seeds it cannot be below 0.25), range" in said
        assert "; 0 significantly below" in said and said.endswith(
            "Nothing is decided below 5 seeds."
        )
        said = readings.conclusion(found(seeds=(0, 1, 2, 3, 4)))
        assert f"exceed {stats.t.isf(0.005, 4) / 5**0.5:.1f} SDs" in said

    def test_names_what_is_equal_and_counts_it_once(self) -> None:
        table = readings.build(with_copies(), "ails", "acc").table
        equal = "default: on_filtered=drop; ce_on=both: kl_reduction=sum."
        assert any(note.endswith(equal) for note in table.notes)
        counted = "4 different outcomes of 6 readings (1 equal to the default; 1 equal to another)"
        assert counted in table.answer[0]
        rows = {line[0]: line for line in table.lines}
        assert rows["on_filtered=drop"][3:6] == ["=", *rows["default"][4:6]]
        assert rows["kl_reduction=sum"][2:6] == rows["ce_on=both"][2:6]

    def test_says_what_is_not_varied(self) -> None:
        assert readings.NOT_VARIED in printed().table.notes

    def test_without_an_interval_there_is_a_dash(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for dataset in DATASETS:
            monkeypatch.setitem(NOISE, (SUM, dataset), NOISE["none", dataset])
        records = measured(EFFECTS | {SUM: 0.01})
        rows = {line[0]: line for line in readings.build(records, "ails", "acc").table.lines}
        assert rows["kl_reduction=sum"][4:6] == ["1.00", DASH]
        curve = figure.draw(analyse(records, "ails", "acc")).axes[0]
        assert np.isfinite(curve.get_ylim()).all()

    def test_numbers_and_tests_of_every_reading(self) -> None:
        output = readings.build(measured(missing=((BOTH, 3),)), "ails", "acc")
        assert len(output.cells) == len(EFFECTS) * len(DATASETS)
        by_place = {(row["method"], row["dataset"]): row for row in output.cells}
        assert by_place[BOTH, DATASETS[1]]["seeds"] == "0 1 2 4 5"
        assert by_place[JOINT, DATASETS[0]]["changes"] == "A3 A5 A14"
        assert by_place["none", DATASETS[0]]["accept_rate"] is None
        tested = [(row["method"], row["reference"]) for row in output.tests]
        assert len(tested) == len(set(tested)) == 3 + 4

    def test_the_tests_tell_what_is_equal(self) -> None:
        rows = readings.build(with_copies(), "ails", "acc").tests
        (drop,) = [row for row in rows if row["method"] == DROP]
        (usual,) = [row for row in rows if row["method"] == "ails"]
        assert (drop["equals"], usual["equals"]) == ("default", None)
        assert [drop[key] for key in ("low", "high", "p")] == [
            usual[key] for key in ("low", "high", "p")
        ]


class TestFigure:
    def test_points_rise_and_dots_are_the_readings_taken(self) -> None:
        got = plain()
        curve, matrix = figure.draw(got).axes
        points = [line for line in curve.lines if line.get_marker() in ("o", "D")]
        assert [line.get_xdata()[0] for line in points] == list(range(5))
        heights = [line.get_ydata()[0] for line in points]
        assert heights == pytest.approx([-2, 0, 1, 2, 3], abs=1e-6)
        assert [line.get_marker() for line in points] == ["o", "o", "D", "o", "o"]
        names = [label.get_text() for label in matrix.get_yticklabels()]
        dots = {
            (int(line.get_xdata()[0]), names[line.get_ydata()[0]].split()[-1])
            for line in matrix.lines
            if line.get_marker() == "o"
        }
        assert dots == {
            (0, "A5"), (1, "A7"), (3, "A3"), (3, "A5"), (3, "A14"), (4, "A14"),
        }  # fmt: skip

    def test_intervals_are_those_of_the_comparisons(self) -> None:
        got = plain()
        curve = figure.draw(got).axes[0]
        drawn = [tuple(x.get_ydata()) for x in curve.lines if len(set(x.get_xdata())) == 1]
        drawn = [ends for ends in drawn if len(ends) == 2 and ends != (0, 1)]
        assert drawn == [(100 * e.low, 100 * e.high) for e in got.effects]

    def test_an_equal_reading_is_a_cross_without_an_interval(self) -> None:
        curve = figure.draw(analyse(with_copies(), "ails", "acc")).axes[0]
        crosses = [x.get_xdata()[0] for x in curve.lines if x.get_marker() == "x"]
        intervals = {x.get_xdata()[0] for x in curve.lines if len(x.get_xdata()) == 2}
        assert crosses == [2, 5]
        assert intervals.isdisjoint(crosses) and {1, 4} <= intervals

    def test_says_what_it_is_of(self) -> None:
        note = " ".join(figure.draw(plain()).get_supxlabel().split())
        assert "phantom-binary, phantom-ordinal; resnet18; n = 6 seeds." in note

    def test_says_what_is_made_up_and_what_is_left_out(self) -> None:
        note = figure.draw(found(missing=((BOTH, 3),)), "Protocol x.").get_supxlabel()
        for words in ("Phantom data, not MedMNIST.", "is missing: 1.", "Protocol x."):
            assert words in " ".join(note.split())
