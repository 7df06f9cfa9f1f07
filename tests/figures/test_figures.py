"""Figures: what is drawn is what was given, and files and pages are as they must be."""

import csv
import math
import re
from dataclasses import replace
from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest
from made_up import fill, study
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure as MplFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from sklearn.metrics import silhouette_score
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from bench import metrics
from bench.base.errors import BenchError
from bench.base.files import write_arrays
from bench.base.task import Task
from bench.grid import configs, grid
from bench.grid.selection import Selection
from bench.stats.across import Ranking, critical_difference
from reports.figures import (
    confusion,
    curves,
    efficiency,
    forest,
    points,
    posterior,
    ranks,
    reliability,
    style,
    sweep,
    tsne,
)
from reports.figures.figure import write
from reports.figures.multiples import multiples
from reports.figures.points import Point, Published
from reports.results.view import View
from reports.tables import table1, table4
from reports.tables.sweep import ALPHA, BETA

ACC, AUC, NLL = (metrics.get(name) for name in ("acc", "auc", "nll"))
PHANTOM = "phantom data, not MedMNIST"
LONG = "ails[alpha=0.5,prior_std=1.0]"
NAMES = ["none", "mixup", "cutmix", "stylegan2-ada", "ddpm", "advprop", "medaugment", "bsda", LONG]


def curve_points(values=(0.1, 0.3, 0.5, 0.7), missing=()):
    return [Point(v, 0.8 + v / 10, 0.79, 0.9) for v in values if v not in missing]


def a_sweep(note=""):
    values = (0.1, 0.3, 0.5, 0.7)
    curve = sweep.Curve(ACC, curve_points(missing=(0.3,)), [Published(0.3, 0.8574, 0.005)])
    return sweep.draw([sweep.Panel("α", values, [curve])], note)


def an_efficiency(note="", published=()):
    lines = [efficiency.Curve(name, curve_points((0.2, 0.5)), published) for name in NAMES]
    return efficiency.draw(lines, (0.2, 0.3, 0.5), ACC, note)


def a_ranking(methods=9, close=False):
    names = [*NAMES, *(f"method {k}" for k in range(9))][:methods]
    places = np.linspace(2, 2.1, methods) if close else np.linspace(1, methods, methods)
    found = dict(zip(names, places.tolist(), strict=True))
    return Ranking(tuple("abcdefghi"), (), 5.0, 0.01, found, critical_difference(methods, 9))


def a_forest(note="", form=forest.WIDE):
    rows = [
        forest.Row("breast", "mixup", 0.0123, -0.01, 0.03, -0.02, 0.05),
        forest.Row("breast", LONG, -0.00001),
        forest.Row("phantom-multiclass", "mixup", -0.02, -0.03, -0.01),
    ]
    return forest.draw(rows, "none", ACC, note, form)


def some_scores(task=Task.MULTICLASS, images=200, seed=0):
    rng = np.random.default_rng(seed)
    if task is Task.MULTILABEL:
        labels = (rng.random((images, 3)) < 0.4).astype(np.float32)
        return rng.random((images, 3)).astype(np.float32), labels
    classes = 2 if task is Task.BINARY else 5
    labels = rng.integers(classes, size=images)
    return rng.dirichlet(np.ones(classes), images).astype(np.float32), labels


def some_runs(method="none", task=Task.MULTICLASS, runs=3):
    scores = [some_scores(task, seed=seed) for seed in range(runs)]
    return reliability.Reliability(method, [reliability.bin_scores(*one, task) for one in scores])


def a_reliability(note=""):
    return reliability.draw([some_runs(name) for name in ("none", LONG)], Task.MULTICLASS, note)


