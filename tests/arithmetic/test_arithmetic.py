import csv
import math
import warnings
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.base.errors import BenchError
from reports.arithmetic import Known, as_rows, as_table, audit_paper, audit_tables
from reports.arithmetic.bounds import bounds, largest_sd
from reports.arithmetic.claimed import better_than_all
from reports.arithmetic.constancy import any_pattern, at_least, same_rounding
from reports.arithmetic.generic import audit_table
from reports.arithmetic.granularity import granularity, has_multiple, lattice
from reports.arithmetic.identical import same_row, same_rows
from reports.arithmetic.p_values import Claim, stated_p_values
from reports.arithmetic.recomputed import stated_differences, stated_means
from reports.arithmetic.sample_correlation import exceeds
from reports.arithmetic.statements import statements
from reports.arithmetic.steps import CORRELATION, constant_steps, lockstep_sds
from reports.arithmetic.t_tests import (
    attainable,
    least_correlation,
    needed_correlation,
    paired,
    unpaired,
    welch,
)
from reports.arithmetic.trends import penalised_term
from reports.published.numbers import Entry, Number, Range
from reports.published.printed import FOLDER, parse, read, read_all
from reports.tables.table import MISSING, Cell, Row, Table, to_csv, to_latex, to_markdown


def paper(number):
    return read(FOLDER / f"table{number}.csv")


def severities(findings):
    return [finding.severity for finding in findings]


