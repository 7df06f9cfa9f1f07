"""HTML as a parser reads it."""

from html.parser import HTMLParser

VOID = ("link", "meta", "wbr")


class Element(HTMLParser):
    """The tags of a page with their attributes and the text within; every tag has to be closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[int] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes), []))
        if tag not in VOID:
            self.open.append(len(self.tags) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.tags[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for index in self.open:
            self.tags[index][2].append(data)

    def all(self, *names: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attrs, "".join(text)) for tag, attrs, text in self.tags if tag in names]

    def texts(self, *names: str) -> list[str]:
        return [text for _, text in self.all(*names)]
