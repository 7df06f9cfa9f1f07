"""The check of the site finds what is broken, and nothing in the site that was built."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from check import SITE, broken


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('<a href="b.html#here">b</a><a href="https://medmnist.com">out</a>', []),
        ('<a href="c.html">c</a>', ["a.html: no c.html"]),
        ('<a href="b.html#there">b</a>', ["a.html: no anchor b.html#there"]),
        ('<img src="https://x.org/a.png">', ["a.html: loads https://x.org/a.png"]),
        ('<source srcset="c.svg">', ["a.html: no c.svg"]),
    ],
)
def test_what_is_broken_is_found(body: str, found: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(body, encoding="utf-8")
    (tmp_path / "b.html").write_text('<p id="here">', encoding="utf-8")
    assert list(broken(tmp_path)) == found


@pytest.mark.slow
@pytest.mark.skipif(not SITE.exists(), reason="make site comes first")
def test_the_built_site_is_whole() -> None:
    assert list(broken(SITE)) == []
