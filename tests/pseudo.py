"""A language that marks what was translated: every text of a catalogue stands in brackets.

What a page shows outside of brackets is either data or a text somebody forgot to mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser

from django.utils.translation import trans_real

OPEN, CLOSE = "⟦", "⟧"
SHOWN = ("aria-label", "placeholder", "title", "alt", "data-done", "data-confirm", "summary")
SILENT = {"script", "style", "svg", "code", "pre", "time", "kbd", "textarea"}
VOID = {"input", "img", "br", "hr", "link", "meta", "source", "wbr", "col"}


@contextmanager
def spoken() -> Iterator[None]:
    """Have every text that goes through gettext come out in brackets."""
    kept = {name: getattr(trans_real, name) for name in ("gettext", "ngettext", "pgettext")}

    def mark(text: str) -> str:
        return f"{OPEN}{text}{CLOSE}" if text else text

    trans_real.gettext = mark
    trans_real.ngettext = lambda one, many, n: mark(one if n == 1 else many)
    trans_real.pgettext = lambda _context, text: mark(text)
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(trans_real, name, function)


class Texts(HTMLParser):
    """Everything of a page that people read or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.found += [value for name, value in attributes if name in SHOWN and value]

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not SILENT & set(self.open):
            self.found.append(data)


def outside(html: str) -> list[str]:
    """Return the texts of a page, each without what stands in brackets; empty ones left out."""
    page = Texts()
    page.feed(html)
    rest = (_strip(" ".join(text.split())) for text in page.found)
    return [text for text in rest if re.search(r"[^\W\d_]{2}", text)]


def _strip(text: str) -> str:
    depth, kept = 0, []
    for character in text:
        depth += character == OPEN
        if depth == 0:
            kept.append(character)
        depth -= character == CLOSE
    return "".join(kept).strip()