class TestReading:
    def test_means_sds_units_and_gaps(self):
        table = parse("method,a,b,c\nx,87.3±0.8,85 ± 1.25,–\ny,−3,,+6.20\n", "t.csv")
        assert table.rows == ("x", "y")
        assert table.entries["x", "a"] == Entry(Number(87.3, 0.1), Number(0.8, 0.1))
        assert table.entries["x", "b"] == Entry(Number(85, 1), Number(1.25, 0.01))
        assert table.entries["y", "a"] == Entry(Number(-3, 1))
        assert table.entries["y", "c"] == Entry(Number(6.2, 0.01))
        assert table.entries.keys() == {("x", "a"), ("x", "b"), ("y", "a"), ("y", "c")}

    def test_thousands_percent_signs_and_bare_fractions(self):
        numbers = [Number.parse(text) for text in ("600,338", "85.74%", ".983", "1,2", "nan", "")]
        assert numbers == [
            Number(600338, 1),
            Number(85.74, 0.01),
            Number(0.983, 0.001),
            *[None] * 3,
        ]

    def test_words_and_p_values_are_not_numbers(self):
        table = parse("a,acc,p,kind\nx,87.3±0.8,0.03,big\ny,87.9±0.8,-,small\n", "t.csv")
        assert table.columns == ("acc",)
        assert table.words == {("x", "p"): "0.03", ("x", "kind"): "big", ("y", "kind"): "small"}

    @pytest.mark.parametrize("name", ["mean", "Average", "avg", "Mean of 3", "avg."])
    def test_a_last_mean_is_known(self, name):
        table = parse(f"m,a,b,{name}\nx,1,2,1.5\ny,2,3,2.5\n{name},1.5,2.5,2\n", "t.csv")
        assert (table.mean_column, table.mean_row) == (name, name)
        assert (table.part_columns, table.part_rows) == (("a", "b"), ("x", "y"))

    @pytest.mark.parametrize(
        "name", ["Mean Teacher", "mean rank", "Average precision", "mean (weighted)", "mean time"]
    )
    def test_what_only_begins_with_mean_is_none(self, name):
        table = parse(f"m,a,b,{name}\nx,1,2,1.7\ny,2,3,9.5\n{name},9.5,2.5,2\n", "t.csv")
        assert (table.mean_column, table.mean_row) == (None, None)
        assert stated_means(table) == []

    @pytest.mark.parametrize("separator", [";", "\t"])
    def test_other_separators(self, separator):
        table = parse("m,a,b\nx,87.3±0.8,3\n".replace(",", separator), "t.csv")
        assert table.entries["x", "a"] == Entry(Number(87.3, 0.1), Number(0.8, 0.1))

    @pytest.mark.parametrize(
        "cell", ["80.1+/-1.0", "80.1 +- 1.0", "80.1 ± 1.0 %", "80.1%±1.0%*", "**80.1±1.0**†"]
    )
    def test_other_ways_to_write_a_mean_with_its_sd(self, cell):
        assert Entry.parse(cell) == Entry(Number(80.1, 0.1), Number(1.0, 0.1))

    def test_a_quoted_cell_may_have_lines(self):
        table = parse('m,"a\nb"\n"x\ny","80.1±1.0"\n,\n', "t.csv")
        assert table.entries.keys() == {("x y", "a b")}

    def test_columns_that_are_equal_are_one_experiment(self):
        table = parse("m,acc,f1,auc\nx,80,80,90\ny,81,81,90\n", "t.csv")
        assert table.experiments == ("acc", "auc")
        table = parse("m,acc,f1\nx,80±1,80±1\ny,81±1,81±2\n", "t.csv")
        assert table.experiments == ("acc", "f1")

    def test_precision_is_no_p_value(self):
        assert parse("m,P,R\nx,80±1,80±1\n", "t.csv").columns == ("P", "R")

    @pytest.mark.parametrize(
        ("header", "parts"),
        [
            ("m,mean,b,c", {"mean": ("b", "c")}),
            ("m,b,Mean ACC,c", {"Mean ACC": ("b", "c")}),
            ("m,b,c,Overall", {"Overall": ("b", "c")}),
            ("m,b,c,Avg. ACC (%)", {"Avg. ACC (%)": ("b", "c")}),
            ("m,params (M),b,c,mean", {"mean": ("b", "c")}),
            ("m,a ACC,a AUC,mean", {"mean": ()}),
            (
                "m,a ACC,b ACC,a AUC,b AUC,Mean ACC,AUC mean",
                {"Mean ACC": ("a ACC", "b ACC"), "AUC mean": ("a AUC", "b AUC")},
            ),
            ("m,b,c,Overall accuracy", {}),
        ],
    )
    def test_a_mean_is_known_wherever_it_stands_and_of_what_it_is(self, header, parts):
        cells = ",".join(["x", *["81.0"] * header.count(",")])
        assert parse(f"{header}\n{cells}\n", "t.csv").averages == parts

    def test_a_mean_of_fractions_is_of_fractions(self):
        rows = "".join(f"{row},0.81,81.0,0.83,0.82\n" for row in "xyz")
        assert parse(f"m,a,b,c,mean\n{rows}", "t.csv").averages == {"mean": ("a", "c")}

    @pytest.mark.parametrize("data", ["", "phantom data, not MedMNIST"])
    def test_our_own_csv(self, data):
        cells = (Cell(0.8734, 0.0082, best=True), Cell(0.9), MISSING)
        ours = Table(
            "ACC", ("method", "breast", "retina", "mean"), (Row("mixup", cells),), data=data
        )
        table = parse(to_csv(ours), "table1-acc.csv")
        assert table.entries == {
            ("mixup", "breast"): Entry(Number(87.3, 0.1), Number(0.8, 0.1)),
            ("mixup", "retina"): Entry(Number(90.0, 0.1)),
        }

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("m,a\nx,87.3±\n", r"t\.csv: no column holds a number; write"),
            ("m,a,b\nx,1\n", r"t\.csv, row 'x': 2 cells, but the header has 3; add"),
            ("m,a\nx,1\nx,2\n", r"t\.csv: row 'x' stands 2 times; expected one row a method"),
            ("m,a,a\nx,1,2\n", r"t\.csv: column 'a' stands 2 times"),
            ("m,a\nx,good\n", r"t\.csv: no column holds a number; write"),
            ("m,a\n", r"t\.csv: no table; a header and at least one row"),
            ("", r"t\.csv: no table"),
            ("m,a\nx," + "8" * 200_000, r"t\.csv, line 2: field larger than .*; shorten the cell"),
            ('m,a\nx,"84,234"\n', r"t\.csv: is 84,234 a fraction or .*Say --decimal"),
        ],
    )
    def test_what_is_malformed_is_named(self, text, message):
        with pytest.raises(BenchError, match=message) as error:
            parse(text, "t.csv")
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        "cell", ["O.5", "80±-1", "8" * 400, "0." + "1" * 330, "n.s.", "***", "(±8.5)", "1e-4e"]
    )
    def test_a_cell_that_is_no_number_is_named_and_the_rest_read(self, cell):
        table = parse(f"m,a\nx,1\ny,{cell}\n", "t.csv")
        assert table.unread == {("y", "a"): cell}
        assert table.entries.keys() == {("x", "a")}

    @pytest.mark.parametrize("cell", ["", "-", "–", "--", "N/A", "nan"])
    def test_a_missing_cell_is_no_fault(self, cell):
        table = parse(f"m,a\nx,1\ny,{cell}\n", "t.csv")
        assert table.unread == {} and table.entries.keys() == {("x", "a")}

    def test_a_column_that_looks_like_numbers_and_is_none_is_named(self):
        table = parse("m,a,gain\nx,1,(±8.5)\ny,2,3 points\n", "t.csv")
        assert table.unread == {("x", "gain"): "(±8.5)", ("y", "gain"): "3 points"}

    @pytest.mark.parametrize(
        ("cell", "form", "sd"),
        [
            ("86.4 (1.1)", "mean (SD)", Number(1.1, 0.1)),
            ("86.4 [1.1]*", "mean (SD)", Number(1.1, 0.1)),
            ("86.4 (±1.1)", "mean (SD)", Number(1.1, 0.1)),
            ("86.4 ± 3.2↑", "mean ± SD", Number(3.2, 0.1)),
            ("86.4 ± 1.1 (20)", "mean ± SD (runs)", Number(1.1, 0.1)),
            ("86.4 [85.0, 87.2]", "mean [low, high]", None),
            ("86.4 (85.0–87.2)", "mean [low, high]", None),
            ("86.4 (+1.3)", "mean (change)", None),
            ("86.4 %", "number", None),
        ],
    )
    def test_the_ways_to_write_a_spread(self, cell, form, sd):
        entry = Entry.parse(cell)
        assert (entry.mean, entry.sd, entry.form) == (Number(86.4, 0.1), sd, form)

    @pytest.mark.parametrize(
        ("text", "read"),
        [
            ("m;a;b\nx;84,234;0,810 ± 0,085\n", (Number(84.234, 0.001), Number(0.81, 0.001))),
            ('m,a,b\nx,"84,23","0,810 ± 0,085"\n', (Number(84.23, 0.01), Number(0.81, 0.001))),
            ('m,a,b\nx,"84,234",0.810\n', (Number(84234, 1), Number(0.81, 0.001))),
            ("m;a;b\nx;1.084,5;0,1\n", (Number(1084.5, 0.1), Number(0.1, 0.1))),
        ],
    )
    def test_commas_are_what_the_numbers_say(self, text, read):
        table = parse(text, "t.csv")
        assert (table.entries["x", "a"].mean, table.entries["x", "b"].mean) == read

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    def test_encodings(self, encoding, tmp_path):
        path = tmp_path / "t.csv"
        path.write_bytes("m\ta\nGröße\t87.3 ± 0.8\n".encode(encoding))
        assert read(path).entries == {("Größe", "a"): Entry(Number(87.3, 0.1), Number(0.8, 0.1))}

    def test_files_that_cannot_be_read(self, tmp_path):
        with pytest.raises(BenchError, match="No such file"):
            audit_tables([tmp_path / "none.csv"])
        (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04\x00\xff\x00\x81")
        with pytest.raises(BenchError, match="no text; save the table as"):
            audit_tables([tmp_path / "t.xlsx"])
        with pytest.raises(BenchError, match="1 runs have no SD"):
            audit_tables([FOLDER / "table1.csv"], Known(runs=1))

    @pytest.mark.parametrize("name", ["t.md", "t.tex", "t.csv"])
    def test_our_own_tables_are_read_alike_in_every_format(self, name, tmp_path):
        cells = (Cell(0.8734, 0.0082, best=True, mark="*"), Cell(0.9), MISSING)
        ours = Table("ACC", ("method", "breast", "retina", "mean"), (Row("random_erasing", cells),))
        write = {".md": to_markdown, ".tex": to_latex, ".csv": to_csv}[name[1:]]
        (tmp_path / name).write_text(write(ours), encoding="utf-8")
        table = read(tmp_path / name)
        assert table.entries == {
            ("random_erasing", "breast"): Entry(Number(87.3, 0.1), Number(0.8, 0.1)),
            ("random_erasing", "retina"): Entry(Number(90.0, 0.1)),
        }

    def test_latex_as_papers_write_it(self):
        table = parse(LATEX, "t.tex")
        assert table.headers == ("Breast ACC", "Breast AUC", "Mean")
        assert table.rows == ("ResNet Mixup", "ResNet CutMix (ours)", "ViT Mixup")
        assert table.entries["ResNet Mixup", "Breast ACC"].sd == Number(1.0, 0.1)
        assert table.entries["ResNet Mixup", "Breast AUC"].sd == Number(1.5, 0.1)
        assert table.entries["ViT Mixup", "Breast ACC"].mean == Number(92.1, 0.1)
        assert table.unread == {("ResNet CutMix (ours)", "Mean"): "n.s."}

    def test_two_tables_of_one_file(self, tmp_path):
        (tmp_path / "t.md").write_text(
            "| m | a |\n|-|-|\n| x | 1 |\n\n| m | b |\n|-|-|\n| x | 2 |\n"
        )
        names = [table.name for table in read_all(tmp_path / "t.md")]
        assert names == ["t, table 1", "t, table 2"]


LATEX = r"""
\begin{table*}[t] \caption{Results \& more} % 99.9 & 99.9 \\
\begin{tabular}{@{}llccc@{}} \toprule
 & \textbf{Method} & \multicolumn{2}{c}{Breast} & \multirow{2}{*}{Mean} \\ \cmidrule(lr){3-4}
 & & ACC & AUC & \\ \midrule
\multirow{2}{*}{ResNet} & Mixup~\cite{zhang}
 & \textbf{86.1 $\pm$ 1.0} & 86.1$_{\pm 1.5}$ & 0.93 \\[2pt]
 & CutMix (ours) & \cellcolor{gray!10}84.2 (1.1)$^{*}$ & -- & n.s. \\ \midrule
ViT & Mixup & 92.1\% $\uparrow$ & 90.0 & 0.91 \\ \bottomrule
\end{tabular}
\end{table*}
"""

values = st.lists(st.floats(0, 100), min_size=2, max_size=9)


class TestMeans:
    @settings(max_examples=50)
    @given(values, st.integers(0, 2))
    def test_honest_rounding_is_never_an_alarm(self, parts, digits):
        cells = ",".join(f"{x:.{digits}f}" for x in parts)
        head = ",".join(f"d{k}" for k in range(len(parts)))
        table = parse(f"m,{head},mean\nx,{cells},{np.mean(parts):.{digits}f}\n", "t.csv")
        assert severities(stated_means(table)) == ["consistent"]

    @settings(max_examples=50)
    @given(values)
    def test_a_mean_beyond_rounding_is_a_contradiction(self, parts):
        cells = ",".join(f"{x:.1f}" for x in parts)
        head = ",".join(f"d{k}" for k in range(len(parts)))
        table = parse(f"m,{head},mean\nx,{cells},{np.mean(parts) + 0.21:.1f}\n", "t.csv")
        assert severities(stated_means(table)) == ["contradiction"]

    def test_columns_are_checked_too(self):
        table = parse("m,a,b\nx,80.0,90.0\ny,82.0,91.0\naverage,81.0,90.8\n", "t.csv")
        (finding,) = stated_means(table)
        assert (finding.where, finding.severity) == ("average, b", "contradiction")

    def test_a_mean_with_a_part_missing_is_left_out(self):
        assert stated_means(parse("m,a,b,mean\nx,80.0,-,85.0\n", "t.csv")) == []

    def test_a_difference_counts_three_roundings(self):
        table = parse("m,new,old,gain\nx,80.0,70.0,10.1\ny,80.0,70.0,10.2\n", "t.csv")
        assert [f.where for f in stated_differences(table, "new", "old", "gain")] == ["y, gain"]


class TestConstancy:
    @pytest.mark.parametrize("noise", [[0.05, 0.03], [0.2, 0.01, 0.1], [0.3, 0.3]])
    def test_same_rounding_by_simulation(self, noise):
        rng = np.random.default_rng(1)
        common = rng.uniform(0, 10, (200_000, 1))
        drawn = common + np.arange(len(noise)) * 0.7 + rng.normal(0, noise, (200_000, len(noise)))
        steps = np.diff(drawn.round(1), axis=1).round(6)
        found = (steps == 0.7).all(axis=1).mean()
        assert same_rounding(noise, 0.1) == pytest.approx(found, abs=0.005)

    def test_a_step_between_digits_is_less_constant(self):
        rng = np.random.default_rng(2)
        drawn = rng.uniform(0, 10, (100_000, 1)) + rng.normal([0, 0.75], 0.05, (100_000, 2))
        steps = np.diff(drawn.round(1), axis=1).round(6)
        often = Counter(steps[:, 0].tolist()).most_common(1)[0][1] / 100_000
        assert often < same_rounding([0.05, 0.05], 0.1) - 0.02

    def test_limits(self):
        assert same_rounding([0, 0, 0], 0.1) == pytest.approx(1, abs=1e-3)
        assert same_rounding([5.0], 0.1) == pytest.approx(1, abs=1e-3)
        wide = 0.1 / (
            2 * math.sqrt(math.pi) * 3
        )  # a difference of sd 3·√2: density at 0 times unit
        assert same_rounding([3.0, 3.0], 0.1) == pytest.approx(wide, rel=1e-3)

    def test_at_least_is_binomial_for_equal_probabilities(self):
        found = [at_least(k, [0.3] * 9) for k in range(10)]
        assert found == pytest.approx(stats.binom.sf(np.arange(10) - 1, 9, 0.3))

    def test_any_pattern_bounds_the_simulated_rate(self):
        rng = np.random.default_rng(3)
        noise, columns = [0.05, 0.07], 6
        drawn = rng.uniform(0, 9, (20_000, columns, 1)) + rng.normal(0, noise, (20_000, columns, 2))
        steps = np.diff(drawn.round(1), axis=2)[..., 0].round(6)
        most = np.array([Counter(row.tolist()).most_common(1)[0][1] for row in steps])
        for count in (4, 5, 6):
            bound = any_pattern(count, [same_rounding(noise, 0.1)] * columns)
            assert (most >= count).mean() <= bound <= 3 * (most >= count).mean()


class TestSteps:
    def test_steps_of_table_1_recomputed(self):
        (finding,) = constant_steps(paper(1), 10)
        assert finding.severity == "implausible"
        assert finding.where == "mixup, cutmix, stylegan2-ada, ddpm, advprop, medaugment"
        rows = [[n.value for n in paper(1).means([r], paper(1).columns)] for r in paper(1).rows]
        steps = np.diff(rows[:6], axis=0).round(6)
        assert [Counter(row).most_common() for row in steps.tolist()] == [
            [(0.5, 8), (0.6, 1)],
            [(0.6, 9)],
            [(0.8, 9)],
            [(0.9, 9)],
            [(1.1, 9)],
        ]
        for text in ("cutmix − mixup +0.5 (+0.6 on retina)", "medaugment − advprop +1.1"):
            assert text in finding.statement
        assert finding.p < 1e-3

    def test_sds_of_table_1_recomputed(self):
        (finding,) = lockstep_sds(paper(1), 10)
        assert finding.severity == "implausible"
        sds = [[paper(1).sds[r, c].value for c in paper(1).columns] for r in paper(1).rows]
        steps = Counter(np.diff(sds[:6], axis=0).round(6).ravel().tolist())
        assert steps == {-0.1: 44, 0.2: 1}
        assert "stylegan2-ada − cutmix -0.1 (+0.2 on blood)" in finding.statement

    @staticmethod
    def printed(means, sd):
        lines = [
            f"m{i}," + ",".join(f"{x:.1f}±{sd:.1f}" for x in row) for i, row in enumerate(means)
        ]
        head = ",".join(f"d{k}" for k in range(means.shape[1]))
        return parse(f"m,{head}\n" + "\n".join(lines), "t.csv")

    def table(self, steps, sd):
        return self.printed(60 + 3.7 * np.arange(9) + np.array(steps)[:, None], sd)

    @pytest.mark.parametrize(
        ("steps", "sd", "expected"),
        [
            ([0, 0.5, 1.1, 1.9], 1.0, "implausible"),
            ([0, 0.5], 0.5, "note"),  # independent runs give it seldom, closely paired ones may
            ([0, 0.5, 1.1, 1.9], 0.0, "consistent"),  # nothing but rounding
            ([0, 0, 0, 0], 1.0, "consistent"),  # methods that do nothing
        ],
    )
    def test_what_the_noise_allows(self, steps, sd, expected):
        assert severities(constant_steps(self.table(steps, sd), 10)) == [expected]

    def test_fewer_runs_allow_less_constancy(self):
        p = [constant_steps(self.table([0, 0.5, 1.1], 0.6), n)[0].p for n in (3, 10)]
        assert p[0] < p[1]

    def test_rows_that_are_equal_count_once(self):
        once, twice = (constant_steps(self.table(s, 1.0), 10)[0] for s in ([0, 0.5], [0, 0.5, 0.5]))
        assert "m2" not in twice.where
        assert twice.p >= once.p

    def test_two_exceptional_columns(self):
        means = 60 + 3.7 * np.arange(9) + np.array([[0, 0.5, 1.1, 1.9, 2.8, 3.9]]).T
        means[:, 0] += 0.1 * np.arange(6)
        means[:, 1] -= 0.1 * np.arange(6)
        (finding,) = constant_steps(self.printed(means, 1.0), 10)
        assert finding.severity == "implausible"
        assert "7 of 9 columns: m1 − m0 +0.5 (+0.6 on d0, +0.4 on d1)" in finding.statement

    def test_a_row_that_is_constant_in_fewer_columns_hides_no_others(self):
        rows = 60 + 3.7 * np.arange(9) + np.array([[0], [0.5], [1.1], [1.9]])
        rows[3, :4] += [0.3, -0.4, 0.9, -1.2]
        (finding,) = constant_steps(self.printed(rows, 1.0), 10)
        assert (finding.severity, finding.where) == ("implausible", "m0, m1, m2")

    def test_equal_columns_are_no_evidence(self):
        means = np.random.default_rng(7).uniform(80, 87, (8, 1))
        assert constant_steps(self.printed(means.repeat(4, axis=1), 2.0), 10) == []

    def test_without_sds_constant_steps_are_a_note(self):
        table = parse("m,a,b,c,d\nx,1.0,2.0,3.0,5.5\ny,2.0,3.0,4.0,6.0\n", "t.csv")
        (finding,) = constant_steps(table, 10)
        assert finding.severity == "note"
        assert "3 of 4 columns: y − x +1.0 (+0.5 on d). Without SDs" in finding.statement
        assert constant_steps(parse("m,a,b,c\nx,1,2,3\ny,2,4,9\n", "t.csv"), 10) == []


class TestPValues:
    @staticmethod
    def entry(mean, sd, unit=0.1):
        return Entry(Number(mean, unit), Number(sd, unit))

    @staticmethod
    def draw(a, b, correlation, n=10):
        """Two samples that have exactly these means, SDs and correlation."""
        z = np.random.default_rng(4).normal(size=(2, n))
        z -= z.mean(axis=1, keepdims=True)
        z[1] -= z[0] * (z[0] @ z[1]) / (z[0] @ z[0])
        z /= z.std(axis=1, ddof=1, keepdims=True)
        second = correlation * z[0] + math.sqrt(1 - correlation**2) * z[1]
        return a.mean.value + a.sd.value * z[0], b.mean.value + b.sd.value * second

    @pytest.mark.parametrize("correlation", [-1, -0.5, 0, 0.3, 0.9])
    def test_against_scipy(self, correlation):
        a, b = self.entry(94.6, 0.5), self.entry(91.9, 3.2)
        x, y = self.draw(a, b, correlation)
        assert paired(a, b, 10, correlation) == pytest.approx(stats.ttest_rel(x, y).pvalue)
        assert welch(a, b, 10) == pytest.approx(stats.ttest_ind(x, y, equal_var=False).pvalue)

    @settings(max_examples=60)
    @given(
        *[st.floats(-0.049, 0.049)] * 4,
        st.floats(-1, 1),
        st.sampled_from([(98.9, 0.2, 98.8, 0.1), (87.7, 0.8, 86.1, 1.5), (80.0, 0.1, 80.0, 0.1)]),
    )
    def test_every_unrounded_value_is_within_what_is_attainable(self, e1, e2, e3, e4, r, printed):
        m1, s1, m2, s2 = printed
        possible = attainable(self.entry(m1, s1), self.entry(m2, s2), 10)
        a, b = self.entry(m1 + e1, s1 + e2), self.entry(m2 + e3, s2 + e4)
        for p in (paired(a, b, 10, r), welch(a, b, 10)):
            assert possible.low - 1e-12 <= p <= possible.high + 1e-12

    @settings(max_examples=60)
    @given(*[st.floats(-0.049, 0.049)] * 4)
    def test_unpaired_and_least_correlation_hold_over_roundings(self, e1, e2, e3, e4):
        a, b = self.entry(87.7, 0.8), self.entry(86.1, 1.5)
        rounded = self.entry(87.7 + e1, 0.8 + e2), self.entry(86.1 + e3, 1.5 + e4)
        assert unpaired(a, b, 10).low <= welch(*rounded, 10) <= unpaired(a, b, 10).high
        least = least_correlation(a, b, 10, 0.001)
        assert least <= needed_correlation(*rounded, 10, 0.001) + 1e-9

    def test_the_least_correlation_is_attained(self):
        a, b = self.entry(94.6, 0.5), self.entry(91.9, 3.2)
        grid = np.linspace(-0.05, 0.05, 21)
        needed = [
            needed_correlation(self.entry(94.65, 0.5 + x), self.entry(91.85, 3.2 + y), 10, 0.01)
            for x in grid
            for y in grid
        ]
        assert least_correlation(a, b, 10, 0.01) == pytest.approx(min(needed), abs=1e-3)

    def test_the_needed_correlation_gives_the_p(self):
        a, b = self.entry(87.7, 0.8), self.entry(86.1, 1.5)
        needed = needed_correlation(a, b, 10, 0.01)
        assert 0 < needed < CORRELATION
        assert paired(a, b, 10, needed) == pytest.approx(0.01)
        assert needed_correlation(self.entry(98.9, 0.2), self.entry(98.8, 0.1), 10, 0.01) > 1

    @pytest.mark.parametrize(
        ("cells", "expected", "words"),
        [
            ("82.0±1.0,<0.01", "consistent", "printed digits bear it"),
            ("81.0±1.0,<0.01", "note", "needs a correlation of 0.53"),
            ("80.8±1.0,<0.05", "note", "without pairing Welch's test gives 0.048"),
            ("80.2±1.0,<0.01", "note", "a correlation of 0.95 suffices"),
            ("80.10±1.00,<0.0001", "implausible", "10 runs with a true correlation of 0.95"),
            ("80.1±3.0,<0.001", "contradiction", "No two-sided t-test"),
            ("80.0±1.0,1", "consistent", "printed digits bear it"),
            ("82.0±1.0,0.02", "note", "correlate negatively"),
            ("82.0±1.0,0.0003", "consistent", "printed digits bear it"),
            ("82.0±1.0,0.0004", "consistent", "rounding of the digits leaves room"),
            ("82.0±1.0,0.9", "note", "another test or a correction"),
        ],
    )
    def test_a_column_of_p_values(self, cells, expected, words):
        base = "80.00±1.00" if "80.10" in cells else "80.0±1.0"
        table = parse(f"m,acc,p\nours,{cells}\nbase,{base},-\n", "t.csv")
        (finding,) = stated_p_values(table, 10)
        assert (finding.severity, words in finding.statement) == (expected, True)

    def test_a_one_sided_p_is_no_contradiction(self):
        table = parse("m,acc,p\nours,80.5±0.9,<0.01\nbase,80.0±0.2,\n", "t.csv")
        a, b = table.entries["ours", "acc"], table.entries["base", "acc"]
        assert attainable(a, b, 10).low / 2 < 0.01 < attainable(a, b, 10).low
        (finding,) = stated_p_values(table, 10)
        assert finding.severity == "note"
        assert "a one-sided may" in finding.statement

    @pytest.mark.parametrize("n", [2, 3, 5, 10])
    @pytest.mark.parametrize("true", [0, 0.95])
    def test_sample_correlations_by_simulation(self, n, true):
        rng = np.random.default_rng(8)
        x, e = rng.normal(size=(2, 40_000, n))
        y = true * x + math.sqrt(1 - true**2) * e
        x, y = (v - v.mean(axis=1, keepdims=True) for v in (x, y))
        found = (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
        for bound in (-0.5, 0.5, 0.95, 0.999):
            assert exceeds(bound, true, n) == pytest.approx((found >= bound).mean(), abs=0.01)

    def test_few_runs_correlate_by_chance(self):
        assert exceeds(0.95, 0, 3) == pytest.approx(math.acos(0.95) / math.pi)
        assert (exceeds(-1, 0.5, 3), exceeds(1.01, 0.5, 3)) == (1, 0)
        assert 0 < exceeds(0.96, 0.95, 1000) < 0.01

    def test_each_p_belongs_to_the_column_on_its_left(self):
        table = parse(
            "m,acc,p acc,auc,p auc\na,82.0±1.0,0.9,92.0±1.0,<0.01\nb,80.0±1.0,,90.0±1.0,\n", "t.csv"
        )
        assert [(f.where, f.severity) for f in stated_p_values(table, 10)] == [
            ("a against b, acc", "note"),
            ("a against b, auc", "consistent"),
        ]

    def test_no_spread_at_all(self):
        a, b = self.entry(80.0, 0.0), self.entry(81.0, 0.0)
        assert (welch(a, a, 10), welch(a, b, 10), paired(a, b, 10, 0)) == (1, 0, 0)

    def test_claims(self):
        assert Claim.parse("p < 0.05").values == Range(0, 0.05)
        assert Claim.parse("0.03").values.high == pytest.approx(0.035)
        assert Claim.parse("n.s.") is None


class TestIdenticalRows:
    def test_independent_rows_pass_and_copied_rows_do_not(self):
        head = "m," + ",".join(f"d{k}" for k in range(8))
        rng = np.random.default_rng(6)
        truth, sd = rng.uniform(60, 95, 8), rng.uniform(0.3, 2, 8)

        def drawn(n):
            x = truth[:, None] + sd[:, None] * rng.normal(size=(8, n))
            cells = zip(x.mean(axis=1), x.std(axis=1, ddof=1), strict=True)
            return parse(f"{head}\nx,{','.join(f'{m:.1f}±{s:.1f}' for m, s in cells)}\n", "t.csv")

        found = [same_row(drawn(10), "x", 10, drawn(3), "x", 3) for _ in range(40)]
        assert not any(finding.alarm for finding in found)
        table = drawn(10)
        assert same_row(table, "x", 10, table, "x", 3).p < 1e-8

    def test_a_copied_row_is_found_across_files(self, tmp_path):
        one, other = tmp_path / "one.csv", tmp_path / "other.csv"
        copied = "98.8±0.1,86.1±1.5,76.4±0.8,88.8±1.3"
        one.write_text(f"m,a,b,c,d\nx,{copied}\ny,97.0±0.4,84.9±1.1,75.0±1.2,86.9±1.0\n")
        other.write_text(f"m,d,c,b,a\nz,87.7±1.1,75.2±0.9,85.0±0.7,97.4±0.6\nx,{copied}\n")
        findings = [f for f in audit_tables([one, other]) if f.check == "identical rows"]
        assert severities(findings) == ["consistent"]
        other.write_text(f"m,a,b,c,d\nz,97.4±0.6,85.0±0.7,75.2±0.9,87.7±1.1\nw,{copied}\n")
        (finding,) = (f for f in audit_tables([one, other]) if f.check == "identical rows")
        assert (finding.severity, finding.where) == ("note", "x and w; a, b, c, d")

    def test_few_shared_columns_are_not_compared(self):
        tables = [parse("m,a,b,c\nx,80.0±1.0,81.0±1.0,82.0\n", name) for name in ("a", "b")]
        assert same_rows(tables, 10) == []

    def test_no_column_in_common(self):
        a, b = parse("m,a\nx,80.0±1.0\n", "a.csv"), parse("m,b\nx,80.0±1.0\n", "b.csv")
        assert not same_row(a, "x", 10, b, "x", 3).alarm


class TestBounds:
    @pytest.mark.parametrize("n", [2, 4, 10])
    def test_extremes_attain_the_largest_sd(self, n):
        for high in range(n + 1):
            x = np.array([100.0] * high + [0.0] * (n - high))
            mean = float(x.mean())
            assert largest_sd(Range(mean, mean), n) == pytest.approx(x.std(ddof=1))

    @given(st.lists(st.floats(0, 100), min_size=2, max_size=10))
    def test_no_sample_exceeds_it(self, x):
        mean = float(np.mean(x))
        assert np.std(x, ddof=1) <= largest_sd(Range(mean, mean), len(x)) + 1e-6

    @pytest.mark.parametrize(
        ("cell", "expected"),
        [
            ("100.0±0.0", "consistent"),
            ("100.04±0.1", "contradiction"),
            ("-0.1±0.0", "contradiction"),
            ("99.9±4.0", "consistent"),
            ("99.9±4.2", "contradiction"),
        ],
    )
    def test_cells(self, cell, expected):
        assert severities(bounds(parse(f"m,acc\nx,{cell}\n", "t.csv"), 10)) == [expected]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("m,breast\nx,104.0±1.0\ny,103.0±1.0", ["note"]),
            ("m,acc\nx,1.053±0.010\ny,0.90±0.01", ["contradiction"]),
            ("m,acc\nx,0.953±0.400", ["contradiction"]),
            ("m,acc\nx,0.953±0.010", ["consistent"]),
            ("m,acc,acc gain\nx,80.0±1.0,-0.5±1.0", ["consistent"]),
            ("m,AUC,ΔAUC\nx,80.0±1.0,-0.5±1.0", ["consistent"]),
            ("m,acc,epochs to 95% acc\nx,80.0±1.0,180±12", ["consistent"]),
            ("m,FID\nx,150.3±2.1", []),
            ("m,latency (ms)\nx,220±12", []),
            ("m,HD95 (mm)\nx,220±12", []),
            ("m,kappa\nx,-2.3±2.1", []),
        ],
    )
    def test_what_a_column_says_of_itself(self, text, expected):
        assert severities(bounds(parse(text, "t.csv"), 10)) == expected

    def test_only_percentages_are_bounded(self):
        text = "m,acc,increase,epochs\nx,80.0±1.0,-1.0±0.5,180±20\n"
        assert severities(bounds(parse(text, "t.csv"), 10)) == ["consistent"]
        text = "m,none,+ails,increase,FDI,epochs none\nx,80.0±1,79±1,-1.0±0.5,300±9,180±20\n"
        assert severities(bounds(parse(text, "table2-acc.csv"), 10)) == ["consistent"]
        assert bounds(parse("m,20%\nx,-0.5±1.0\n", "table4-loss-acc.csv"), 10) == []

    @pytest.mark.parametrize("images", [7, 78, 156])
    def test_grim_by_enumeration(self, images):
        possible = {f"{100 * k / (2 * images):.1f}" for k in range(2 * images + 1)}
        for tenth in range(1001):
            text = f"{tenth / 10:.1f}"
            assert has_multiple(Number.parse(text), 100 / (2 * images)) == (text in possible)

    def test_grim_on_a_table(self):
        table = parse("m,breast\nx,83.3±1.0\ny,83.5±1.0\n", "t.csv")  # 130 of 156; one more is 84.0
        assert [f.where for f in granularity(table, 1, {"breast": 156})] == ["y, breast"]
        assert severities(granularity(table, 10, {"breast": 156})) == ["consistent"]


