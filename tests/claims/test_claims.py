"""Verdicts on made-up records, whose truth is known."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from bench.base.errors import BenchError
from bench.grid import configs, grid
from bench.grid.cell import Run
from bench.grid.choice import MethodChoice
from bench.grid.grid import Grid
from bench.grid.selection import Selection
from bench.stats.power import MOST, pairs_needed
from bench.stats.sequential import nominal_levels, sequential_p
from bench.store.measured import Measured
from bench.study import Study
from reports.claims.ails import BACKBONES, BASELINES
from reports.claims.claim import ACC, Claim, near, over, printed
from reports.claims.findings import find
from reports.claims.judge import Verdict, judge, to_rows, to_tests
from reports.claims.paper import Paper, load
from reports.results.effects import Panel, Term, is_meant

LAPTOP = configs.load("laptop").protocol
PAPER = load("ails")
CLAIMS, DATASETS, COMBINATION = PAPER.claims, PAPER.datasets, PAPER.backbones
NAMED = {"phantom-binary": "breast", "phantom-ordinal": "retina"}
SETS = ("breast", "retina")
EVERYONE = (*BASELINES, "ails")
ALPHAS = tuple(f"ails[alpha={value:g}]" for value in (0.1, 0.3, 0.5, 0.7))
BETAS = tuple(f"ails[beta={value:g}]" for value in (0.1, 0.5, 1, 1.5, 2))
NOISE = 0.005


@cache
def expand(*methods: str, **changes: Any) -> Grid:
    """Cells that have the names of the paper's sets, as no claim is judged on phantoms."""
    values = {"datasets": tuple(NAMED), "methods": methods, "seeds": tuple(range(10))} | changes
    found = grid.expand(Selection(**values), LAPTOP)
    return replace(found, runs=tuple(map(renamed, found.runs)))


def renamed(run: Run) -> Run:
    name = NAMED[run.cell.dataset]
    return replace(run, cell=replace(run.cell, dataset=name, data=name))


def noise(run: Run) -> float:
    return float(np.random.default_rng(int(run.key, 16)).normal(0, NOISE))


def measured(of: Grid, effect: Callable[[Run], float] = lambda run: 0.0) -> Measured:
    """ACC is 80 % and what the effect adds, and noise of its own in each run."""
    return Measured(of, {r: {"metrics": {"acc": 0.8 + effect(r) + noise(r)}} for r in of.runs})


def verdicts(of: Measured, *names: str) -> dict[str, Verdict]:
    return {found.claim.name: found for found in judge(of, paper(*names))}


def paper(*names: str) -> Paper:
    """The AILS paper with some of its claims."""
    return replace(PAPER, claims=tuple(claim for claim in CLAIMS if claim.name in names))


def verdict(of: Measured, name: str) -> Verdict:
    return verdicts(of, name)[name]


def unprinted(*names: str) -> Paper:
    """The same, as if nothing were printed of the margins."""
    some = paper(*names)
    claims = (
        replace(
            claim,
            effects=tuple(replace(effect, printed=None) for effect in claim.effects),
            printed=lambda term: None,
        )
        for claim in some.claims
    )
    return replace(some, claims=tuple(claims))


def printed_on(*datasets: str) -> float:
    """AILS minus the mean of ADA and DDPM, as Table 1 prints them."""
    rows = [
        [printed(Term(m, dataset=d)) for d in datasets] for m in ("ails", "stylegan2_ada", "ddpm")
    ]
    ails, ada, ddpm = np.mean(rows, axis=1)
    return float(ails - (ada + ddpm) / 2)


def per_seed(of: Measured, method: str, ratio: float = 1.0) -> np.ndarray[Any, Any]:
    """The mean over datasets by seed, by hand."""
    values = {
        (run.seed, run.cell.dataset): record["metrics"]["acc"]
        for run, record in of.records.items()
        if run.cell.method.label == method and run.cell.ratio == ratio
    }
    return np.array([np.mean([values[seed, d] for d in SETS]) for seed in range(10)])


def own(folder: Path, keys: str, *more: str) -> Paper:
    """A paper from a file that claims of mixup and none what the keys say."""
    path = folder / "ours.yaml"
    claim = "{name: a, text: t, place: p, measure: m, method: mixup, over: [none], " + keys + "}"
    lines = ["title: Ours", "datasets: [breast, retina]", *more, "claims:", f"- {claim}"]
    path.write_text("\n".join(lines))
    return load(str(path))


def is_mixup(run: Run) -> bool:
    return run.cell.method.name == "mixup"


def of_mixup(gain: float) -> Measured:
    """Mixup's ACC is above that of none by so much, and so is its NLL."""
    acc = measured(expand("none", "mixup"), lambda run: gain * is_mixup(run))
    both = {
        r: {"metrics": m["metrics"] | {"nll": m["metrics"]["acc"]}} for r, m in acc.records.items()
    }
    return Measured(acc.grid, both)


GAIN, LOSS = of_mixup(0.03), of_mixup(-0.03)


