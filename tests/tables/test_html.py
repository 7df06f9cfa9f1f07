import pytest
from markup import Element

from reports.tables.html import to_html
from reports.tables.table import DASH, MISSING, Cell, Row, Table

HOSTILE = (
    "ails[alpha=0.5]",
    "<script>alert(1)</script>",
    "\"double\" 'single'",
    "a & b &amp; c",
    "</caption></table><p>",
    '" onfocus="alert(1)',
    "{{ 7 * 7 }} {% raw %} {# #}",
)
TABLE = Table(
    title="Accuracy (%), mean ± SD",
    columns=("method", "breast", "note"),
    rows=(
        Row("bsda", (Cell(0.861, 0.015, mark="*", detail="seeds 0–9, n = 10"), "none")),
        Row("ails", (Cell(0.877, 0.008), "1,234"), published=True),
        Row("ails[alpha=0.5]", (Cell(0.87749, 0.008, best=True, mark="†"), "5")),
        Row("mixup", (MISSING, "")),
    ),
    notes=("* p < 0.05",),
    data="phantom data, not MedMNIST",
)


def values(table):
    return [attrs.get("data-value") for attrs, _ in Element(to_html(table)).all("td")]


class TestContent:
    def test_cells_are_those_of_every_other_writer(self):
        element = Element(to_html(TABLE))
        found = iter(element.texts("th", "td"))
        marked = {(1, 1): "*", (2, 1): "†"}
        expected = (
            text + marked.get((row, column), "")
            for row, line in enumerate(TABLE.lines)
            for column, text in enumerate(line)
        )
        assert list(found) == list(expected)

    def test_the_best_is_bold_and_marks_are_raised(self):
        element = Element(to_html(TABLE))
        assert element.texts("strong") == ["87.7 ± 0.8"]
        assert element.texts("sup") == ["*", "†"]

    def test_footnotes_follow_in_order(self):
        assert tuple(Element(to_html(TABLE)).texts("p")) == TABLE.footnotes

    def test_details_belong_to_their_cells_alone(self):
        cells = Element(to_html(TABLE)).all("td")
        assert [a.get("title") for a, _ in cells] == ["seeds 0–9, n = 10"] + [None] * 7

    def test_a_dash_where_there_is_no_mean(self):
        assert Element(to_html(TABLE)).texts("td")[4] == DASH


class TestStructure:
    def test_headers_have_a_scope_and_a_button(self):
        element = Element(to_html(TABLE))
        scopes = [attrs["scope"] for attrs, _ in element.all("th")]
        assert scopes == ["col"] * 3 + ["row"] * 4
        assert tuple(element.texts("button")) == TABLE.columns
        assert all(attrs["type"] == "button" for attrs, _ in element.all("button"))

    def test_published_rows_are_a_body_of_their_own_below(self):
        measured, published = Element(to_html(TABLE)).all("tbody")
        assert "class" not in measured[0] and "(published)" not in measured[1]
        assert published[0]["class"] == "published"
        assert published[1].strip().startswith("ails (published)")

    def test_the_region_can_be_scrolled_by_keyboard_and_has_a_name(self):
        (region,) = [a for a, _ in Element(to_html(TABLE)).all("div") if "role" in a]
        assert (region["role"], region["tabindex"]) == ("region", "0")
        assert region["aria-label"] == TABLE.title == Element(to_html(TABLE)).texts("caption")[0]

    def test_only_columns_of_numbers_stand_to_the_right(self):
        element = Element(to_html(TABLE))
        assert [a.get("class") for a, _ in element.all("th")][:3] == [None, "number", None]

    def test_only_columns_with_long_texts_break(self):
        rows = (Row("x", ("word " * 20, "short")), Row("y", ("", "")))
        element = Element(to_html(Table("", ("m", "finding", "kind"), rows)))
        assert [a.get("class") for a, _ in element.all("td")] == ["long", None] * 2

    def test_a_table_without_rows(self):
        element = Element(to_html(Table("empty", ("method", "breast"), ())))
        assert element.texts("button") == ["method", "breast"]
        assert element.all("tbody") == []


class TestValues:
    def test_are_in_the_printed_unit_and_not_rounded(self):
        cells = (Cell(1 / 3), Cell(1 / 3, scale=1), Cell(-0.5), Cell(float("nan")), MISSING)
        found = values(Table("", ("m", *"abcde"), (Row("x", cells),)))
        assert [None if v is None else float(v) for v in found] == [
            100 * (1 / 3),
            1 / 3,
            -50.0,
            None,
            None,
        ]

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("5", 5.0),
            ("-0.25", -0.25),
            ("600,338", 600338.0),
            ("1e-05", 1e-5),
            ("3,5,7", None),
            ("28×28", None),
            ("nan", None),
            ("inf", None),
            ("", None),
            (DASH, None),
            ("5 ± 1", None),
        ],
    )
    def test_of_texts_that_are_numbers(self, text, value):
        (found,) = values(Table("", ("m", "a"), (Row("x", (text,)),)))
        assert found == (None if value is None else repr(value))


@pytest.mark.parametrize("text", HOSTILE)
def test_every_text_comes_out_as_it_went_in(text):
    cell = Cell(0.5, mark=text, detail=text)
    table = Table(text, (text, text), (Row(text, (text,)), Row("x", (cell,))), (text,), data=text)
    element = Element(to_html(table))
    assert {tag for tag, _, _ in element.tags} <= {
        *("div", "table", "caption", "span", "thead", "tbody", "tr", "th", "td"),
        *("button", "sup", "p", "wbr"),
    }
    assert element.texts("caption", "button", "p") == [text] * 5
    assert element.texts("th")[2] == element.texts("td")[0] == element.texts("sup")[0] == text
    assert element.all("td")[1][0]["title"] == text
    assert not any(name.startswith("on") for _, attrs, _ in element.tags for name in attrs)