class TestLattice:
    @staticmethod
    def column(rng, n, images, rows, digits):
        share = rng.uniform(0.6, 0.9, (rows, 1))
        acc = 100 * rng.binomial(images, share, (rows, n)) / images
        cells = zip(acc.mean(axis=1), acc.std(axis=1, ddof=1), strict=True)
        return [Entry.parse(f"{m:.{digits}f}±{s:.{digits}f}") for m, s in cells]

    @pytest.mark.parametrize(("n", "images"), [(3, 78), (3, 156), (5, 78), (10, 78)])
    def test_that_of_a_small_split_is_found(self, n, images):
        rng = np.random.default_rng(9)
        for _ in range(20):
            step = lattice(self.column(rng, n, images, 6, 2), n)
            assert step is not None
            times = step * n * images / 100  # all means may be even counts
            assert times == pytest.approx(round(times))

    def test_continuous_means_seldom_have_one(self):
        rng = np.random.default_rng(10)
        columns = (
            [Entry(Number(round(x, 2), 0.01), Number(0.5, 0.01)) for x in rng.uniform(60, 90, 6)]
            for _ in range(200)
        )
        assert sum(lattice(column, 3) is not None for column in columns) <= 0.1 * 200

    def test_an_sd_bounds_it(self):
        """Multiples of 0.5 are none of 10 runs on 20 images if their SD is 1: it would be 1.58."""
        means = [Number(x, 0.1) for x in (80, 80.5, 81, 81.5, 83, 85)]
        assert lattice([Entry(mean, Number(1.6, 0.1)) for mean in means], 10) == 0.5
        assert lattice([Entry(mean, Number(1.0, 0.1)) for mean in means], 10) is None
        assert lattice([Entry(mean, Number(1e-20, 1e-21)) for mean in means], 10) is None

    def test_fractions_have_one_too(self):
        rng = np.random.default_rng(11)
        acc = rng.binomial(78, 0.8, (6, 3)).mean(axis=1) / 78
        entries = [Entry.parse(f"{x:.4f}±0.0400") for x in acc]
        assert lattice(entries, 3) == pytest.approx(1 / (3 * 78))


