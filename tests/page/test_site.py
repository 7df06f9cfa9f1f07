import json
import re
from dataclasses import replace

import pytest
from browser import browser
from markup import Element
from matplotlib.figure import Figure as Plot

from reports.figures import style
from reports.page.site import (
    Answers,
    Claim,
    Command,
    Facts,
    Figure,
    Folded,
    Method,
    Page,
    Section,
    render,
)
from reports.tables.table import MISSING, Cell, Row, Table

HOSTILE = "</script><script>alert('1')</script> & &amp; \"x\" {{ 1 }} {% x %} ails[alpha=0.5]"
PHANTOM = "phantom data, not MedMNIST"


def plot(name):
    figure = Plot(figsize=(6.4, 2))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="black", marker="o", markerfacecolor="white", clip_on=True)
    axes.scatter([0.2, 0.4], [0.4, 0.2])
    return style.inline(figure, name)


def measured(mean, detail="seeds 0–9, n = 10"):
    return MISSING if mean is None else Cell(mean, 0.01, detail=detail)


SORTED = Table(
    "Accuracy (%), mean ± SD over 10 seeds, resnet18",
    ("method", "breast", *(f"dataset{i}" for i in range(8)), "mean"),
    tuple(
        Row(label, (*[measured(mean, f"{label}: seeds 0–9")] * 9, Cell(0.5)), published=published)
        for label, mean, published in (
            ("mixup", 0.9004, False),
            ("none", 0.0501, False),
            ("advprop", None, False),
            ("ails", 0.10, False),
            ("bsda[a=1,b=2]", 0.9003, False),
            ("cutmix", 0.10, False),
            ("ails", 0.99, True),
            ("mixup", 0.01, True),
        )
    ),
    notes=("* p < 0.05",),
    data=PHANTOM,
)
AUDIT = Table(
    "What arithmetic says",
    ("table", "severity", "finding"),
    (Row("Table 1", ("note", "The step from one row to the next is the same. " * 3)),),
)
CLAIMS = (
    Claim("AILS has the best mean.", "contradicted", "It is third of six.", "Table 1"),
    Claim("KL falls with β.", "supported", "At all ten seeds."),
    Claim("It needs less data.", "contradicted", "It loses more."),
)
METHOD = Method(
    "mixup",
    "Convex combinations of images.",
    "x̃ = λx + (1 − λ)x′",
    (("alpha", "0.2"),),
    "Zhang et al. 2018",
    "https://arxiv.org/abs/1710.09412",
)
PAGE = Page(
    "What was measured",
    (("protocol", "laptop"), ("runs", "60 of 60")),
    (
        Section(
            "table1", "Table 1", "One.\n\nTwo.", (SORTED, Command("make table1", "Writes it."))
        ),
        Section("figures", "Figures", "", (Figure(plot("a"), "A", AUDIT), Figure(plot("b"), "B"))),
        Section("audit", "Audit", "", (AUDIT, *CLAIMS)),
        Section("methods", "Methods", "", (METHOD,)),
        Section("protocol", "Protocol", "", (Facts("laptop", (("epochs", "10"),)),)),
    ),
    lead="A paired benchmark.",
    cautions=(PHANTOM, "A taste, not a result."),
)
EMPTY = Page("", (), ())


@pytest.fixture(scope="module")
def page():
    return Element(render(PAGE))