def an_embedding(method="none", images=40, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    targets = np.arange(images) % classes
    return tsne.Embedding(method, rng.normal(size=(images, 2)), targets, -0.0012, 0.756)


def a_tsne(note=""):
    return tsne.draw([an_embedding(name) for name in ("cutmix", "bsda", LONG)], note=note)


def a_crowded_forest(note="", form=forest.WIDE):
    rows = [
        forest.Row(dataset, method, -0.1, -0.123, 0.1, -0.2, 0.345)
        for dataset in ("breast", "pneumonia", "phantom-multilabel")
        for method in NAMES
    ]
    return forest.draw(rows, "ails", ACC, note, form)


def ten_reliabilities(note=""):
    found = some_runs(task=Task.MULTILABEL)
    return reliability.draw([found] * 10, Task.MULTILABEL, note)


def many_classes(note=""):
    names = [f"class of a long name {k}" for k in range(11)]
    return tsne.draw([an_embedding(classes=11)] * 4, names, note)


def a_confusion(note="", methods=("none", LONG), classes=3, runs=3):
    rng = np.random.default_rng(0)
    found = [
        confusion.Confusion(
            name, rng.dirichlet(np.ones(classes), (runs, classes)) / 2 + np.eye(classes) / 2
        )
        for name in methods
    ]
    return confusion.draw(found, [f"a class of a long name {k}" for k in range(classes)], note)


def some_courses(methods=("none", LONG), epochs=4, runs=3):
    rng = np.random.default_rng(0)
    time = np.arange(epochs) / epochs
    return [
        curves.Course(
            name,
            {
                "loss": rng.uniform(1, 1.4) - time + rng.normal(0, 0.05, (runs, epochs)),
                "val_acc": 0.4 + rng.uniform(0.3, 0.4) * time + rng.normal(0, 0.03, (runs, epochs)),
            },
        )
        for name in methods
    ]


def some_posteriors(datasets=("breast", "retina"), epochs=4, runs=3):
    rng = np.random.default_rng(0)
    return [
        posterior.Posterior(
            name, {q: rng.uniform(0, 1.2, (runs, epochs)) for q in posterior.QUANTITIES}
        )
        for name in datasets
    ]


TEN = (*NAMES, "isda")
DRAWN = {
    "confusion": a_confusion,
    "curves": lambda note="": curves.draw(some_courses(), ACC, note),
    "posterior": lambda note="": posterior.draw(some_posteriors(), note),
    "sweep": a_sweep,
    "efficiency": an_efficiency,
    "ranks": lambda note="": ranks.draw(a_ranking(), note),
    "forest": a_forest,
    "narrow-forest": lambda note="": a_forest(note, forest.NARROW),
    "reliability": a_reliability,
    "tsne": a_tsne,
}
CROWDED = {
    "ten-confusions": lambda note="": a_confusion(note, TEN, 8),
    "eleven-classes": lambda note="": a_confusion(note, ("none", "mixup"), 11),
    "ten-posteriors": lambda note="": posterior.draw(some_posteriors(TEN, 60), note),
    "ten-curves": lambda note="": curves.draw(some_courses(TEN, 60), ACC, note),
    "published": lambda note="": an_efficiency(note, [Published(0.2, 0.6, 0.02)]),
    "many-ranks": lambda note="": ranks.draw(a_ranking(10), note),
    "many-rows": a_crowded_forest,
    "many-narrow-rows": lambda note="": a_crowded_forest(note, forest.NARROW),
    "many-panels": ten_reliabilities,
    "one-row": lambda note="": reliability.draw([some_runs()] * 3, Task.BINARY, note),
    "many-classes": many_classes,
}


def texts(figure: MplFigure) -> list[str]:
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


class TestEveryFigure:
    @pytest.mark.parametrize("name", DRAWN)
    def test_phantom_data_are_labelled_and_the_note_is_in_the_file(self, name, tmp_path):
        svg, _ = style.save(DRAWN[name](PHANTOM), tmp_path, name)
        assert PHANTOM in svg.read_text(encoding="utf-8")

    @pytest.mark.parametrize("name", DRAWN)
    def test_the_same_data_give_the_same_bytes(self, name, tmp_path):
        once = [path.read_bytes() for path in style.save(DRAWN[name](), tmp_path, "a")]
        figure = DRAWN[name]()
        style.inline(figure, "drawn-before")
        assert [path.read_bytes() for path in style.save(figure, tmp_path, "b")] == once

    @pytest.mark.parametrize("canvas", [FigureCanvasPdf, FigureCanvasSVG])
    @pytest.mark.parametrize("name", DRAWN | CROWDED)
    def test_all_is_inside_the_figure(self, name, canvas):
        """By the widths of text in the file: on a screen text is narrower."""
        figure = (DRAWN | CROWDED)[name](PHANTOM)
        canvas(figure)
        figure.dpi = 72
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert drawn.x0 >= 0.02 and drawn.y0 >= 0.02
        assert drawn.x1 <= width - 0.02 and drawn.y1 <= height - 0.02

    @pytest.mark.parametrize("name", DRAWN | CROWDED)
    def test_the_layout_is_settled(self, name):
        figure = (DRAWN | CROWDED)[name](PHANTOM)
        places = [axes.get_position().bounds for axes in figure.axes]
        ConstrainedLayoutEngine().execute(figure)
        again = [axes.get_position().bounds for axes in figure.axes]
        assert np.array(again) == pytest.approx(np.array(places), abs=1e-3)

    @pytest.mark.parametrize("name", DRAWN)
    def test_it_is_not_laid_out_again_for_a_file(self, name, monkeypatch):
        figure = DRAWN[name]()
        drawn = []
        monkeypatch.setattr(MplFigure, "draw", lambda *_: drawn.append(name))
        style.inline(figure, name)
        assert drawn == [name]

    @pytest.mark.parametrize("name", DRAWN | CROWDED)
    def test_no_two_labels_of_axes_overlap(self, name):
        figure = (DRAWN | CROWDED)[name](PHANTOM)
        labels = [
            text
            for axes in figure.axes
            for text in (axes.xaxis.label, axes.yaxis.label, axes.title)
            if text.get_text()
        ]
        boxes = [text.get_window_extent() for text in labels]
        for k, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:k])

    def test_long_labels_break_after_commas(self):
        assert style.wrap(LONG, 1.5).split("\n") == ["ails[alpha=0.5,", "prior_std=1.0]"]


class TestFiles:
    def test_svg_and_pdf_and_nothing_else(self, tmp_path):
        paths = style.save(a_sweep(), tmp_path / "new", "figure4")
        assert [path.name for path in paths] == ["figure4.svg", "figure4.pdf"]
        assert sorted(paths) == sorted((tmp_path / "new").iterdir())

    def test_fonts_are_embedded_as_truetype_and_no_date_is_told(self, tmp_path):
        svg, pdf = (path.read_bytes() for path in style.save(a_sweep(), tmp_path, "a"))
        assert b"/FontFile2" in pdf and b"/Type3" not in pdf
        assert b"CreationDate" not in pdf and b"<dc:date>" not in svg

    def test_the_look_does_not_follow_the_users_settings(self, tmp_path):
        import matplotlib

        usual = style.save(a_sweep(), tmp_path, "a")[0].read_bytes()
        with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "axes.grid": True}):
            assert style.save(a_sweep(), tmp_path, "b")[0].read_bytes() == usual


@pytest.fixture(scope="module", params=DRAWN)
def pair(request):
    """A figure inside a page, twice."""
    figure = DRAWN[request.param]()
    return style.inline(figure, "one"), style.inline(figure, "two")


class TestInline:
    def test_it_is_an_element_with_a_role_and_a_name(self, pair):
        root = ElementTree.fromstring(pair[0])
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.get("role") == "img" and root.get("aria-label") and root.get("viewBox")

    def test_no_id_is_in_two_figures_and_every_reference_has_its_id(self, pair):
        one, two = (set(re.findall(r'\bid="([^"]*)"', text)) for text in pair)
        assert one and not one & two
        used = set(re.findall(r'(?:href="|url\()#([^")]*)', pair[0]))
        assert used <= one

    def test_it_takes_the_colours_of_the_page_and_gives_it_no_rule(self, pair):
        text = pair[0].lower()
        assert "#000000" not in text and "#ffffff" not in text
        assert "<style" not in text and "<metadata" not in text and "<?xml" not in text
        assert 'fill="currentcolor"' in text

    def test_text_stays_text_and_is_escaped(self):
        figure = a_forest("a < b & c")
        assert "a &lt; b &amp; c" in style.inline(figure, "x")
        figure.set_label('quoted "label" & <more>')
        assert ElementTree.fromstring(style.inline(figure, "x")).get("aria-label") == (
            'quoted "label" & <more>'
        )