class TestTrends:
    @given(st.floats(0.1, 10), st.floats(0.1, 10))
    def test_a_penalised_term_of_a_quadratic_passes(self, curvature, centre):
        """min over x of c (x - a)² + w x² has x = c a / (c + w)."""
        lines = ["w,kl"]
        for weight in (0.1, 0.5, 1.0, 1.5, 2.0):
            lines.append(f"{weight},{(curvature * centre / (curvature + weight)) ** 2:.4f}")
        found = penalised_term(parse("\n".join(lines), "t.csv"), "kl", "f + w·x²")
        assert found.severity == "consistent"

    def test_rises_within_rounding_pass(self):
        table = parse("w,kl\n0.5,0.14\n1.0,0.15\n", "t.csv")
        assert penalised_term(table, "kl", "f").severity == "consistent"

    @pytest.mark.parametrize(
        ("last", "expected"),
        [
            ("0.25", "note"),
            ("0.35", "implausible"),
        ],  # over the weight: 0.28 falls to 0.25, not 0.35
    )
    def test_a_rise_is_a_note_where_the_other_reading_falls(self, last, expected):
        table = parse(f"w,kl\n0.5,0.14\n1.0,{last}\n", "t.csv")
        assert penalised_term(table, "kl", "f").severity == expected


@pytest.fixture(scope="module")
def found():
    findings = audit_paper()
    return lambda check, table, where="": [
        f for f in findings if (f.check, f.table) == (check, table) and where in f.where
    ]


