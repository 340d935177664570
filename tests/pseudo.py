"""A language that marks what was translated: every text of a catalogue stands in brackets.

What a page shows outside of brackets is either data or a text somebody forgot to mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser

from django.utils.translation import _trans

OPEN, CLOSE = "⟦", "⟧"
SHOWN = ("aria-label", "placeholder", "title", "alt", "data-done", "data-confirm", "summary")
SILENT = {"script", "style", "svg", "code", "pre", "time", "kbd", "textarea"}
VOID = {"input", "img", "br", "hr", "link", "meta", "source", "wbr", "col"}


@contextmanager
def spoken() -> Iterator[None]:
    """Have every text that goes through gettext come out in brackets."""
    names = ("gettext", "ngettext", "pgettext")
    for name in names:
        getattr(_trans, name)  # it keeps what it looked up once

    def mark(text: str) -> str:
        return f"{OPEN}{text}{CLOSE}" if text else text

    kept = {name: vars(_trans)[name] for name in names}
    _trans.gettext = mark
    _trans.ngettext = lambda one, many, n: mark(one if n == 1 else many)
    _trans.pgettext = lambda _context, text: mark(text)
    try:
        yield
    finally:
        vars(_trans).update(kept)


class Texts(HTMLParser):
    """Everything of a page that people read or hear and that stands outside of brackets."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []
        # A text may go on after a link inside of it.
        self.depth = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.found += [outer(value, 0)[0] for name, value in attributes if name in SHOWN and value]

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not SILENT & set(self.open):
            text, self.depth = outer(data, self.depth)
            self.found.append(text)


def outside(html: str) -> list[str]:
    """Return the texts of a page that no catalogue was asked for, as far as they have letters."""
    page = Texts()
    page.feed(html)
    rest = (" ".join(text.split()) for text in page.found)
    return [text for text in rest if re.search(r"[^\W\d_]{2}", text)]


def outer(text: str, depth: int) -> tuple[str, int]:
    """Return what of a text stands in no bracket, and how many are open after it."""
    kept = []
    for character in text:
        depth += character == OPEN
        if depth == 0:
            kept.append(character)
        depth -= character == CLOSE
    return "".join(kept), depth