class TestSuperiority:
    def test_planted_is_supported(self) -> None:
        of = measured(expand(*EVERYONE), lambda run: 0.2 * (run.cell.method.name == "ails"))
        names = ("better-on-average", "better-on-each-dataset", "significance")
        found = verdicts(of, *names)
        for name in names:
            assert found[name].verdict == "supported"
            assert found[name].n == 10
            assert found[name].runs_needed is None
        assert len(found["better-on-average"].findings[0].tested) == 7
        assert len(found["better-on-each-dataset"].findings[0].tested) == 14

    def test_the_numbers_are_those_of_the_paired_t_test(self) -> None:
        of = measured(expand(*EVERYONE))
        for test in verdict(of, "better-on-average").findings[0].tested:
            other = test.effect.terms[1][1].method
            expected = stats.ttest_rel(per_seed(of, "ails"), per_seed(of, other))
            assert (test.comparison.t, test.comparison.p) == pytest.approx(expected, rel=1e-6)

    def test_one_better_baseline_contradicts_and_is_named(self) -> None:
        of = measured(
            expand(*EVERYONE),
            lambda run: {"ails": 0.05, "bsda": 0.1}.get(run.cell.method.name, 0),
        )
        found = verdict(of, "better-on-average")
        assert found.verdict == "contradicted"
        assert "1 of 7 against" in found.evidence
        assert re.search(r"ails over bsda -[45]\.", found.evidence)
        assert "Holm" in found.evidence

    def test_all_have_to_support(self) -> None:
        of = measured(
            expand(*EVERYONE), lambda run: 0.2 * (run.cell.method.name in ("ails", "bsda"))
        )
        (found,) = judge(of, unprinted("better-on-average"))
        assert found.verdict == "undecided"
        assert "6 of 7 as claimed; least so ails over bsda" in found.evidence

    def test_what_one_percent_asks_is_more_than_what_five_percent_asks(self) -> None:
        seeds = range(10)
        pattern = np.array([1, -1] * 5) * 0.01
        target = np.mean(pattern) + stats.t.ppf(0.985, 9) * np.std(pattern, ddof=1) / math.sqrt(10)
        of = expand(*EVERYONE)
        records = {
            run: {
                "metrics": {
                    "acc": 0.8
                    + (target + pattern[seeds[run.seed]]) * (run.cell.method.name == "ails")
                }
            }
            for run in of.runs
        }
        found = verdicts(Measured(of, records), "better-on-average", "significance")
        (p,) = {round(t.comparison.p, 6) for t in found["significance"].findings[0].tested}
        assert p == pytest.approx(0.03)
        assert found["better-on-average"].verdict == "supported, but smaller than printed"
        assert found["significance"].verdict == "smaller than printed"

    def test_scope_is_named(self) -> None:
        evidence = verdict(measured(expand(*EVERYONE)), "better-on-average").evidence
        assert evidence.startswith(
            "On breast, retina (2 of the paper's 9 datasets), resnet18, laptop protocol, 10 seeds: "
        )


class TestPrintedMargins:
    @staticmethod
    def found(gain: float, spread: float = NOISE, seeds: int = 10) -> Verdict:
        """AILS over ADA and DDPM, of which 8 points and more are printed."""
        of = expand("stylegan2_ada", "ddpm", "ails", seeds=tuple(range(seeds)))
        records = {
            run: {
                "metrics": {
                    "acc": 0.6
                    + gain * (run.cell.method.name == "ails")
                    + spread / NOISE * noise(run)
                }
            }
            for run in of.runs
        }
        (found,) = judge(Measured(of, records), paper("better-than-explicit"))
        return found

    def test_a_gain_can_be_supported_and_smaller(self) -> None:
        assert self.found(0.03).verdict == "supported, but smaller than printed"
        assert self.found(printed_on(*SETS)).verdict == "supported"

    def test_no_gain_is_smaller_than_printed(self) -> None:
        found = self.found(0.0)
        assert found.verdict == "smaller than printed"
        (test,) = found.findings[0].tested
        d = test.comparison
        expected = stats.t.cdf((d.difference - printed_on(*SETS)) / d.sd * 10**0.5, 9)
        assert test.p_smaller == pytest.approx(expected)
        assert f"printed {100 * printed_on(*SETS):+.1f}" in found.evidence

    def test_a_loss_contradicts(self) -> None:
        assert self.found(-0.05).verdict == "contradicted"

    def test_what_could_hardly_be_supported_is_not_decidable(self) -> None:
        found = self.found(0.08, spread=0.4)
        assert found.verdict == "not decidable"
        assert "10 seeds would support it in" in found.evidence

    def test_nothing_is_decided_below_five_seeds(self) -> None:
        for gain in (-0.1, 0.0, 0.1):
            assert self.found(gain, seeds=4).verdict == "not decidable"