class TestThePaper:
    """The ten points of its folder's README, from the tables as they stand in `published`."""

    @staticmethod
    def overall(row):
        return np.mean([n.value for n in paper(1).means([row], paper(1).columns)])

    def test_1_constant_steps_and_sds_in_lockstep(self, found):
        for check in ("constant steps", "SDs in lockstep"):
            (finding,) = found(check, "table1")
            assert finding.severity == "implausible"
            assert "8 of 9 columns" in finding.statement

    def test_2_the_mean_and_the_improvement_over_explicit_methods(self, found):
        assert self.overall("ails") == pytest.approx(85.73, abs=0.005)
        for table in ("table1", "table5", "table6"):
            (finding,) = found("stated means", table)
            assert finding.severity == "consistent"
            assert "85.74" in finding.statement
        explicit = np.mean([self.overall("stylegan2-ada"), self.overall("ddpm")])
        assert self.overall("ails") - explicit == pytest.approx(8.42, abs=0.005)
        (finding,) = found("stated differences", "table1")
        assert finding.severity == "contradiction"
        assert "7.39" in finding.statement
        assert "8.422" in finding.statement

    def test_3_p_below_001_against_bsda(self, found):
        said = {
            "blood": ("0.180", "0.0115 even at correlation 1; only their rounding leaves room"),
            "path": ("0.0261", "0.0115 even at correlation 1; only their rounding leaves room"),
            "breast": ("0.0102", "needs a correlation of 0.19"),
        }
        for column, (p, words) in said.items():
            (finding,) = found("p values", "table1", column)
            ails, bsda = paper(1).entries["ails", column], paper(1).entries["bsda", column]
            assert (finding.severity, "bsda" in finding.where) == ("note", True)
            assert f"{welch(ails, bsda, 10):#.3g}" == p
            assert f"gives p = {p} by Welch's" in finding.statement
            assert words in finding.statement
            assert attainable(ails, bsda, 10).low < 0.01 < paired(ails, bsda, 10, 0.1)
        (rest,) = found("p values", "table1", "the other 7 rows")
        assert rest.severity == "note"
        assert "60 of 63" in rest.statement

    def test_3_what_room_the_rounding_leaves(self):
        for column, welch_bears_it, needed in (("blood", True, -0.86), ("path", False, 0.81)):
            ails, bsda = paper(1).entries["ails", column], paper(1).entries["bsda", column]
            assert paired(ails, bsda, 10, 1) == pytest.approx(0.0115, abs=1e-4)
            assert (unpaired(ails, bsda, 10).low < 0.01) == welch_bears_it
            assert least_correlation(ails, bsda, 10, 0.01) == pytest.approx(needed, abs=0.01)

    def test_all_that_have_it_are_no_note(self):
        (summary,) = better_than_all(paper(1), "ails", ["mixup"], statements()["p"], 10)
        assert summary.severity == "consistent"
        assert "9 of 9" in summary.statement

    def test_4_loss_with_scarce_data(self, found):
        losses = {
            row: self.overall(row) - paper(4).entries[row, "20%"].mean.value
            for row in paper(4).rows
        }
        assert losses["ails"] == pytest.approx(16.3, abs=0.05)
        assert losses["bsda"] == pytest.approx(15.9, abs=0.05)
        (finding,) = found("loss with scarce data", "table1, table4")
        assert finding.severity == "note"
        for words in (
            "20%: ails 16.3 points (19.05 %), bsda 15.9 (19.11 %)",
            "30%: ails 10.2 points (11.94 %), bsda 13.1",
            "50%: ails 3.9 points (4.59 %), ddpm 4.1",
            "bsda (20%, in points) loses less beyond rounding",
        ):
            assert words in finding.statement

    def test_5_the_row_of_bsda(self, found):
        (finding,) = found("identical rows", "table1, bsda-acc")
        assert finding.severity == "implausible"
        assert "6 of 8 shared columns" in finding.statement
        assert "the SD alone in 8" in finding.statement
        for words in ("3 runs, ResNet-18", "10 runs", "ResNeSt-101", "DenseNet-121"):
            assert words in finding.statement

    def test_6_chest_is_another_metric(self, found):
        (finding,) = found("metric", "table1", "chest")
        assert finding.severity == "implausible"
        assert "77.6 to 87.7" in finding.statement
        assert "94.7 to 94.8 for every ResNet" in finding.statement
        none = 100 * (1 - 81176 / (14 * 112120))
        assert none == pytest.approx(94.8, abs=0.05)
        assert "every label has 94.8: these are values of another metric" in finding.statement

    def test_7_baselines_below_the_benchmark(self, found):
        (finding,) = found("benchmark", "table1")
        assert finding.severity == "note"
        assert "mixup on blood 87.3 against 95.8" in finding.statement

    def test_8_trends_and_swings(self, found):
        (finding,) = found("trends", "table6")
        assert finding.severity == "note"
        assert "0.08, 0.14, 0.18, 0.23, 0.25 rises at 4 of 4 steps" in finding.statement
        assert "0.800, 0.280, 0.180, 0.153, 0.125 and falls at 4 of 4" in finding.statement
        for table in ("table5", "table6"):
            assert severities(found("swings", table)) == ["note", "note"]
        (auc,) = found("swings", "table6", "auc")
        assert "10.90 points" in auc.statement
        assert "11.09 points" in auc.statement

    def test_9_images(self, found):
        assert sum(n.value for n in paper(3).means(paper(3).rows, paper(3).columns)) == 600338
        counts = found("counts", "table3")
        assert severities(counts) == ["consistent"] * 3
        assert "600,338" in counts[0].statement

    def test_10_increases_and_epochs(self, found):
        (increases,) = found("stated differences", "table2")
        (epochs,) = found("convergence", "table2")
        assert (increases.severity, epochs.severity) == ("consistent", "consistent")
        assert "18.5 to 20.5 %" in epochs.statement

    def test_the_other_papers_tables_raise_no_alarm(self, found):
        for table in ("bsda-acc", "bsda-auc"):
            for check in ("stated means", "constant steps", "SDs in lockstep", "bounds"):
                assert severities(found(check, table)) == ["consistent"]

    def test_statements_hold_their_numbers(self):
        for said in statements().values():
            assert said.value in said.text.replace("ten repeated", "10 repeated")

    def test_as_rows_and_table_put_the_gravest_first(self):
        findings = audit_tables([FOLDER / "table1.csv", FOLDER / "table4.csv"])
        rows = as_rows(findings)
        assert [row["severity"] for row in rows][:2] == ["implausible", "implausible"]
        assert sorted(row["check"] for row in rows) == sorted(f.check for f in findings)
        assert len(as_table(findings, "Arithmetic").rows) == len(findings)


