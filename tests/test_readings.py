"""Readings of a publication: which are declared and run, and what is said of their effects."""

import functools
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import record
from pydantic import ValidationError
from scipy import stats
from statsmodels.stats.multitest import multipletests

import methods
from bench import grid, protocol
from bench.errors import BenchError
from bench.grid import Grid, MethodChoice
from bench.protocol import Selection
from bench.readings import joint_sample, labels, one_at_a_time
from bench.task import Task
from reports import readings
from reports.figures import specification as figure
from reports.output import Output
from reports.results import Measured
from reports.specification import Outcome, Specification, analyse, tally
from reports.stats import compare
from reports.table import DASH, LATEX

CONFIG = protocol.load("laptop")
SINGLE = (Task.BINARY, Task.ORDINAL)
DECLARING = ("ails", "feature_noise")
PARAMETERS = {f"A{number}" for number in (*range(1, 17), 19, 23)}
"""The ambiguities of the AILS paper that are parameters of the method."""
FORMS = ("sigma", "projection", "tau_schedule", "on_filtered", "mask")
NO_AMBIGUITY = {"alpha", "lam", "beta", "tau_start", "tau_end", "head_hidden"}

DATASETS = ("phantom-binary", "phantom-ordinal")
SEEDS = tuple(range(6))
PAIR, BOTH, SUM = "ails[inv_pair=aug_aug]", "ails[ce_on=both]", "ails[kl_reduction=sum]"
JOINT = "ails[ce_on=both,inv_pair=aug_aug,tau_schedule=cosine]"
EFFECTS = {"ails": 0.01, PAIR: -0.02, BOTH: 0.03, SUM: 0.0, JOINT: 0.02, "none": 0.0}
NOISE = {
    (label, dataset): np.random.default_rng(number).normal(0, 0.004, len(SEEDS))
    for number, (label, dataset) in enumerate((m, d) for m in EFFECTS for d in DATASETS)
}
NOISE = {place: noise - noise.mean() for place, noise in NOISE.items()}
Missing = tuple[tuple[str, int], ...]


@functools.cache
def expand(chosen: tuple[str, ...], usual_pair: str = "orig_aug") -> Grid:
    """`usual_pair` is what the protocol gives AILS."""
    selection = Selection(datasets=DATASETS, methods=chosen, seeds=SEEDS)
    return grid.expand(selection, CONFIG.protocol, parameters={"ails": {"inv_pair": usual_pair}})


def measured(
    effects: Mapping[str, float] = EFFECTS,
    seed_effect: float = 0.0,
    missing: Missing = (),
    **changes: object,
) -> Measured:
    """Made-up records: the ACC of a run is 0.8, its method's effect, and noise of mean 0.

    `missing` are methods and seeds without a record on the second dataset.
    """
    runs = expand(tuple(effects), **changes)
    shared = seed_effect * np.random.default_rng(99).normal(size=len(SEEDS))
    records = {}
    for run in runs.runs:
        label, dataset, seed = run.cell.method.label, run.cell.dataset, run.seed
        if (label, seed) in missing and dataset == DATASETS[1]:
            continue
        acc = 0.8 + effects[label] + shared[seed] + NOISE[label, dataset][seed]
        records[run] = record(run, {"acc": float(acc), "auc": 0.9})
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
        assert left_out == {"A1", "A7", "A12", "A19", "A23"}

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
            assert vars(one.to_reference) == pytest.approx(vars(other.to_reference), rel=1e-5)
            assert replace(one.to_reference, p_holm=0.0) == replace(
                compare(one.values, loud.baseline), p_holm=0.0
            )

    def test_counts_median_and_range(self) -> None:
        got = tally(plain().effects)
        assert (got.readings, got.positive, got.better, got.worse) == (5, 3, 3, 1)
        expected = (0.01, -0.02, 0.03)
        assert (got.median, got.lowest, got.highest) == pytest.approx(expected)

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
        assert rows["joint 1"][1] == "3 ambiguities"
        assert rows["default"][3] == DASH
        assert output.table.data == "phantom data, not MedMNIST"

    def test_says_how_much_hangs_on_the_reading(self) -> None:
        (sentence,) = [n for n in printed().table.notes if "of 5" in n]
        assert sentence == (
            "3 of 5 readings are above none, 3 significantly; 1 significantly below. "
            "Median effect 1.00 points, range −2.00 to 3.00, default 1.00."
        )

    def test_names_what_equals_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for dataset in DATASETS:
            monkeypatch.setitem(NOISE, (SUM, dataset), NOISE["ails", dataset])
        notes = readings.build(
            measured(EFFECTS | {SUM: EFFECTS["ails"]}), "ails", "acc"
        ).table.notes
        assert "Equal to the default at every seed: kl_reduction=sum." in notes

    def test_numbers_and_tests_of_every_reading(self) -> None:
        output = readings.build(measured(missing=((BOTH, 3),)), "ails", "acc")
        assert len(output.cells) == len(EFFECTS) * len(DATASETS)
        by_place = {(row["method"], row["dataset"]): row for row in output.cells}
        assert by_place[BOTH, DATASETS[1]]["seeds"] == "0 1 2 4 5"
        assert by_place[JOINT, DATASETS[0]]["changes"] == "A3 A5 A14"
        assert by_place["none", DATASETS[0]]["accept_rate"] is None
        tested = [(row["method"], row["reference"]) for row in output.tests]
        assert len(tested) == len(set(tested)) == 3 + 4


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

    def test_says_what_is_made_up_and_what_is_left_out(self) -> None:
        note = figure.draw(found(missing=((BOTH, 3),)), "Protocol x.").get_supxlabel()
        for words in ("Phantom data, not MedMNIST.", "is missing: 1.", "Protocol x."):
            assert words in " ".join(note.split())