class TestPage:
    def test_every_item_is_there(self, page):
        assert page.texts("caption") == [SORTED.title, *[AUDIT.title] * 2]
        assert page.texts("figcaption") == ["A", "B"]
        assert page.texts("code") == ["make table1", "mixup", "alpha = 0.2"]
        assert page.texts("dt", "dd") == ["protocol", "laptop", "runs", "60 of 60", "epochs", "10"]
        cautions = [text for attrs, text in page.all("p") if attrs.get("class") == "caution"]
        assert tuple(cautions) == PAGE.cautions

    def test_paragraphs_are_divided_by_empty_lines(self, page):
        texts = page.texts("p")
        assert "One." in texts and "Two." in texts

    def test_the_answer_stands_first_and_what_is_folded_is_there(self):
        answer = Section("answer", "The answer", "", (Answers((("breast", "Undecided."),)),))
        left = Section("undone", "Not done", "", (Folded("Commands", (Command("make x"),)),))
        text = render(replace(PAGE, answer=answer, sections=(*PAGE.sections, left)))
        assert text.index("Undecided.") < text.index('id="summary"') < text.index("<details")
        found = Element(text)
        assert (found.texts("summary")[-1], found.texts("code")[-1]) == ("Commands", "make x")

    def test_anchors_are_unique_and_every_link_has_its_target(self, page):
        ids = [attrs["id"] for _, attrs, _ in page.tags if "id" in attrs]
        assert len(set(ids)) == len(ids)
        named = {
            name
            for _, attrs, _ in page.tags
            for key, value in attrs.items()
            if key.endswith("href") and value and value.startswith("#")
            for name in [value[1:]]
        }
        assert {"main", "summary", "table1", "audit"} <= named <= set(ids)
        assert {attrs.get("aria-labelledby", "main") for _, attrs, _ in page.tags} <= set(ids)

    def test_nothing_comes_from_elsewhere(self, page):
        links = [
            (tag, value)
            for tag, attrs, _ in page.tags
            for key, value in attrs.items()
            if key.endswith(("src", "href")) and value and not value.startswith(("#", "data:"))
        ]
        assert links == [("a", METHOD.url)]
        assert not re.search(r"url\((?!#)|@import", render(PAGE))
        (policy,) = [a["content"] for a, _ in page.all("meta") if "http-equiv" in a]
        assert policy.startswith("default-src 'none'; img-src data:;")

    def test_every_text_comes_out_as_it_went_in(self):
        page = Page(
            HOSTILE,
            ((HOSTILE, HOSTILE),),
            (
                Section(
                    "one",
                    HOSTILE,
                    HOSTILE,
                    (
                        Figure("<svg></svg>", HOSTILE),
                        Claim(HOSTILE, "undecided", HOSTILE, HOSTILE),
                        Method(HOSTILE, HOSTILE, HOSTILE, ((HOSTILE, HOSTILE),), HOSTILE),
                        Facts(HOSTILE, ()),
                        Command(HOSTILE, HOSTILE),
                    ),
                ),
            ),
            HOSTILE,
            (HOSTILE,),
        )
        found = Element(render(page))
        plain = [tag for tag, _, _ in Element(render(EMPTY)).tags]
        assert [tag for tag, _, _ in found.tags].count("script") == plain.count("script")
        whole = " ".join(found.texts("html"))
        fields, twice = 20, 2  # the title of the page and that of the section, also as a link
        assert whole.count(HOSTILE) == fields + twice

    def test_of_a_formula_indented_lines_stand_and_others_are_text(self):
        formula = "Mixes `alpha` of\ntwo images.\n\n    x = a + b\n      y = 1 < 2\nwhere b\nis 1."
        page = Element(
            render(replace(PAGE, sections=(Section("m", "M", items=(Method("m", "", formula),)),)))
        )
        assert [text for attrs, text in page.all("pre") if "formula" in attrs.get("class", "")] == [
            "x = a + b\n  y = 1 < 2"
        ]
        assert {"Mixes alpha of two images.", "where b is 1."} <= set(page.texts("p"))
        assert "alpha" in page.texts("code")

    def test_a_command_is_copied_as_it_is_and_breaks_between_words_and_after_commas(self):
        command = "python -m bench run --methods none,mixup\nmake report"
        page = render(replace(PAGE, sections=(Section("c", "C", items=(Command(command),)),)))
        assert command in Element(page).texts("code")
        assert "<span>--methods</span> <span>none,<wbr>mixup</span>" in page

    def test_on_a_narrow_screen_another_figure_is_shown(self):
        figure = Figure(plot("a"), "A", narrow=plot("b"))
        page = Element(render(replace(PAGE, sections=(Section("f", "F", items=(figure,)),))))
        shown = [attrs["class"] for attrs, _ in page.all("div") if "plot" in attrs.get("class", "")]
        assert shown == ["plot wide", "plot narrow"]

    def test_verdicts_are_counted(self, page):
        (tally,) = [text for attrs, text in page.all("ul") if attrs.get("class") == "tally"]
        assert " ".join(tally.split()) == "1 supported 2 contradicted"
        assert Section("x", "X", items=(METHOD,)).verdicts == []

    @pytest.mark.parametrize("anchor", ["table1", "summary"])
    def test_an_anchor_serves_one_section(self, anchor):
        with pytest.raises(ValueError, match=anchor):
            replace(PAGE, sections=(*PAGE.sections, Section(anchor, "again")))

    @pytest.mark.parametrize("url", ["http://arxiv.org", "javascript:alert(1)", "arxiv.org"])
    def test_references_are_https(self, url):
        with pytest.raises(ValueError, match="https"):
            Method("m", "", url=url)