class TestLooks:
    def test_no_two_series_look_alike_in_colour_or_in_gray(self):
        looks = [style.look(index) for index in range(18)]
        assert len({tuple(map(str, look.values())) for look in looks}) == 18
        assert len({(look["marker"], str(look["linestyle"])) for look in looks}) == 18


class TestCurves:
    @staticmethod
    def line(figure, marker_face):
        lines = [line for line in figure.axes[0].lines if len(line.get_xdata())]
        return next(line for line in lines if line.get_markerfacecolor() == marker_face)

    def test_a_missing_value_is_a_gap(self):
        line = self.line(a_sweep(), style.COLOURS[0])
        y = line.get_ydata()
        assert list(line.get_xdata()) == [0.1, 0.3, 0.5, 0.7]
        assert math.isnan(y[1]) and y[[0, 2, 3]] == pytest.approx([81, 85, 87])

    def test_published_points_are_hollow_and_without_a_line(self):
        line = self.line(a_sweep(), "#ffffff")
        assert line.get_linestyle() == "None"
        assert list(line.get_ydata()) == pytest.approx([85.74])
        assert {"ACC, published (mean ± SD)", "ACC, measured (mean, 95 % interval)"} <= set(
            texts(a_sweep())
        )

    def test_one_seed_has_no_interval(self):
        panel = sweep.Panel("β", (1.0,), [sweep.Curve(ACC, [Point(1.0, 0.8)])])
        (bars,) = sweep.draw([panel]).axes[0].collections
        assert np.isnan(bars.get_segments()).any() or not len(bars.get_segments()[0])

    def test_methods_without_any_value_are_not_in_the_legend(self):
        lines = [efficiency.Curve("none", curve_points((0.2,))), efficiency.Curve("ails", [])]
        assert "ails" not in texts(efficiency.draw(lines, (0.2,), ACC))

    @pytest.mark.parametrize("scale", ["linear", "log"])
    def test_curves_stand_as_far_apart_at_every_value_on_any_scale(self, scale):
        axes = MplFigure().subplots()
        values = (0.1, 0.5, 2.0)
        points.value_axis(axes, values, "abc", scale)
        for index, shift in enumerate(points.shifts(2, 0.02)):
            points.plot_measured(axes, [Point(v, 0.8) for v in values], values, index, "", shift)
        one, other = (
            axes.transAxes.inverted().transform(axes.transData.transform(line))
            for line in (drawn.get_xydata() for drawn in axes.lines if drawn.get_marker() in "os")
        )
        middle = axes.transData.transform([(v, 80) for v in values])
        assert other[:, 0] - one[:, 0] == pytest.approx([0.02] * 3)
        assert (one + other)[:, 0] / 2 == pytest.approx(
            axes.transAxes.inverted().transform(middle)[:, 0]
        )

    def test_the_intervals_of_two_metrics_are_on_two_lines(self):
        drawn = [sweep.Curve(metric, curve_points()) for metric in (ACC, AUC)]
        figure = sweep.draw([sweep.Panel("α", (0.1, 0.3, 0.5, 0.7), drawn)])
        acc, auc = (bars.get_segments() for bars in figure.axes[0].collections)
        assert all(a[0, 0] < b[0, 0] for a, b in zip(acc, auc, strict=True))

    @pytest.mark.parametrize("curves", [2, 10, 20])
    def test_no_mark_touches_the_end_of_the_axis(self, curves):
        lines = [efficiency.Curve(f"m{k}", curve_points((0.2, 0.5))) for k in range(curves)]
        axes = efficiency.draw(lines, (0.2, 0.5), ACC).axes[0]
        places = axes.transData.transform(np.concatenate([x.get_xydata() for x in axes.lines]))
        low, high = axes.bbox.intervalx
        assert np.nanmin(places[:, 0]) > low + 4 and np.nanmax(places[:, 0]) < high - 4

    def test_what_was_published_has_an_axis_of_its_own(self):
        lines = [efficiency.Curve("none", curve_points((0.2,)), [Published(0.2, 0.4, 0.01)])]
        above, below = efficiency.draw(lines, (0.2,), ACC).axes
        assert above.get_ylim()[0] > 50 and below.get_ylim()[1] < 50


class TestRanks:
    @pytest.mark.parametrize("close", [False, True])
    @pytest.mark.parametrize("methods", [2, 3, 8, 10, 18])
    def test_no_two_labels_overlap(self, methods, close):
        figure = ranks.draw(a_ranking(methods, close))
        figure.draw_without_rendering()
        boxes = [text.get_window_extent() for text in figure.axes[0].texts]
        assert len(boxes) == methods + 1
        for k, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:k])

    def test_bars_join_the_groups(self):
        figure = ranks.draw(
            Ranking(tuple("abc"), (), 1.0, 0.5, {"x": 1.0, "y": 2.0, "z": 3.0}, 1.5)
        )
        bars = [line for line in figure.axes[0].lines if line.get_linewidth() > 2]
        spans = sorted(tuple(bar.get_xdata()) for bar in bars)
        assert np.array(spans) == pytest.approx(np.array([(1, 2), (2, 3)]), abs=0.1)
        assert len({bar.get_ydata()[0] for bar in bars}) == 2

    def test_the_ruler_is_as_long_as_the_critical_difference(self):
        (ruler,) = [
            line for line in ranks.draw(a_ranking()).axes[0].lines if line.get_marker() == "|"
        ]
        assert np.ptp(ruler.get_xdata()) == pytest.approx(critical_difference(9, 9))