TESTS = {
    "paired": lambda x, y: stats.ttest_rel(x, y, axis=-1).pvalue,
    "welch": lambda x, y: stats.ttest_ind(x, y, axis=-1, equal_var=False).pvalue,
    "student": lambda x, y: stats.ttest_ind(x, y, axis=-1).pvalue,
    "one-sided": lambda x, y: stats.ttest_rel(x, y, axis=-1, alternative="greater").pvalue,
    "wilcoxon": lambda x, y: stats.wilcoxon(x, y, axis=-1, method="exact").pvalue,
    "none": lambda x, y: np.full(np.broadcast_shapes(x.shape, y.shape)[:-1], np.nan),
}


def p_cells(acc, test):
    """Of each row against the first, one for each dataset; where no run differs, no p."""
    p = TESTS[test](acc[1:], acc[:1])
    cells = [
        ["" if np.isnan(x) else f"{x:.3f}" if x >= 0.001 else "<0.001" for x in row] for row in p
    ]
    return [[""] * acc.shape[1], *cells]


def honest(rng, n=None, correlation=None, additive=None, images=None, test=None):
    """A table of simulated runs, as text, and its n.

    Effects that are constant over datasets, runs that are paired, counts of few images, coarse
    digits and equal SDs are what makes an honest table look constant.
    """
    n = n or int(rng.choice([3, 10]))
    correlation = rng.choice([0, 0.5, 0.9]) if correlation is None else correlation
    rows, columns = rng.integers(3, 11, 2)
    truth = rng.uniform(50, 97, columns) + rng.uniform(0, 4, (rows, 1)).round(1)
    if not (rng.random() < 0.7 if additive is None else additive):
        truth = truth + rng.normal(0, rng.uniform(0.1, 2), (rows, columns))
    sd = rng.uniform(0.1, 2, columns) * np.exp(rng.normal(0, rng.choice([0, 0.3]), (rows, columns)))
    noise = math.sqrt(correlation) * rng.normal(size=(1, columns, n))
    noise = noise + math.sqrt(1 - correlation) * rng.normal(size=(rows, columns, n))
    acc = (truth[..., None] + sd[..., None] * noise).clip(0, 100)
    if images or rng.random() < 0.5:
        count = np.full((columns, 1), images) if images else rng.choice(SPLITS, (columns, 1))
        acc = (acc * count / 100).round() * 100 / count
    with warnings.catch_warnings(action="ignore"):  # runs that do not differ
        ps = p_cells(acc, test or rng.choice(["paired", "welch", "student", "none"]))
    digits = rng.choice([1, 1, 2])
    lines = ["method," + ",".join(f"d{k},p d{k}" for k in range(columns)) + ",mean"]
    for k, (run_means, p) in enumerate(zip(acc, ps, strict=True)):
        cells = [
            f"{x.mean():.{digits}f}±{x.std(ddof=1):.{digits}f},{p}"
            for x, p in zip(run_means, p, strict=True)
        ]
        lines.append(f"m{k},{','.join(cells)},{run_means.mean():.{digits}f}")
    return "\n".join(lines), n


