"""An HTML page taken apart: its elements, links to other places and visible text."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "rect", "line"}


class Page(HTMLParser):
    """Elements, attributes and visible text; tags must close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.open: list[str] = []
        self.said = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.said += f" {data}"

    def text(self) -> str:
        return " ".join(self.said.split())

    def alts(self) -> list[str]:
        return [value or "" for _, name, value in self.attributes if name == "alt"]

    def links(self) -> list[str]:
        """Everything that a browser would fetch."""
        return [value or "" for _, name, value in self.attributes if name in ("src", "href")]