class TestForest:
    def test_numbers_in_points_and_a_dash_where_there_is_none(self):
        found = texts(a_forest())
        assert {"+1.23", "[−1.00, +3.00]", "[−2.00, +5.00]", "0.00", "−2.00"} <= set(found)
        assert found.count("–") == 3

    def test_a_row_without_an_interval_over_seeds_has_its_mean_and_that_of_new_images(self):
        figure = forest.draw(
            [forest.Row("breast", "mixup", 0.02, low_new=0.01, high_new=0.05)], "none", ACC
        )
        drawn = [
            x.get_xdata() for x in figure.axes[0].lines if x.get_color() == forest.SEEDS["color"]
        ]
        finite = [np.array(x)[np.isfinite(x)] for x in drawn]
        assert [list(x) for x in finite if len(x)] == [pytest.approx([2])]
        assert {"mean", "–", "[+1.00, +5.00]"} <= set(texts(figure))
        assert not any("these images" in text for text in texts(figure) if "interval" in text)

    def test_datasets_stand_together_and_are_named_once(self):
        rows = [forest.Row(d, m, 0.0) for m in ("mixup", "ails") for d in ("breast", "retina")]
        figure = forest.draw(rows, "none", ACC)
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert labels == ["mixup", "ails", "mixup", "ails"]
        assert texts(figure).count("breast") == texts(figure).count("retina") == 1

    @pytest.mark.parametrize("form", [forest.WIDE, forest.NARROW])
    def test_no_two_numbers_overlap(self, form):
        rows = [forest.Row("breast", "mixup", -0.1458, -4.1238, 3.8321, -4.1238, 3.8321)]
        figure = forest.draw(rows, "none", ACC, form=form)
        boxes = [text.get_window_extent() for text in figure.axes[0].texts]
        for k, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:k])

    def test_one_column_has_room_for_the_differences(self):
        wide, narrow = a_forest(), a_forest(form=forest.NARROW)
        assert narrow.get_figwidth() == style.COLUMN < wide.get_figwidth()
        assert {"difference", "+1.23", "0.00", "−2.00"} <= set(texts(narrow))
        assert not {"these images", "[−1.00, +3.00]"} & set(texts(narrow))
        axes = narrow.axes[0]
        assert axes.get_position().width > 0.4
        below = {text.get_text(): text.xy[1] for text in axes.texts}
        assert below["breast"] < min(axes.get_yticks()) < below["phantom-multiclass"]
        assert [len(set(map(str, x.get_xydata()[:, 1]))) for x in axes.lines[1:]]


class TestReliability:
    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize("task", Task)
    def test_the_error_of_the_bins_is_that_of_metrics(self, task, seed):
        scores, targets = some_scores(task, seed=seed)
        found = reliability.bin_scores(scores, targets, task)
        expected = metrics.compute("ece", scores, targets, task)
        assert found.ece == pytest.approx(expected, rel=1e-12)

    def test_certainty_is_in_the_last_bin(self):
        scores = np.eye(2, dtype=np.float32)
        found = reliability.bin_scores(scores, np.array([0, 0]), Task.BINARY)
        assert (found.counts[-1], found.right[-1], found.confidence[-1]) == (2, 1, 2)
        assert found.ece == 0.5

    def test_the_point_of_a_bin_is_its_confidence_and_accuracy(self):
        scores = np.array([[0.7, 0.3], [0.72, 0.28]], dtype=np.float32)
        found = reliability.bin_scores(scores, np.array([0, 1]), Task.BINARY)
        one = reliability.Reliability("none", [found])
        line = reliability.draw([one], Task.BINARY).axes[0].lines[-1]
        drawn = np.array(line.get_xydata())
        assert drawn[np.isfinite(drawn[:, 1])] == pytest.approx(np.array([[71, 50]]), abs=1e-4)

    def test_the_error_is_the_mean_over_runs_where_pooled_gaps_would_cancel(self):
        """One run is right 8 times of 10 where it should be 7 times, the other 6 times."""
        scores = np.full((10, 2), [0.7, 0.3], dtype=np.float32)
        runs = [
            reliability.bin_scores(scores, (np.arange(10) >= right).astype(int), Task.BINARY)
            for right in (8, 6)
        ]
        found = reliability.Reliability("none", runs)
        assert found.pooled.ece == pytest.approx(0, abs=1e-7)
        assert found.ece.mean == pytest.approx(0.1) and found.ece.sd == pytest.approx(0, abs=1e-7)
        assert "none\nECE 10.0 ± 0.0 %" in texts(reliability.draw([found], Task.BINARY))

    def test_one_run_has_no_sd(self):
        assert any(
            re.fullmatch(r"none\nECE \d+\.\d %", text)
            for text in texts(reliability.draw([some_runs(runs=1)], Task.MULTICLASS))
        )

    @pytest.mark.parametrize(
        ("task", "horizontal", "vertical"),
        [
            (Task.ORDINAL, "confidence (%)", "accuracy\nand share (%)"),
            (Task.MULTILABEL, "predicted\nprobability (%)", "observed frequency\nand share (%)"),
        ],
    )
    def test_several_labels_have_a_probability_and_no_accuracy(self, task, horizontal, vertical):
        found = texts(reliability.draw([some_runs()], task))
        assert {horizontal, vertical} <= set(found)
        assert any("accuracy" in text for text in found) == (task is Task.ORDINAL)


class TestConfusion:
    def test_shares_are_of_the_images_of_a_class(self):
        scores = np.eye(3, dtype=np.float32)[[0, 0, 0, 1, 1, 2]]
        found = confusion.shares(scores, np.array([0, 0, 1, 1, 1, 1]), Task.MULTICLASS)
        assert found[:2] == pytest.approx(np.array([[1, 0, 0], [0.25, 0.5, 0.25]]))
        assert np.isnan(found[2]).all()

    @pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.ORDINAL])
    def test_the_mean_recall_is_balanced_accuracy(self, task):
        scores, targets = some_scores(task)
        found = confusion.Confusion("none", confusion.shares(scores, targets, task)[None])
        expected = metrics.compute("balanced_acc", scores, targets, task)
        assert np.mean([recall.mean for recall in found.recalls]) == pytest.approx(expected)

    @staticmethod
    def drawn(*runs):
        return confusion.draw([confusion.Confusion("none", np.array(runs))], ["a", "b"])

    def test_recall_is_over_runs_and_a_class_without_images_has_none(self):
        none = [np.nan, np.nan]
        found = texts(self.drawn([[0.8, 0.2], none], [[0.6, 0.4], none]))
        assert {"70.0 ± 14.1", "–", "70", "30"} <= set(found)
        assert not any("nan" in text for text in found)

    def test_nothing_below_half_a_percent_has_a_number(self):
        axes = self.drawn([[0.996, 0.004], [0.0, 1.0]]).axes[0]
        numbers = sorted(text.get_text() for text in axes.texts)
        assert numbers == ["100", "100", "100.0", "99.6", "recall (%)"]

    def test_cells_are_as_dark_as_their_share(self):
        (cells,) = self.drawn([[0.9, 0.1], [0.25, 0.75]]).axes[0].collections
        assert cells.get_array()[..., 3].data.ravel() == pytest.approx([0.9, 0.1, 0.25, 0.75])

    def test_long_names_are_cut_and_numbered(self):
        labels = [label.get_text() for label in a_confusion().axes[0].get_yticklabels()]
        assert all(re.fullmatch(rf"a class of .*…  {k}", text) for k, text in enumerate(labels))

    def test_a_text_that_fits_is_not_cut(self):
        assert style.cut("basophil", 1) == "basophil"
        cut = style.cut("basophil" * 9, 1)
        assert style.text_width(cut, style.SMALL) <= 72 < style.text_width(cut + "ba", style.SMALL)