SPLITS = (78, 156, 400, 624, 1000, 7180)


def alarms(tables, **kind):
    rng = np.random.default_rng(12)
    drawn = (honest(rng, **kind) for _ in range(tables))
    return sum(any(f.alarm for f in audit_table(parse(text, "t.csv"), n)) for text, n in drawn)


class TestFalseAlarms:
    def test_honest_tables_raise_no_alarm(self):
        assert alarms(100) <= 1

    @pytest.mark.slow
    @pytest.mark.parametrize("n", [3, 10])
    @pytest.mark.parametrize("correlation", [0, 0.5, 0.9])
    def test_nor_do_the_most_constant_of_them(self, n, correlation):
        assert alarms(500, n=n, correlation=correlation, additive=True) <= 5  # 1 in 100

    @pytest.mark.slow
    @pytest.mark.parametrize("n", [3, 5, 10])
    @pytest.mark.parametrize("images", [78, 156, 400])
    def test_nor_do_those_of_few_images(self, n, images):
        assert alarms(300, n=n, images=images, additive=True) <= 3

    @pytest.mark.slow
    @pytest.mark.parametrize("n", [3, 10])
    @pytest.mark.parametrize("test", ["paired", "welch", "student", "one-sided", "wilcoxon"])
    def test_nor_do_those_with_p_values(self, n, test):
        assert alarms(200, n=n, test=test) <= 2


