"""What all XML of the protocol shares: namespaces, escaping, and a parser that trusts nobody."""

from __future__ import annotations

import re
import sys
from typing import Final
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from fabric.odata.errors import BadRequest

ATOM: Final = "http://www.w3.org/2005/Atom"
APP: Final = "http://www.w3.org/2007/app"
DATA: Final = "http://schemas.microsoft.com/ado/2007/08/dataservices"
METADATA: Final = f"{DATA}/metadata"
SCHEME: Final = f"{DATA}/scheme"
RELATED: Final = f"{DATA}/related/"
MEDIA: Final = f"{DATA}/mediaresource/"
DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>'

MAX_DEPTH: Final = 60
MAX_ELEMENTS: Final = 20_000

# XML 1.0 cannot carry these at all, not even escaped.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SPECIAL = re.compile('[&<>"\r\n\t]')
# Either of them.
_UNSAFE = re.compile(_SPECIAL.pattern[:-1] + _ILLEGAL.pattern[1:])
_ESCAPES: Final = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\r": "&#13;",
    "\n": "&#10;",
    "\t": "&#9;",
}


def escape(text: str) -> str:
    """Text for an element or an attribute; characters XML cannot carry become U+FFFD."""
    if _UNSAFE.search(text) is None:
        return text
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], _ILLEGAL.sub("\ufffd", text))


def escape_all(texts: list[str]) -> list[str]:
    """Many texts escaped; most often none of them needs to be."""
    if _UNSAFE.search("".join(texts)) is None:
        return texts
    return [escape(text) for text in texts]


def parse(body: bytes, most: int | None = None) -> Element:
    """The root element; raises BadRequest for broken XML, any DTD, entities and deep nesting.

    With `most`, also for more elements than that: what strangers send is small.
    """
    parser = DefusedXMLParser(
        target=_Limited(most), forbid_dtd=True, forbid_entities=True, forbid_external=True
    )
    try:
        parser.feed(body)
        root: Element = parser.close()
    except DefusedXmlException:
        raise BadRequest("The body must not declare a document type or entities.") from None
    except (ParseError, ValueError, LookupError):
        raise BadRequest("The body is not valid XML.") from None
    return root


class _Limited(TreeBuilder):
    """Stops as soon as there is too much, not when all of it has been built."""

    def __init__(self, most: int | None) -> None:
        super().__init__()
        self._depth = 0
        self._left = sys.maxsize if most is None else most

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        self._left -= 1
        if self._depth > MAX_DEPTH:
            raise BadRequest("The body is nested too deeply.")
        if self._left < 0:
            raise BadRequest("The body has too many elements.")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def local_name(element: Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def child(element: Element, name: str) -> Element | None:
    """The first child of this local name, in whatever namespace."""
    return next((each for each in element if local_name(each) == name), None)


def attribute(element: Element, name: str) -> str:
    """An attribute of the metadata namespace, or the same without one."""
    return element.get(f"{{{METADATA}}}{name}", element.get(name, ""))