class TestSets:
    def test_phantoms_never_count(self) -> None:
        of = grid.expand(Selection(datasets=tuple(NAMED), methods=EVERYONE), LAPTOP)
        both = dict.fromkeys(NAMED, "breast")
        wide = replace(PAPER, stands_for=both, datasets=("breast", *NAMED))
        assert {found.verdict for found in judge(measured(of), wide)} == {"not tested"}

    def test_a_claim_is_judged_on_the_sets_that_it_speaks_of(self) -> None:
        of = measured(expand(*EVERYONE), lambda run: 0.2 * (run.cell.method.name == "ails"))
        narrow = replace(paper("better-on-average"), datasets=("retina", "oct"))
        (found,) = judge(of, narrow)
        assert {c.dataset for t in found.findings[0].tested for c in t.cells} == {"retina"}

    def test_a_rebuilt_set_may_stand_for_its_own_and_is_marked(self) -> None:
        of = measured(expand(*EVERYONE), lambda run: 0.2 * (run.cell.method.name == "ails"))
        some = replace(
            paper("better-on-average"), datasets=("derma",), stands_for={"breast": "derma"}
        )
        (found,) = judge(of, some)
        assert found.verdict.startswith("supported")
        assert "On breast (for derma) (1 of the paper's 1 datasets)" in found.evidence
        runs = [
            replace(run, cell=replace(run.cell, dataset=f"{run.cell.dataset}@12345678"))
            for run in of.grid.runs
        ]
        (found,) = judge(measured(replace(of.grid, runs=tuple(runs))), some)
        assert "On breast@12345678 (for derma)" in found.evidence
        own = replace(some, datasets=("retina",), stands_for={"breast": "retina"})
        (found,) = judge(of, own)
        assert {c.dataset for t in found.findings[0].tested for c in t.cells} == {"retina"}


class TestPapers:
    def test_bsda_prints_its_margins(self) -> None:
        bsda = load("bsda")
        margins = {e.name: e.printed for e in bsda.claims[0].effects}
        table = {"none": 79.0, "mixup": 80.1, "cutout": 80.8, "cutmix": 80.3, "isda": 81.0}
        for name, mean in table.items():
            assert margins[f"bsda over {name}"] == pytest.approx((81.9 - mean) / 100, abs=1.1e-3)
        (pneumonia,) = (c for c in bsda.claims if c.name == "pneumonia-most")
        assert pneumonia.effects[-1].printed == pytest.approx(0.016)
        assert bsda.claims[-1].readings == ("metrics.auc",)

    @pytest.mark.parametrize(
        ("text", "match"),
        [
            ("claims: [x]", "title"),
            ("title: t\ndatasets: [oct]\nclaims: [{name: a, txet: b}]", "text"),
            ("title: t\ndatasets: [oct]\nclaims: [nobody]", "nobody"),
            ("[", "not valid YAML"),
        ],
    )
    def test_a_wrong_file_is_told(self, tmp_path: Path, text: str, match: str) -> None:
        path = tmp_path / "paper.yaml"
        path.write_text(text)
        with pytest.raises(BenchError, match=match):
            load(str(path))

    def test_an_own_file_is_a_paper(self, tmp_path: Path) -> None:
        (claim,) = own(tmp_path, "direction: below, metric: nll, printed: {none: 3}").claims
        (effect,) = claim.effects
        assert effect.terms == ((-1, Term("mixup")), (1, Term("none")))
        assert (effect.printed, claim.readings) == (3, ("metrics.nll",))

    @pytest.mark.parametrize(
        ("keys", "match"),
        [
            ("level: 5", "claim a: key level.*less than 1"),
            ("ratios: [20]", "claim a: key ratios.*less than or equal to 1"),
            ("metric: []", "claim a: key metric"),
            ("metric: kap", "claim a: metric 'kap'; did you mean 'kappa'"),
            ("printed: {noen: 3}", "'noen'; did you mean 'none'"),
            ("metric: [acc, nll], printed: {none: 3}", "units of all of acc, nll"),
            ("metric: [acc, nll], near: 80", "units of all of acc, nll"),
        ],
    )
    def test_a_wrong_key_of_a_claim_is_told(self, tmp_path: Path, keys: str, match: str) -> None:
        with pytest.raises(BenchError, match=match):
            own(tmp_path, keys)

    def test_what_a_record_holds_is_a_metric_too(self, tmp_path: Path) -> None:
        keys = "metric: [selected_epoch, epochs_to_convergence, validation.fdi]"
        (claim,) = own(tmp_path, keys).claims
        assert claim.readings == ("selected_epoch", "epochs_to_convergence", "validation.fdi")

    def test_an_unknown_key_of_the_protocol_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(BenchError, match="protocol key 'warmup'; did you mean 'warmup_epochs'"):
            own(tmp_path, "metric: acc", "protocol: {warmup: 3}")

    def test_a_protocol_is_read_as_our_own(self, tmp_path: Path) -> None:
        same = "protocol: {lr: 1e-3, warmup_epochs: 1, betas: [0.9, 0.999], rgb: false}"
        assert judge(GAIN, own(tmp_path, "metric: acc", same))[0].otherwise == ""
        others = "protocol: {lr: 1e-2, warmup_epochs: 5, betas: [0.9, 0.99], milestones: [5]}"
        assert judge(GAIN, own(tmp_path, "metric: acc", others))[0].otherwise == (
            "Unlike the paper: lr 0.001, not 1e-2; warmup epochs 1.0, not 5; "
            "betas 0.9, 0.999, not 0.9, 0.99; milestones none, not 5"
        )