class TestAnyTable:
    def test_a_table_of_which_nothing_can_be_checked(self, tmp_path):
        (tmp_path / "t.csv").write_text("m,FID\nx,150.3±2.1\n")
        *_, finding = audit_tables([tmp_path / "t.csv"])
        assert finding.severity == "note"
        assert finding.statement.startswith("Nothing could be checked")

    def test_what_was_read_as_what_is_said_first(self, tmp_path):
        (tmp_path / "t.csv").write_text(
            "m,breast,retina,mean,p,paper\nx,80.1±1.0,50.5,65.3,0.2,Zhang\ny,n.s.,86.4 (1.1),,,\n"
        )
        read = [f for f in audit_tables([tmp_path / "t.csv"]) if f.check == "what was read"]
        said = {finding.where: finding.statement for finding in read}
        assert "mean ± SD, plain or percent." in read[0].statement
        assert "number and mean (SD), plain or percent." in said["retina"]
        assert "the mean of breast, retina." in said["mean"]
        assert "p values." in said["p"]
        assert "words, not checked." in said["paper"]
        assert read[-1].statement == "Not read, and so not checked: 'n.s.' (y, breast)."

    @pytest.mark.parametrize(
        ("header", "known", "severity"),
        [
            ("breast", Known(), None),
            ("breast", Known(runs=5), "note"),
            ("Breast ACC", Known(runs=5), "contradiction"),
            ("BreastMNIST ACC (%)", Known(runs=3), "consistent"),
            ("Breast AUC", Known(runs=5), None),
            ("chest ACC", Known(runs=5), None),
            ("clinic", Known(runs=5), None),
            ("clinic", Known(runs=5, images={"clinic": 156}), "contradiction"),
        ],
    )
    def test_grim_where_the_number_of_images_is_known(self, header, known, severity, tmp_path):
        """86.1 is no mean of five accuracies on 156 images, but one of three."""
        (tmp_path / "t.csv").write_text(f"m,{header}\nx,86.1±1.5\ny,84.6±0.6\n")
        found = [f for f in audit_tables([tmp_path / "t.csv"], known) if f.check == "granularity"]
        if severity is None:
            assert [f.severity for f in found] in ([], ["consistent"])
        else:
            assert [f.severity for f in found] == [severity]

    def test_an_unknown_column_is_answered_with_the_nearest(self, tmp_path):
        (tmp_path / "t.csv").write_text("m,breast,Overall\nx,86.1,86.1\n")
        with pytest.raises(BenchError, match="did you mean 'breast'"):
            audit_tables([tmp_path / "t.csv"], Known(images={"brest": 156}))
        with pytest.raises(BenchError, match="did you mean 'Overall'"):
            audit_tables([tmp_path / "t.csv"], Known(mean_column="overall"))

    @pytest.mark.parametrize("name", ["bsda-acc", "bsda-auc", "medmnist-v2", "table1", "table2"])
    @pytest.mark.parametrize("suffix", [".md", ".tex"])
    def test_a_papers_table_says_the_same_in_every_format(self, name, suffix, tmp_path):
        source = FOLDER / f"{name}.csv"
        path = tmp_path / f"{name}{suffix}"
        path.write_text(formatted(source.read_text("utf-8"), suffix), encoding="utf-8")
        ours, theirs = read(path), read(source)
        assert (ours.entries, ours.averages) == (theirs.entries, theirs.averages)
        assert said([path]) == said([source])


def formatted(text, suffix):
    """A CSV as Markdown or LaTeX, as papers write it."""
    header, *rows = ([cell.strip() for cell in line] for line in csv.reader(text.splitlines()))
    if suffix == ".md":
        lines = [header, ["--"] * len(header), *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    marked = [[cell.replace("±", r" $\pm$ ").replace("_", r"\_") for cell in row] for row in rows]
    marked[0][1] = rf"\textbf{{{marked[0][1]}}}"
    names = [cell.replace("_", r"\_") for cell in header]
    lines = [" & ".join(line) + r" \\" for line in (names, *marked)]
    columns = "l" + "c" * (len(header) - 1)
    inner = "\n".join([rf"\begin{{tabular}}{{{columns}}} \toprule", *lines, r"\end{tabular}"])
    return rf"\begin{{table}}{inner}\end{{table}}"


def said(paths):
    """What the checks find, less what was read of the format."""
    found = audit_tables(paths, Known(runs=3))
    return [(f.check, f.where, f.severity) for f in found if f.check != "what was read"]