class TestLearningCurves:
    def test_a_line_is_the_mean_and_its_band_one_sd(self):
        values = np.array([[0.5, 0.7], [0.7, 0.7]])
        course = curves.Course("none", {"loss": values, "val_acc": values})
        _, below = curves.draw([course], ACC).axes
        assert below.lines[-1].get_ydata() == pytest.approx([60, 70])
        assert list(below.lines[-1].get_xdata()) == [1, 2]
        band = below.collections[0].get_paths()[0].vertices
        sd = 100 * np.sqrt(0.02)
        assert np.ptp(band[band[:, 0] == 1][:, 1]) == pytest.approx(2 * sd)
        assert np.ptp(band[band[:, 0] == 2][:, 1]) == 0

    def test_every_method_is_seen_behind_every_other(self):
        figure = curves.draw(some_courses(("none", "mixup", "ails")), ACC)
        assert [len(axes.lines) for axes in figure.axes] == [3] * 6

    def test_one_run_has_no_band(self):
        (legend,) = curves.draw(some_courses(runs=1), ACC).legends
        assert [text.get_text() for text in legend.texts] == [
            "mean over seeds",
            "the other methods",
        ]


class TestMultiples:
    @pytest.mark.parametrize(
        ("methods", "rows"), [(3, [3]), (6, [3, 3]), (7, [4, 3]), (10, [5, 5])]
    )
    def test_rows_are_as_even_as_can_be(self, methods, rows):
        panels = multiples([f"m{k}" for k in range(methods)], "x")
        tops = [round(axes.get_subplotspec().rowspan.start) for axes in panels.axes[0]]
        assert [tops.count(k) for k in range(len(rows))] == rows

    def test_the_blocks_of_a_method_stand_below_one_another_and_share_their_axes(self):
        panels = multiples(TEN[:7], "x", blocks=2)
        assert panels.axes.shape == (2, 7)
        for above, below in panels.axes.T:
            assert above.get_subplotspec().rowspan.stop == below.get_subplotspec().rowspan.start
        for block in panels.axes:
            assert all(axes.get_shared_y_axes().joined(axes, block[0]) for axes in block)
        assert not panels.axes[0, 0].get_shared_y_axes().joined(*panels.axes[:, 0])


class TestTsne:
    @staticmethod
    def features(images=60, spread=1.0, seed=0):
        rng = np.random.default_rng(seed)
        targets = rng.integers(3, size=images)
        return rng.normal(size=(images, 8)) * spread + 3 * np.eye(3, 8)[targets], targets

    @pytest.mark.parametrize("spread", [1.0, 3.0])
    def test_neighbour_accuracy_is_sklearns_leave_one_out(self, spread):
        features, targets = self.features(spread=spread)
        expected = cross_val_score(
            KNeighborsClassifier(5), features, targets, cv=LeaveOneOut()
        ).mean()
        assert tsne.neighbour_accuracy(features, targets) == pytest.approx(expected)

    def test_parted_classes_are_parted_in_both_numbers(self):
        parted = tsne.embed("ails", *self.features(spread=0.01))
        mixed = tsne.embed("none", *self.features(spread=30.0))
        assert parted.silhouette > 0.95 and parted.neighbour_accuracy == 1
        assert mixed.silhouette < 0.1 and mixed.neighbour_accuracy < 0.7

    def test_the_numbers_are_of_the_features_and_not_of_the_embedding(self):
        features, targets = self.features()
        found = tsne.embed("x", features, targets)
        assert found.silhouette == pytest.approx(silhouette_score(features, targets))
        assert found.silhouette != pytest.approx(silhouette_score(found.points, targets), abs=0.01)
        assert found.neighbour_accuracy == tsne.neighbour_accuracy(features, targets)

    def test_it_is_the_same_every_time(self):
        first, again = (tsne.embed("x", *self.features()) for _ in range(2))
        assert np.array_equal(first.points, again.points)

    def test_a_sample_is_the_same_images_for_every_method(self, monkeypatch):
        monkeypatch.setattr(tsne, "LARGEST", 20)
        features, targets = self.features()
        one, other = tsne.embed("x", features, targets), tsne.embed("y", 2 * features, targets)
        assert len(one.points) == 20
        assert np.array_equal(one.targets, other.targets)

    def test_one_class_has_no_silhouette(self):
        features, targets = self.features(20)
        found = tsne.embed("x", features, 0 * targets)
        assert found.silhouette is None and found.neighbour_accuracy == 1
        assert "silhouette –, 5-NN 100.0 %" in "\n".join(texts(tsne.draw([found])))

    def test_every_image_is_drawn_in_the_look_of_its_class(self):
        found = an_embedding(images=40, classes=3)
        figure = tsne.draw([found], ["A", "B", "C"])
        scatters = figure.axes[0].findobj(PathCollection)
        drawn = sorted(len(scatter.get_offsets()) for scatter in scatters)
        assert drawn == sorted(np.bincount(found.targets))
        assert {"0 A", "1 B", "2 C"} <= set(texts(figure))
        assert any("silhouette 0.00, 5-NN 75.6 %" in text for text in texts(figure))

    def test_the_number_of_a_class_stands_at_the_median_of_its_points(self):
        found = an_embedding(images=400, classes=3)
        offset = np.array([[0, 0], [30, 0], [0, 30]])[found.targets]
        figure = tsne.draw([replace(found, points=found.points + offset)])
        numbers = {int(text.get_text()): text for text in figure.axes[0].texts}
        assert sorted(numbers) == [0, 1, 2]
        for k, text in numbers.items():
            median = np.median((found.points + offset)[found.targets == k], axis=0)
            assert text.get_position() == pytest.approx(tuple(median), abs=0.1)
            assert text.get_path_effects()

    def test_numbers_of_classes_that_mix_do_not_overlap(self):
        found = an_embedding(images=300, classes=11)
        mixed = replace(found, points=np.repeat(found.points[:30], 10, axis=0))
        figure = tsne.draw([mixed] * 3)
        boxes = [text.get_window_extent() for text in figure.axes[0].texts]
        assert len(boxes) == 11
        for k, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:k])

    def test_more_than_three_methods_take_more_rows(self):
        axes = tsne.draw([an_embedding()] * 4).axes
        assert len(axes) == 4 and axes[3].get_position().y1 < axes[0].get_position().y0

    @pytest.mark.parametrize(
        ("features", "targets", "reason"),
        [
            (np.eye(9), np.zeros((9, 3)), "several labels"),
            (np.eye(5), np.arange(5), "too few"),
            (np.ones((9, 3)), np.arange(9), "the same for all images"),
        ],
    )
    def test_what_cannot_be_embedded_is_refused(self, features, targets, reason):
        with pytest.raises(BenchError, match=reason):
            tsne.embed("none", features, targets)