class TestUnits:
    """Of a gain of 3 points of ACC, and of 0.03 of NLL."""

    @pytest.mark.parametrize(
        ("metric", "margin", "said"),
        [
            ("acc", 9, r"mixup over none \+[23]\.\d points .* printed \+9\.0"),
            ("nll", 0.5, r"mixup over none \+0\.0[23]\d* \(.* printed \+0\.5"),
        ],
    )
    def test_a_margin_has_that_of_its_metric(
        self, tmp_path: Path, metric: str, margin: float, said: str
    ) -> None:
        keys = f"metric: {metric}, printed: {{none: {margin}}}"
        (found,) = judge(GAIN, own(tmp_path, keys))
        assert found.verdict == "supported, but smaller than printed"
        assert re.search(said, found.evidence)

    def test_a_level_has_that_of_its_metric(self, tmp_path: Path) -> None:
        for metric, low in (("acc", 0.82), ("nll", 82.99), ("epochs_to_convergence", 82.99)):
            (claim,) = own(tmp_path, f"metric: {metric}, near: 83").claims
            assert claim.effects[0].low == pytest.approx(low)

    def test_a_table_has_that_of_its_metric(self, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text("method,breast,retina\nmixup,0.5,0.7\nnone,0.4,0.4\n")
        tables = "tables: {nll: t.csv, acc: t.csv}"
        for metric, unit in (("nll", 1), ("acc", 100)):
            (claim,) = own(tmp_path, f"metric: {metric}", tables).claims
            assert claim.effects[0].printed == pytest.approx(0.2 / unit)


class TestStatedMargins:
    TABLES = "tables: {acc: t.csv}"

    def printed(self, folder: Path, keys: str) -> list[float | None]:
        (folder / "t.csv").write_text("method,breast,retina\nmixup,50,70\nnone,40,40\n")
        (found,) = judge(GAIN, own(folder, keys, self.TABLES))
        return [test.effect.printed for test in found.findings[0].tested]

    def test_are_taken_as_they_are(self, tmp_path: Path) -> None:
        for sets, count in (("all", 1), ("each", 2), ("[breast]", 1), ("[breast, retina]", 1)):
            given = self.printed(tmp_path, f"printed: {{none: 9}}, sets: {sets}")
            assert given == pytest.approx([0.09] * count)

    def test_tables_are_read_where_none_is_stated(self, tmp_path: Path) -> None:
        assert self.printed(tmp_path, "sets: all") == pytest.approx([0.2])
        assert self.printed(tmp_path, "sets: each") == pytest.approx([0.1, 0.3])

    def test_are_positive_in_the_direction_claimed(self, tmp_path: Path) -> None:
        (found,) = judge(GAIN, own(tmp_path, "direction: below, printed: {none: 9}"))
        assert found.verdict == "contradicted"
        (found,) = judge(LOSS, own(tmp_path, "direction: below, printed: {none: 9}"))
        assert found.verdict == "supported, but smaller than printed"

    def test_a_level_on_each_set_keeps_its_range(self, tmp_path: Path) -> None:
        paper = own(tmp_path, "near: 90, sets: each")
        for test in judge(GAIN, paper)[0].findings[0].tested:
            assert (test.effect.low, test.effect.high) == pytest.approx((0.89, 0.91))


class TestReadings:
    """ACC gains 3 points; AUC as many as are planted."""

    @pytest.mark.parametrize(
        ("auc", "margin", "expected"),
        [
            (0.2, 9, "supported"),
            (0.03, 9, "supported, but smaller than printed"),
            (0.0, 9, "undecided"),
            (-0.2, 9, "undecided"),
        ],
    )
    def test_agree_on_what_all_of_them_say(
        self, tmp_path: Path, auc: float, margin: float, expected: str
    ) -> None:
        records = {
            run: {"metrics": record["metrics"] | {"auc": 0.5 + auc * is_mixup(run) + noise(run)}}
            for run, record in GAIN.records.items()
        }
        keys = f"metric: [acc, auc], printed: {{none: {margin}}}"
        (found,) = judge(Measured(GAIN.grid, records), own(tmp_path, keys))
        assert found.verdict == expected
        assert ("the readings disagree" in found.evidence) == (expected == "undecided")


class TestMissing:
    def test_a_baseline_without_records_is_named_with_the_command(self) -> None:
        better = measured(
            expand("mixup", "bsda", "ails"), lambda run: 0.05 * (run.cell.method.name == "ails")
        )
        found = verdict(better, "better-on-average")
        assert found.verdict == "not tested"
        assert "2 of 2 as claimed" in found.evidence
        absent = "no cell of cutmix, stylegan2_ada, ddpm, advprop, medaugment"
        assert found.evidence.endswith(f"missing: {absent}")
        command = found.command(Study(protocol="paper", datasets=["breast"]), PAPER)
        methods = "ails,mixup,cutmix,stylegan2_ada,ddpm,advprop,medaugment,bsda"
        assert command == (
            f"python -m bench table 1 --protocol paper --datasets breast --methods {methods}"
        )

    def test_sets_of_which_none_is_there_are_named_with_the_command(self, tmp_path: Path) -> None:
        paper = replace(own(tmp_path, "sets: each"), datasets=("oct",))
        (found,) = judge(GAIN, paper)
        assert (found.verdict, found.evidence) == ("not tested", "Missing: no cell of mixup, none")
        assert "--datasets oct --methods mixup,none" in found.command(Study(), paper)

    def test_those_present_can_contradict(self) -> None:
        worse = measured(
            expand("mixup", "bsda", "ails"), lambda run: -0.05 * (run.cell.method.name == "ails")
        )
        assert verdict(worse, "better-on-average").verdict == "contradicted"

    def test_a_seed_that_is_not_done_is_missing(self) -> None:
        of = measured(expand(*EVERYONE), lambda run: 0.05 * (run.cell.method.name == "ails"))
        left_out = next(run for run in of.records if run.cell.method.name == "ddpm")
        records = {run: record for run, record in of.records.items() if run != left_out}
        found = verdict(Measured(of.grid, records), "better-on-average")
        assert found.verdict == "not tested"
        assert f"1 of 10 runs of ddpm on {left_out.cell.dataset}, resnet18" in found.evidence

    @pytest.mark.parametrize(("gone", "said"), [({15}, ""), ({3}, "1 of 10 runs of ddpm")])
    def test_a_look_is_judged_when_it_is_whole(self, gone: set[int], said: str) -> None:
        of = measured(
            expand(*EVERYONE, seeds=tuple(range(20))),
            lambda run: 0.2 * (run.cell.method.name == "ails"),
        )
        some = {
            run: record
            for run, record in of.records.items()
            if run.seed not in gone or run.cell.method.name != "ddpm"
        }
        (found,) = judge(Measured(of.grid, some), unprinted("better-on-average"), (10, 20))
        assert found.verdict == ("not tested" if said else "supported")
        assert said in found.evidence
        assert found.n == (20 if said else 10)

    def test_p_and_interval_are_over_all_looks(self) -> None:
        of = measured(expand(*EVERYONE, seeds=tuple(range(20))))
        (found,) = judge(of, unprinted("better-on-average"), (10, 20))
        looks = 10, 20
        for test in found.findings[0].tested:
            each = [stats.ttest_1samp(test.differences[:n], 0) for n in looks]
            assert test.comparison.p == pytest.approx(sequential_p([e.pvalue for e in each], looks))
            level = nominal_levels(looks, 0.05)[1]
            interval = each[1].confidence_interval(1 - level)
            assert (test.comparison.low, test.comparison.high) == pytest.approx(tuple(interval))
        assert f"{100 * (1 - level):.4g} % interval" in found.evidence

    def test_a_baseline_on_fewer_datasets_supports_nothing_about_all(self) -> None:
        better = measured(expand(*EVERYONE), lambda run: 0.05 * (run.cell.method.name == "ails"))
        kept = [
            run
            for run in better.grid.runs
            if (run.cell.method.name, run.cell.dataset) != ("ddpm", SETS[1])
        ]
        fewer = Grid(tuple(kept), better.grid.datasets, ())
        narrow = Measured(fewer, {run: better.records[run] for run in kept})
        found = verdict(narrow, "better-on-average")
        assert found.verdict == "not tested"
        assert f"a cell in common of ails, ddpm on {SETS[1]}" in found.evidence

    def test_many_gaps_are_named_together(self) -> None:
        of = Measured(expand("mixup", "ails", ratios=(0.2, 0.3, 0.5, 1.0)), {})
        evidence = verdict(of, "better-with-few-data").evidence
        places = f"{', '.join(SETS)}, resnet18"
        assert f"no run of ails, mixup at 20%, 30%, 50% on {places};" in evidence

    def test_one_seed_is_no_test(self) -> None:
        found = verdict(measured(expand(*EVERYONE, seeds=(0,))), "better-on-average")
        assert (found.verdict, found.n) == ("not tested", 0)
        assert f"a second seed of ails, {', '.join(BASELINES)}" in found.evidence

    def test_no_records_decide_nothing(self) -> None:
        found = judge(Measured(expand("none"), {}), PAPER)
        assert {verdict.verdict for verdict in found} == {"not tested"}
        assert len(found) == len(CLAIMS)


class TestUndecided:
    def found(self) -> Verdict:
        (found,) = judge(measured(expand(*EVERYONE)), unprinted("better-than-explicit"))
        return found

    def test_no_effect_is_undecided(self) -> None:
        names = ("better-on-average", "better-on-each-dataset", "better-than-explicit")
        found = judge(measured(expand(*EVERYONE)), unprinted(*names))
        assert {one.verdict for one in found} == {"undecided"}

    def test_seeds_that_would_decide_are_a_range_and_from_ten_seeds_on(self) -> None:
        found = self.found()
        low, high = re.search(r"([\d,]+) to ([\d,]+) seeds would decide", found.evidence).groups()
        assert int(low.replace(",", "")) < found.runs_needed < int(high.replace(",", ""))
        few = measured(expand(*EVERYONE, seeds=tuple(range(9))))
        (found,) = judge(few, unprinted("better-than-explicit"))
        assert found.runs_needed is None and "from 10 seeds on" in found.evidence

    def test_runs_needed_have_80_percent_power_at_the_observed_effect(self) -> None:
        found = self.found()
        (test,) = found.findings[0].tested
        d_z = test.comparison.d_z
        assert found.runs_needed is not None and found.runs_needed > found.n
        power = TTestPower().power
        assert power(d_z, found.runs_needed, 0.05) >= 0.8 > power(d_z, found.runs_needed - 1, 0.05)

    def test_runs_needed_by_simulation(self) -> None:
        found = self.found()
        (test,) = found.findings[0].tested
        draws = np.random.default_rng(0).normal(
            test.comparison.difference, test.comparison.sd, (4000, found.runs_needed or 0)
        )
        assert np.mean(stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05) == pytest.approx(
            0.8, abs=0.02
        )

    def test_for_an_effect_near_zero_the_printed_one_is_asked_about(self) -> None:
        """Differences of +d and -d in turn, so large that ten seeds cannot show the printed 8."""
        of = expand(*EVERYONE)
        records = {
            run: {
                "metrics": {"acc": 0.5 + 0.2 * (-1) ** run.seed * (run.cell.method.name == "ails")}
            }
            for run in of.runs
        }
        found = verdict(Measured(of, records), "better-than-explicit")
        sd = np.std([0.2, -0.2] * 5, ddof=1)
        (test,) = found.findings[0].tested
        assert test.effect.printed == pytest.approx(printed_on(*SETS), abs=1e-6)
        assert found.runs_needed == pairs_needed(test.effect.printed, sd)
        assert "seeds at the printed ones" not in found.evidence
        assert re.search(r"more than 1,000 seeds .* \d+ to \d+ at the printed ones", found.evidence)

    def test_identical_runs_are_never_told_apart(self) -> None:
        of = expand(*EVERYONE)
        same = Measured(of, {run: {"metrics": {"acc": 0.8}} for run in of.runs})
        found = verdict(same, "better-than-explicit")
        assert (found.verdict, found.runs_needed) == ("undecided", None)


class TestSweeps:
    def test_the_optimum_is_the_claimed_value(self) -> None:
        def peak(at: float) -> Measured:
            return measured(
                expand(*ALPHAS),
                lambda run: -0.2 * abs(run.cell.method.params.alpha - at),  # type: ignore[attr-defined]
            )

        assert verdict(peak(0.3), "alpha-best").verdict.startswith("supported")
        assert verdict(peak(0.3), "alpha-high").verdict.startswith("supported")
        assert verdict(peak(0.5), "alpha-best").verdict == "contradicted"
        assert verdict(peak(0.5), "alpha-low").verdict == "not tested"

    @pytest.mark.parametrize(
        ("slopes", "expected"),
        [
            ((1, 1, 1), "supported"),
            ((-1, -1, -1), "contradicted"),
            ((1, -1, 1), "undecided"),
            ((1, 0, 1), "undecided"),
        ],
    )
    def test_a_trend_has_to_hold_under_every_reading(
        self, slopes: tuple[int, ...], expected: str
    ) -> None:
        of = expand(*ALPHAS)
        readings = dict(zip(("fdi", "fdi_accepted", "fdi_rel"), slopes, strict=True))
        records: dict[Run, dict[str, Any]] = {
            run: {
                "validation": {
                    name: slope * run.cell.method.params.alpha + noise(run)  # type: ignore[attr-defined]
                    for name, slope in readings.items()
                }
            }
            for run in of.runs
        }
        found = verdict(Measured(of, records), "alpha-fdi")
        assert found.verdict == expected
        assert [len(finding.tested) for finding in found.findings] == [3, 3, 3]
        if -1 in slopes and 1 in slopes:
            assert "fdi supported" in found.evidence
            assert "fdi_accepted contradicted" in found.evidence
            assert "disagree" in found.evidence
            assert found.runs_needed is None

    def test_a_falling_variance_is_one_that_falls_with_beta(self) -> None:
        of = expand(*BETAS)
        names = ("post_var", "offset_var", "aug_feature_var", "kl_dim", "kl_sum", "beta_kl")
        records: dict[Run, dict[str, Any]] = {
            run: {
                "validation": {
                    n: 1 - 0.1 * run.cell.method.params.beta + noise(run)  # type: ignore[attr-defined]
                    for n in names
                }
            }
            for run in of.runs
        }
        found = verdicts(Measured(of, records), "beta-variance", "beta-kl")
        assert found["beta-variance"].verdict == "supported"
        assert found["beta-kl"].verdict == "contradicted"

    def test_a_method_is_meant_with_its_default_spelled_out(self) -> None:
        def choice(text: str) -> MethodChoice:
            return MethodChoice.parse(text)

        assert is_meant(choice("ails"), "ails[alpha=0.3]")
        assert is_meant(choice("ails[alpha=0.3]"), "ails")
        assert not is_meant(choice("ails"), "ails[alpha=0.1]")
        assert not is_meant(choice("ails[alpha=0.1]"), "ails")
        assert not is_meant(choice("ails[alpha=0.1,beta=2]"), "ails[alpha=0.1]")
        usual = {"ails": {"alpha": 0.5}}
        assert is_meant(MethodChoice.parse("ails", usual), "ails[alpha=0.5]")
        assert not is_meant(MethodChoice.parse("ails", usual), "ails[alpha=0.3]")


class TestFewerImages:
    def test_losses_are_differences_in_differences(self) -> None:
        ratios = (0.2, 0.3, 0.5, 1.0)
        of = measured(
            expand(*EVERYONE, ratios=ratios),
            lambda run: (
                -0.1 * (1 - run.cell.ratio) * (1 if run.cell.method.name == "ails" else 2)
                - 0.1 * (run.cell.method.name == "ails")
            ),
        )
        found = verdicts(of, "all-degrade", "degrades-least", "better-with-few-data")
        assert found["all-degrade"].verdict.startswith("supported")
        assert found["degrades-least"].verdict.startswith("supported")
        assert found["better-with-few-data"].verdict == "contradicted"
        tests = {t.effect.name: t.comparison for t in found["degrades-least"].findings[0].tested}
        assert len(tests) == 21
        loss = {m: per_seed(of, m) - per_seed(of, m, 0.2) for m in ("bsda", "ails")}
        assert tests["smaller loss than bsda at 20%"].difference == pytest.approx(
            np.mean(loss["bsda"] - loss["ails"])
        )


class TestBackbones:
    OF = expand("none", "ails", backbones=BACKBONES, input_size=32, seeds=tuple(range(5)))

    def verdicts(self, reduction: float, gains: dict[str, float]) -> dict[str, Verdict]:
        def record(run: Run) -> dict[str, Any]:
            ails = run.cell.method.name == "ails"
            gain = gains.get(run.cell.backbone, 0.05) * ails
            epochs = 100 * (1 - reduction * ails) * (1 + noise(run))
            return {"metrics": {"acc": 0.8 + gain + noise(run)}, "epochs_to_convergence": epochs}

        of = Measured(self.OF, {run: record(run) for run in self.OF.runs})
        names = ("every-backbone", "mobilenet-most", "converges-sooner", "converges-17-23")
        return verdicts(of, *names)

    @pytest.mark.parametrize(
        ("reduction", "sooner", "as_much"),
        [
            (0.2, "supported", "supported"),
            (0.4, "supported", "contradicted"),
            (0.1, "supported", "contradicted"),
            (-0.1, "contradicted", "contradicted"),
            (0.17, "supported", "undecided"),
        ],
    )
    def test_convergence(self, reduction: float, sooner: str, as_much: str) -> None:
        found = self.verdicts(reduction, {})
        assert found["converges-sooner"].verdict == sooner
        assert found["converges-17-23"].verdict == as_much
        assert "claimed +17.0 to +23.0, p = " in found["converges-17-23"].evidence

    def test_the_largest_gain(self) -> None:
        found = self.verdicts(0.2, {"mobilenetv3": 0.08})
        assert found["every-backbone"].verdict == "supported"
        assert found["mobilenet-most"].verdict == "supported"
        found = self.verdicts(0.2, {"swin_tiny": 0.08, "resnest101": -0.05})
        assert found["mobilenet-most"].verdict == "contradicted"
        assert "over that on swin_tiny" in found["mobilenet-most"].evidence
        assert found["every-backbone"].verdict == "contradicted"

    def test_only_what_all_terms_share_is_compared(self) -> None:
        small, large = expand("mixup", "ails"), expand("none", "ails", input_size=32)
        of = Grid(small.runs + large.runs, small.datasets, ())
        both = Measured(of, {run: {"metrics": {"acc": 0.5}} for run in of.runs})
        series = Panel(both, "metrics.acc", dict(zip(SETS, SETS, strict=True))).series(
            over(Term("ails"), Term("mixup"))
        )
        assert {cell.input_size for cell in series.cells} == {28}
        assert len(series.cells) == 4


class TestPrintedNumbers:
    CLAIM = Claim("n", "t", "w", "m", (near(0.8, "ails", (1, Term("ails"))),), absolute=True)

    def paper(self, shift: float, datasets: tuple[str, ...] = DATASETS, *others: str) -> Measured:
        under = configs.load("paper").protocol
        runs = [
            replace(
                run,
                cell=replace(run.cell, dataset=name, data=name, backbone=backbone),
                protocol=under,
            )
            for run in expand("bsda", "ails", datasets=("phantom-binary",)).runs
            for name in datasets
            for backbone in (*COMBINATION, *others)
        ]
        return measured(Grid(tuple(runs), (), ()), lambda run: shift)

    @pytest.mark.parametrize(
        ("shift", "expected"), [(0, "supported"), (0.03, "contradicted"), (0.011, "undecided")]
    )
    def test_are_judged_under_the_paper_s_protocol(self, shift: float, expected: str) -> None:
        assert judge(self.paper(shift), replace(PAPER, claims=(self.CLAIM,)))[0].verdict == expected

    def test_are_not_judged_elsewhere(self) -> None:
        another = self.paper(0, DATASETS, "resnet18")
        for of in (self.paper(0, DATASETS[:8]), another, measured(expand("ails"))):
            (found,) = judge(of, replace(PAPER, claims=(self.CLAIM,)))
            assert found.verdict == "not tested"
            (test,) = found.findings[0].tested
            mean = 100 * (test.comparison.difference + test.bound)
            assert f"ails {mean:.1f} %" in found.evidence
            assert "not about these" in found.evidence

    def test_of_table_1_are_about_the_cells_of_table_1(self) -> None:
        of = self.paper(0.0574)
        alone = [
            replace(run, cell=replace(run.cell, backbone="swin_tiny"))
            for run in of.grid.runs
            if run.cell.method.name == "ails" and run.cell.backbone == COMBINATION[0]
        ]
        records = of.records | {run: {"metrics": {"acc": 0.1}} for run in alone}
        both = Measured(Grid((*of.grid.runs, *alone), (), ()), records)
        assert verdict(both, "average-acc").verdict == "supported"

    def test_one_dataset_s_number_needs_that_dataset(self) -> None:
        assert verdict(self.paper(0.108, ("oct", "breast")), "oct-acc").verdict == "supported"
        assert verdict(self.paper(0.108, ("breast",)), "oct-acc").verdict == "not tested"

    def test_are_read_from_the_table_that_prints_them(self) -> None:
        assert printed(Term("ails")) == pytest.approx(0.8573, abs=5e-5)
        assert printed(Term("stylegan2_ada", dataset="oct")) == pytest.approx(0.816)
        assert printed(Term("bsda", 0.2)) == pytest.approx(0.672)
        assert printed(Term("none", backbone="swin_tiny")) == pytest.approx(0.805)
        assert printed(Term("ails[alpha=0.7]")) == pytest.approx(0.7604)
        assert printed(Term("ails[beta=2]")) == pytest.approx(0.7502)
        for term in (Term("none"), Term("ails[lam=1]"), Term("ails", dataset="organa")):
            assert printed(term) is None


class TestPower:
    @pytest.mark.parametrize("d_z", [0.05, 0.2, 0.5, 1.0, 2.0])
    @pytest.mark.parametrize("level", [0.05, 0.01])
    def test_is_that_of_statsmodels(self, d_z: float, level: float) -> None:
        exact = TTestPower().solve_power(effect_size=d_z, alpha=level, power=0.8)
        assert pairs_needed(-0.01 * d_z, 0.01, level) == max(2, math.ceil(exact))

    def test_ends(self) -> None:
        assert pairs_needed(0, 1) is None
        assert [pairs_needed(1, 0, level) for level in (0.05, 0.01, 2**-4)] == [6, 8, 6]
        assert pairs_needed(1e9, 1) == 2
        assert pairs_needed(1e-9, 1) is None
        assert pairs_needed(0.01, 1) == pytest.approx(78_491)
        assert MOST > 78_491


class TestClaims:
    def test_names_are_unique_and_whatever_can_be_tested_has_a_command(self) -> None:
        assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
        assert all(bool(claim.command) == bool(claim.effects) for claim in CLAIMS)

    def test_effects_are_contrasts_unless_about_a_printed_level(self) -> None:
        for claim in CLAIMS:
            for effect in claim.effects:
                assert claim.absolute or not effect.is_level

    def test_effects_of_a_claim_differ_in_name(self) -> None:
        for claim in CLAIMS:
            assert len({effect.name for effect in claim.effects}) == len(claim.effects)


class TestPrinting:
    def test_every_claim_has_a_row(self) -> None:
        found = judge(measured(expand(*EVERYONE)), PAPER)
        rows = to_rows(found)
        assert [row["verdict"] for row in rows] == [v.verdict for v in found]
        assert all("source size 28, not 224" in row["otherwise"] for row in rows if row["n"])
        assert [row["claim"] for row in rows] == [claim.name for claim in CLAIMS]
        assert {len(row) for row in rows} == {10}

    def test_tests_have_a_row_an_effect(self) -> None:
        found = [verdict(measured(expand(*EVERYONE)), "better-on-average")]
        rows = to_tests(found)
        assert [row["effect"] for row in rows] == [f"ails over {name}" for name in BASELINES]
        assert all(row["bound"] == 0 for row in rows)
        of_ails = (f"ails on {dataset}, resnet18" for dataset in SETS)
        assert all(set(of_ails) <= set(row["cells"].split("; ")) for row in rows)


@pytest.mark.slow
def test_false_verdicts_are_as_rare_as_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no true difference: a claim of one effect errs in 5 %, of seven in at most 5 %."""
    monkeypatch.setattr("gc.collect", lambda: 0)  # statsmodels' Holm calls it, half a second each
    of = expand(*EVERYONE, datasets=("phantom-binary",))
    claims = [c for c in CLAIMS if c.name in ("better-on-average", "better-than-explicit")]
    rng = np.random.default_rng(0)
    repeats = 600
    decided = np.zeros(2)
    for _ in range(repeats):
        drawn = rng.normal(0.8, 0.02, len(of.runs)).tolist()
        records = {r: {"metrics": {"acc": acc}} for r, acc in zip(of.runs, drawn, strict=True)}
        panel = Panel(Measured(of, records), ACC, {"breast": "breast"})
        outcomes = [find(claim, ACC, panel).outcome for claim in claims]
        decided += [o.startswith(("supported", "contradicted")) for o in outcomes]
    several, one = decided / repeats
    margin = 2 * math.sqrt(0.05 * 0.95 / repeats)
    assert one == pytest.approx(0.05, abs=margin)
    assert several <= 0.05 + margin