class TestSize:
    def test_styles_and_scripts(self):
        assert len(render(EMPTY).encode()) < 25_000

    def test_the_tables_of_the_full_grid_leave_room_for_figures(self):
        """Twenty methods, nine datasets and their mean, for five backbones, four ratios, twice."""
        detail = (
            "seeds 0–9, n = 10; 95 % interval 82.13 to 84.25; paired difference 0.4 (-0.3 to 1.1)"
        )
        row = Row("ails[inv_pair=aug_aug]", (Cell(1 / 3, 0.011, mark="*", detail=detail),) * 10)
        table = Table("Accuracy", ("method", *"abcdefghi", "mean"), (row,) * 20)
        page = replace(EMPTY, sections=(Section("all", "All", items=(table,) * 40),))
        assert len(render(page).encode()) < 3_000_000


def colours():
    pattern = r"--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\)"
    found = re.findall(pattern, render(EMPTY))
    return [{name: pair[scheme] for name, *pair in found} for scheme in (0, 1)]


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("text", "ground", "ratio"),
    [
        *((text, "page", 4.5) for text in ("ink", "muted", "link", "supported", "undecided")),
        *((text, "tint", 4.5) for text in ("ink", "muted", "link")),
        ("page", "contradicted", 4.5),
        ("page", "ink", 4.5),
        ("caution", "caution-tint", 4.5),
        ("strong", "page", 3.0),
    ],
)
def test_contrast_is_that_of_wcag_aa(text, ground, ratio):
    for scheme in colours():
        low, high = sorted(luminance(scheme[name]) for name in (text, ground))
        assert (high + 0.05) / (low + 0.05) >= ratio


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    (folder / "report.html").write_text(render(PAGE), encoding="utf-8")
    with browser(folder / "profile") as window:
        window.path = folder / "report.html"
        yield window


@pytest.fixture
def opened(window):
    window.prefer("light")
    window.resize(1280, 800)
    window.open(window.path)
    return window


LABELS = (
    "return Array.from(document.querySelectorAll('tbody th')).slice(0, 8).map(c => c.innerText)"
)
TIP = "const tip = document.querySelector('.tip'); return tip.hidden ? '' : tip.innerText"
HEADER = "document.querySelectorAll('thead button')[%d]"