CONFIG = configs.load("laptop")
DATASETS = ("phantom-binary", "phantom-ordinal", "phantom-multilabel")
SHOWN = {"seeds": range(3), "datasets": DATASETS, "methods": ("none", "mixup", "bsda", "ails")}


def close(run):
    """ACC that rises with the seed, so that it has no two equal values."""
    return {"acc": 0.8 + 0.01 * run.seed**2 + 0.001 * len(run.cell.method.name), "auc": 0.9}


def studied(store, selects, missing=lambda run: False, values=None, **changes):
    """A study for each selection of a figure, from made-up records of all runs but some."""
    studies = []
    for select in selects:
        chosen = Selection(**SHOWN | changes)
        chosen = Selection(**select(chosen).model_dump() | changes)
        runs = grid.expand(chosen, CONFIG.protocol)
        fill(
            store,
            replace(runs, runs=tuple(r for r in runs.runs if not missing(r))),
            values or close,
        )
        studies.append(study(store, runs, chosen.backbones))
    return studies


def lacks(method, dataset, seed):
    def missing(run):
        return (run.cell.method.name, run.cell.dataset, run.seed) == (method, dataset, seed)

    return missing


class TestFromStudies:
    """Figures of made-up records: what is missing is left out, and the caption says so."""

    def test_a_forest_has_complete_rows_only_and_names_the_others(self, store):
        studies = studied(store, (table1.select,), lacks("mixup", "phantom-ordinal", 2))
        (figure,) = forest.figures(studies, View())
        shown = {(row["method"], row["dataset"]) for row in figure.rows}
        assert ("mixup", "phantom-ordinal") not in shown and len(shown) == 8
        assert "Left out, as seeds are missing: mixup on phantom-ordinal (2 of 3 runs)." in (
            figure.caption
        )

    def test_without_the_reference_a_dataset_is_left_out_of_the_forest(self, store):
        studies = studied(store, (table1.select,), lacks("ails", "phantom-ordinal", 2))
        (figure,) = forest.figures(studies, View())
        assert {row["dataset"] for row in figure.rows} == set(DATASETS) - {"phantom-ordinal"}
        assert "ails lacks seeds: ails on phantom-ordinal (2 of 3 runs)." in figure.caption

    def test_one_seed_has_no_interval(self, store, tmp_path):
        (figure,) = forest.figures(studied(store, (table1.select,), seeds=(0,)), View())
        assert len(figure.rows) == 9 and "n = 1 seed" in figure.caption
        for row in figure.rows:
            assert math.isnan(row["low"]) and math.isnan(row["low_new"])
        *_, path = write(figure, tmp_path)
        with path.open(encoding="utf-8", newline="") as file:
            assert {row["low"] for row in csv.DictReader(file)} == {""}

    def test_differences_that_are_all_the_same_have_a_row_and_no_interval(self, store):
        (figure,) = forest.figures(studied(store, (table1.select,)), View())
        for row in figure.rows:
            assert row["difference"] == pytest.approx(0.001 * (len(row["method"]) - 4))
            assert math.isnan(row["low"]) == (len(row["method"]) != 4)

    def test_ranks_name_the_datasets_and_methods_that_are_left_out(self, store):
        def missing(run):
            return lacks("mixup", "phantom-multiclass", 1)(run) or run.cell.method.name == "bsda"

        datasets = (*DATASETS, "phantom-multiclass")
        studies = studied(store, (table1.select,), missing, datasets=datasets)
        (figure,) = ranks.figures(studies, View())
        assert [row["method"] for row in figure.rows] == ["none", "mixup", "ails"]
        assert "over 3 datasets (phantom-binary, phantom-ordinal, phantom-multilabel)" in (
            figure.caption
        )
        assert (
            "Datasets left out, as seeds are missing: mixup on phantom-multiclass (2 of 3 runs). "
            "Methods left out, as seeds are missing: bsda on "
        ) in figure.caption

    def test_ranks_without_the_reference_have_no_tests(self, store):
        studies = studied(store, (table1.select,), lambda run: run.cell.method.name == "ails")
        (figure,) = ranks.figures(studies, View())
        assert not figure.tests and "Wilcoxon" not in figure.caption

    def test_calibration_is_the_error_of_a_run_and_has_its_bins(self, store):
        (study,) = studies = studied(store, (table1.select,), datasets=("phantom-ordinal",))
        (figure,) = reliability.figures(studies, View())
        for method in SHOWN["methods"]:
            errors, predictions = [], 0
            for run in study.measured.grid.runs:
                if run.cell.method.name == method:
                    scores, targets = store.predictions(run.key)
                    errors.append(metrics.compute("ece", scores, targets, Task.ORDINAL))
                    predictions += len(scores)
            rows = [row for row in figure.rows if row["method"] == method]
            assert len(rows) == 15 and {row["n"] for row in rows} == {3}
            assert rows[0]["ece"] == pytest.approx(np.mean(errors))
            assert rows[0]["ece_sd"] == pytest.approx(np.std(errors, ddof=1))
            assert sum(row["predictions"] for row in rows) == predictions
            filled = [row for row in rows if row["predictions"]]
            assert all(row["low"] <= row["confidence"] <= row["high"] for row in filled)

    def test_calibration_with_missing_seeds_is_not_shown(self, store):
        studies = studied(store, (table1.select,), lacks("mixup", "phantom-binary", 0))
        first, second, _ = reliability.figures(studies, View(calibrated=("none", "mixup")))
        assert {row["method"] for row in first.rows} == {"none"}
        assert "Left out, as seeds are missing: mixup on phantom-binary (2 of 3" in first.caption
        assert {row["method"] for row in second.rows} == {"none", "mixup"}
        assert "Left out" not in second.caption

    def test_confusions_name_what_is_left_out(self, store):
        studies = studied(store, (table1.select,), lacks("mixup", "phantom-binary", 0))
        first, second = confusion.figures(studies, View())
        assert {row["method"] for row in first.rows} == {"none", "bsda", "ails"}
        assert "Left out, as seeds are missing: mixup on phantom-binary (2 of 3" in first.caption
        assert "several labels: phantom-multilabel." in second.caption
        assert any(PHANTOM in text for text in texts(second.drawing))

    def test_confusion_rows_are_those_of_the_predictions(self, store):
        (study,) = studies = studied(store, (table1.select,), datasets=("phantom-ordinal",))
        (figure,) = confusion.figures(studies, View())
        rows = [row for row in figure.rows if row["method"] == "mixup"]
        labels = study.measured.grid.datasets[0].labels
        assert [(row["class"], row["predicted"]) for row in rows] == list(product(labels, labels))
        runs = [run for run in study.measured.records if run.cell.method.name == "mixup"]
        expected = [
            metrics.compute("balanced_acc", *study.arrays(run), Task.ORDINAL) for run in runs
        ]
        right = [row for row in rows if row["class"] == row["predicted"]]
        assert np.mean([row["recall"] for row in right]) == pytest.approx(np.mean(expected))
        assert all(row["share"] == pytest.approx(row["recall"]) for row in right)
        assert {row["n"] for row in rows} == {3} and all(row["recall_sd"] > 0 for row in right)

    def test_several_labels_an_image_have_no_confusion_matrix(self, store):
        studies = studied(store, (table1.select,), datasets=("phantom-multilabel",))
        with pytest.raises(BenchError, match="phantom-multilabel has several labels"):
            confusion.figures(studies, View())

    def test_learning_curves_are_those_of_the_records(self, store):
        missing = lacks("mixup", "phantom-binary", 0)
        studies = studied(store, (table1.select,), missing, datasets=DATASETS[:1])
        (figure,) = curves.figures(studies, View())
        rows = [row for row in figure.rows if row["method"] == "bsda"]
        assert [row["epoch"] for row in rows] == [1, 2, 3] * 2
        assert [row["quantity"] for row in rows] == ["loss"] * 3 + ["val_acc"] * 3
        acc = [0.8 + 0.01 * seed**2 + 0.004 for seed in range(3)]
        assert rows[-1]["mean"] == pytest.approx(np.mean(acc))
        assert rows[-1]["sd"] == pytest.approx(np.std(acc, ddof=1)) and rows[-1]["n"] == 3
        assert "mixup" not in {row["method"] for row in figure.rows}
        assert "Left out, as seeds are missing: mixup on phantom-binary (2 of 3" in figure.caption
        assert any(PHANTOM in text for text in texts(figure.drawing))

    def test_posteriors_are_those_of_the_records(self, store):
        missing = lacks("ails", DATASETS[1], 2)
        methods = ("none", "ails", "ails[alpha=0.5]")
        (asked,) = studied(store, (table1.select,), missing, methods=methods)
        default, other = posterior.figures([asked], View())
        assert other.name == "posterior-ails[alpha=0.5]" and "ails[alpha=0.5]" in other.caption
        assert {row["dataset"] for row in default.rows} == {*DATASETS} - {DATASETS[1]}
        assert f"Left out, as seeds are missing: {DATASETS[1]}." in default.caption
        for figure, label in ((default, "ails"), (other, "ails[alpha=0.5]")):
            for row in figure.rows:
                found = [
                    asked.store.read(run.key)["curves"][row["epoch"] - 1][row["quantity"]]
                    for run in asked.measured.records
                    if (run.cell.method.label, run.cell.dataset) == (label, row["dataset"])
                ]
                values = np.array(found)
                assert row["method"] == label and row["n"] == len(values) == 3
                assert row["mean"] == pytest.approx(values.mean()) and np.ptp(values) > 0
                assert (row["least"], row["most"]) == (values.min(), values.max())
            each = [(r["dataset"], r["quantity"], r["epoch"]) for r in figure.rows]
            shown = {dataset for dataset, _, _ in each}
            assert each == [
                *product(sorted(shown, key=DATASETS.index), posterior.QUANTITIES, (1, 2, 3))
            ]

    def test_without_the_method_or_without_seeds_there_is_no_posterior(self, store):
        assert posterior.figures(studied(store, (table1.select,), methods=("none",)), View()) == []

        def missing(run):
            return run.cell.method.name == "ails" and run.seed == 0

        asked = studied(store, (table1.select,), missing, methods=("none", "ails"))
        assert posterior.figures(asked, View()) == []

    @pytest.mark.parametrize("module", [confusion, curves, reliability])
    def test_seeds_beyond_the_look_that_tables_show_are_in_no_figure(self, store, module):
        def missing(run):
            return run.seed == 6

        changes = {"seeds": range(7), "datasets": DATASETS[:1], "looks": (5, 7)}
        values = {"acc": 0.8, "auc": 0.9}
        (asked,) = studied(store, (table1.select,), missing, lambda run: values, **changes)
        looked = replace(asked, _about=Selection(looks=(5, 7), backbones=("resnet18",)))
        looked.__dict__["grid"] = asked.grid
        (figure,) = module.figures([looked], View())
        assert {row["n"] for row in figure.rows} == {5} and "n = 5 seeds" in figure.caption

    def test_a_metric_that_no_epoch_has_is_refused_by_name(self, store):
        studies = studied(store, (table1.select,), datasets=DATASETS[:1])
        with pytest.raises(BenchError, match="no metric by epoch in records 'kappa'"):
            curves.figures(studies, View("kappa"))

    def test_of_a_loss_the_lowest_ranks_first(self, store):
        def values(run):
            loss = {"none": 0.5, "mixup": 0.25, "bsda": 0.75}[run.cell.method.name]
            return {"acc": 0.8, "auc": 0.9, "nll": loss}

        methods = ("none", "mixup", "bsda")
        studies = studied(store, (table1.select,), values=values, methods=methods)
        (figure,) = ranks.figures(studies, View("nll", reference="none"))
        assert {row["method"]: row["rank"] for row in figure.rows} == {
            "mixup": 1,
            "none": 2,
            "bsda": 3,
        }
        assert "mean NLL (the lowest is best)" in figure.caption
        assert {row["method"]: row["difference"] for row in figure.tests} == {
            "mixup": -0.25,
            "bsda": 0.25,
        }

    def test_a_loss_has_no_percent(self, store):
        def values(run):
            return {"acc": 0.8, "auc": 0.9, "nll": 0.5 + 0.125 * (run.cell.method.name == "mixup")}

        (figure,) = forest.figures(studied(store, (table1.select,), values=values), View("nll"))
        found = texts(figure.drawing)
        assert {"+0.1250", "NLL: method − ails; below 0 is better"} <= set(found)
        assert not any("%" in text for text in found if "interval" not in text)

    def test_any_metric_takes_the_place_of_those_of_figure_4(self, store):
        studies = studied(store, (ALPHA.select, BETA.select), datasets=DATASETS[:1])
        (figure,) = sweep.figures(studies, View("nll"))
        assert figure.name == "figure4-nll" and {row["metric"] for row in figure.rows} == {"NLL"}
        assert "published" not in figure.caption and "NLL" in texts(figure.drawing)

    def test_efficiency_of_a_loss_is_in_its_own_unit(self, store):
        studies = studied(store, (table4.select,), datasets=DATASETS[:1])
        (figure,) = efficiency.figures(studies, View("nll", published=True))
        assert {row["mean"] for row in figure.rows} == {0.5}
        assert figure.drawing.axes[0].lines[0].get_ydata() == pytest.approx([0.5] * 4)
        assert "measured\nNLL" in texts(figure.drawing)

    def test_figure_4_is_one_for_each_backbone_and_ratio(self, store):
        def values(run):
            return {"acc": run.cell.ratio / 2, "auc": 0.9}

        changes = {
            "backbones": ("resnet18", "resnet34"),
            "ratios": (0.2, 1.0),
            "datasets": DATASETS[:1],
        }
        studies = studied(store, (ALPHA.select, BETA.select), values=values, **changes)
        found = {figure.name: figure for figure in sweep.figures(studies, View())}
        assert sorted(found) == sorted(
            f"figure4-{backbone}-{ratio}"
            for backbone in ("resnet18", "resnet34")
            for ratio in ("0.2", "1")
        )
        for name, figure in found.items():
            acc = [row["mean"] for row in figure.rows if row["metric"] == "ACC"]
            assert acc == pytest.approx([0.1 if name.endswith("0.2") else 0.5] * 9)
        assert "20% of the training split" in found["figure4-resnet18-0.2"].caption

    def test_a_point_without_all_seeds_is_named(self, store):
        def missing(run):
            return lacks("mixup", "phantom-binary", 1)(run) and run.cell.ratio == 0.3

        (figure,) = efficiency.figures(studied(store, (table4.select,), missing), View())
        shown = {row["value"] for row in figure.rows if row["method"] == "mixup"}
        assert shown == {0.2, 0.5, 1.0}
        assert "seeds are missing: mixup on phantom-binary (2 of 3 runs) at 30%." in figure.caption


