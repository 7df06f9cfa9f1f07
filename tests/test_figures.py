"""Figures: what is drawn is what was given, and files and pages are as they must be."""

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from sklearn.metrics import silhouette_score
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from bench.errors import BenchError
from bench.evaluation import metrics
from bench.task import Task
from reports.across import Ranking, critical_difference
from reports.figures import efficiency, forest, ranks, reliability, style, sweep, tsne
from reports.figures.curves import Point, Published

PHANTOM = "phantom data, not MedMNIST"
LONG = "ails[alpha=0.5,prior_std=1.0]"
NAMES = ["none", "mixup", "cutmix", "stylegan2-ada", "ddpm", "advprop", "medaugment", "bsda", LONG]


def curve_points(values=(0.1, 0.3, 0.5, 0.7), missing=()):
    return [Point(v, 0.8 + v / 10, 0.79, 0.9) for v in values if v not in missing]


def a_sweep(note=""):
    values = (0.1, 0.3, 0.5, 0.7)
    curve = sweep.Curve("ACC", curve_points(missing=(0.3,)), [Published(0.3, 0.8574, 0.005)])
    return sweep.draw([sweep.Panel("α", values, [curve])], note)


def an_efficiency(note=""):
    curves = [efficiency.Curve(name, curve_points((0.2, 0.5))) for name in NAMES]
    return efficiency.draw(curves, (0.2, 0.3, 0.5), note=note)


def a_ranking(methods=9, close=False):
    names = [*NAMES, *(f"method {k}" for k in range(9))][:methods]
    places = np.linspace(2, 2.1, methods) if close else np.linspace(1, methods, methods)
    found = dict(zip(names, places.tolist(), strict=True))
    return Ranking(tuple("abcdefghi"), (), 5.0, 0.01, found, critical_difference(methods, 9))


def a_forest(note=""):
    rows = [
        forest.Row("breast", "mixup", 0.0123, -0.01, 0.03, -0.02, 0.05),
        forest.Row("breast", LONG, -0.00001),
        forest.Row("phantom-multiclass", "mixup", -0.02, -0.03, -0.01),
    ]
    return forest.draw(rows, "none", note=note)


def some_scores(task=Task.MULTICLASS, images=200, seed=0):
    rng = np.random.default_rng(seed)
    if task is Task.MULTILABEL:
        labels = (rng.random((images, 3)) < 0.4).astype(np.float32)
        return rng.random((images, 3)).astype(np.float32), labels
    classes = 2 if task is Task.BINARY else 5
    labels = rng.integers(classes, size=images)
    return rng.dirichlet(np.ones(classes), images).astype(np.float32), labels


def a_reliability(note=""):
    found = [
        reliability.bin_scores(name, *some_scores(), Task.MULTICLASS) for name in ("none", LONG)
    ]
    return reliability.draw(found, note)


def a_row_of_three(note=""):
    found = reliability.bin_scores("none", *some_scores(), Task.MULTICLASS)
    return reliability.draw([found] * 3, note)


def an_embedding(method="none", images=40, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    targets = np.arange(images) % classes
    return tsne.Embedding(method, rng.normal(size=(images, 2)), targets, -0.0012, 0.756)


def a_tsne(note=""):
    return tsne.draw([an_embedding(name) for name in ("cutmix", "bsda", LONG)], note=note)


DRAWN = {
    "sweep": a_sweep,
    "efficiency": an_efficiency,
    "ranks": lambda note="": ranks.draw(a_ranking(), note),
    "forest": a_forest,
    "reliability": a_reliability,
    "tsne": a_tsne,
}


def texts(figure: Figure) -> list[str]:
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

    @pytest.mark.parametrize("draw", [*DRAWN.values(), a_row_of_three], ids=[*DRAWN, "three"])
    def test_all_is_inside_the_figure(self, draw):
        figure = draw(PHANTOM)
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert drawn.x0 >= 0 and drawn.y0 >= 0
        assert drawn.x1 <= width and drawn.y1 <= height

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
        panel = sweep.Panel("β", (1.0,), [sweep.Curve("ACC", [Point(1.0, 0.8)])])
        (bars,) = sweep.draw([panel]).axes[0].collections
        assert np.isnan(bars.get_segments()).any() or not len(bars.get_segments()[0])

    def test_methods_without_any_value_are_not_in_the_legend(self):
        curves = [efficiency.Curve("none", curve_points((0.2,))), efficiency.Curve("ails", [])]
        assert "ails" not in texts(efficiency.draw(curves, (0.2,)))


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

    def test_datasets_stand_together_and_are_named_once(self):
        rows = [forest.Row(d, m, 0.0) for m in ("mixup", "ails") for d in ("breast", "retina")]
        figure = forest.draw(rows, "none")
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert labels == ["mixup", "ails", "mixup", "ails"]
        assert texts(figure).count("breast") == texts(figure).count("retina") == 1


class TestReliability:
    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize("task", Task)
    def test_the_error_of_the_bins_is_that_of_evaluation(self, task, seed):
        scores, targets = some_scores(task, seed=seed)
        found = reliability.bin_scores("none", scores, targets, task)
        expected = metrics(scores, torch.from_numpy(targets), task)["ece"]
        assert found.ece == pytest.approx(expected, rel=1e-12)

    def test_certainty_is_in_the_last_bin(self):
        scores = np.eye(2, dtype=np.float32)
        found = reliability.bin_scores("none", scores, np.array([0, 0]), Task.BINARY)
        assert (found.counts[-1], found.right[-1], found.confidence[-1]) == (2, 1, 2)
        assert found.ece == 0.5

    def test_the_point_of_a_bin_is_its_confidence_and_accuracy(self):
        scores = np.array([[0.7, 0.3], [0.72, 0.28]], dtype=np.float32)
        found = reliability.bin_scores("none", scores, np.array([0, 1]), Task.BINARY)
        line = reliability.draw([found]).axes[0].lines[-1]
        drawn = np.array(line.get_xydata())
        assert drawn[np.isfinite(drawn[:, 1])] == pytest.approx(np.array([[71, 50]]), abs=1e-4)


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
        assert {"A", "B", "C"} <= set(texts(figure))
        assert any("silhouette 0.00, 5-NN 75.6 %" in text for text in texts(figure))

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