@pytest.mark.slow
class TestBrowser:
    def test_a_header_sorts_measured_rows_and_leaves_the_published(self, opened):
        published = ["ails (published)", "mixup (published)"]
        up = ["none", "ails", "cutmix", "bsda[a=1,b=2]", "mixup"]
        down = ["mixup", "bsda[a=1,b=2]", "ails", "cutmix", "none"]
        breast = HEADER % 1
        state = f"return {breast}.parentNode.getAttribute('aria-sort')"
        assert opened.run(state) is None
        for direction, expected in (("ascending", up), ("descending", down), ("ascending", up)):
            opened.run(f"{breast}.click()")
            assert opened.run(state) == direction
            assert opened.run(LABELS) == [*expected, "advprop", *published]
        opened.run(f"{HEADER % 0}.focus()")
        opened.press("Enter")
        assert opened.run(LABELS)[:6] == sorted([*up, "advprop"])
        assert opened.run(state) is None

    def test_the_keyboard_reaches_the_details(self, opened):
        opened.run(f"{HEADER % 10}.focus()")
        opened.press("Tab")
        assert opened.run(TIP) == "mixup: seeds 0–9"
        assert opened.run("return document.activeElement.ariaDescription") == "mixup: seeds 0–9"
        opened.press("Down", "Right")
        assert opened.run(TIP) == "none: seeds 0–9"
        opened.press("Down")
        assert opened.run(TIP) == "ails: seeds 0–9", "a dash has no details"
        assert opened.run("return document.activeElement.cellIndex") == 2
        opened.press("Escape")
        assert opened.run(TIP) == ""
        opened.press("Tab")
        inside = "return document.querySelector('table').contains(document.activeElement)"
        assert not opened.run(inside), "a table is one stop"

    def test_only_what_scrolls_is_a_stop_of_the_keyboard(self, opened):
        stops = (
            "const all = [...document.querySelectorAll('.plot, .scroll')]"
            ".filter(b => b.checkVisibility());"
            "return [all.map(b => b.tabIndex === 0), all.map(b => b.scrollWidth > b.clientWidth)]"
        )
        for width in (1280, 375):
            opened.resize(width, 800)
            reached, scrolls = opened.run(stops)
            assert reached == scrolls
        assert any(scrolls)

    @pytest.mark.parametrize("tap", [False, True])
    def test_pointing_and_tapping_show_the_details(self, opened, tap):
        place = (
            "const cell = document.querySelectorAll('tbody td')[arguments[0]];"
            "cell.scrollIntoView({block: 'center'});"
            "const box = cell.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]"
        )
        opened.point(*opened.run(place, 1), tap=tap)
        assert opened.run(TIP) == "mixup: seeds 0–9"
        box = opened.run(
            "const b = document.querySelector('.tip').getBoundingClientRect(); return b"
        )
        assert box["left"] >= 0 and box["right"] <= 1280 and box["bottom"] <= 800
        opened.point(*opened.run(place, 9), tap=tap)
        assert opened.run(TIP) == ""

    def test_dark_follows_the_system_until_the_reader_chooses(self, opened):
        ground = "return getComputedStyle(document.body).backgroundColor"
        pressed = "return document.querySelector('.theme').getAttribute('aria-pressed')"
        light = opened.run(ground)
        assert opened.run(pressed) == "false"
        opened.prefer("dark")
        dark = opened.run(ground)
        assert dark != light
        assert opened.run(pressed) == "true"
        opened.run("document.querySelector('.theme').click()")
        assert (opened.run(ground), opened.run(pressed)) == (light, "false")
        opened.open(opened.path)
        assert opened.run(ground) == light, "the choice is remembered"
        opened.run("localStorage.clear()")

    @pytest.mark.parametrize("width", [320, 375, 800, 1280])
    def test_the_page_does_not_scroll_sideways(self, opened, width):
        opened.resize(width, 800)
        opened.run("for (const d of document.querySelectorAll('details')) d.open = true")
        assert opened.run("return document.documentElement.scrollWidth") <= width
        table = opened.run("const s = document.querySelector('.scroll'); return s.scrollWidth")
        assert (table > width) == (width < 900), "but the table does"

    def test_figures_shrink_with_the_page(self, opened):
        size = "const b = document.querySelector('.plot svg').getBoundingClientRect();"
        shape = f"{size} return [b.width, b.width / b.height]"
        wide, ratio = opened.run(shape)
        opened.resize(375, 800)
        narrow, same = opened.run(shape)
        assert narrow < 375 < wide
        assert same == pytest.approx(ratio, rel=0.01)

    def test_a_command_is_copied(self, opened):
        opened.chrome("Browser.grantPermissions", permissions=["clipboardReadWrite"])
        opened.run("document.querySelector('.copy').click()")
        label = "return document.querySelector('.copy').innerText"
        assert opened.run(f"await new Promise(done => setTimeout(done, 100)); {label}") == "Copied"

    def test_console_is_silent_and_the_network_is_not_asked(self, opened):
        assert opened.log("browser") == []
        messages = [json.loads(entry["message"])["message"] for entry in opened.log("performance")]
        asked = {
            message["params"]["request"]["url"].partition(":")[0]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        }
        assert "file" in asked
        assert asked <= {"file", "data", "chrome"}, "chrome: is the browser's own empty window"