class TestFigure5:
    @staticmethod
    def study(store, features, **changes):
        """A study of one dataset with such features for each method, None being no features."""
        changes = {
            "datasets": ("phantom-ordinal",),
            "seeds": (0,),
            "methods": tuple(features),
        } | changes
        chosen = Selection(**changes)
        runs = grid.expand(chosen, CONFIG.protocol)
        for run in runs.runs:
            found = features[run.cell.method.label]
            if found is not None:
                path = store.features_path(run.key, "test")
                write_arrays(path, features=found, targets=np.arange(len(found)) % 3)
        return [study(store, runs, chosen.backbones)]

    def test_methods_without_features_or_variance_are_left_out_and_named(self, store):
        drawn = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
        features = {"none": None, "mixup": 0 * drawn, "ails": drawn}
        (figure,) = tsne.figures(self.study(store, features), View())
        assert [row["method"] for row in figure.rows] == ["ails"]
        assert "Left out, as no features are stored: none." in figure.caption
        assert "Left out: the features of mixup are the same for all images" in figure.caption
        assert "30 images of the test split, seed 0" in figure.caption
        assert "30 images of the test split, seed 0" in "".join(texts(figure.drawing))

    def test_nothing_that_can_be_embedded_is_a_reason(self, store):
        features = {"none": np.zeros((30, 4), np.float32), "ails": np.zeros((30, 4), np.float32)}
        with pytest.raises(BenchError, match="the same for all images"):
            tsne.figures(self.study(store, features), View())

    def test_no_features_at_all_is_no_figure(self, store):
        assert tsne.figures(self.study(store, {"none": None}), View()) == []
