"""What all XML of the protocol shares: namespaces, escaping, and a parser that trusts nobody."""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

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

# XML 1.0 cannot carry these at all, not even escaped.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SPECIAL = re.compile('[&<>"\r\n\t]')
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


def parse(body: bytes) -> Element:
    """The root element; raises BadRequest for broken XML, any DTD, entities and deep nesting."""
    try:
        root: Element = fromstring(
            body, forbid_dtd=True, forbid_entities=True, forbid_external=True
        )
    except DefusedXmlException:
        raise BadRequest("The body must not declare a document type or entities.") from None
    except (ParseError, ValueError, LookupError):
        raise BadRequest("The body is not valid XML.") from None
    _check_depth(root)
    return root


def _check_depth(root: Element) -> None:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for element in level for child in element]
        if not level:
            return
    raise BadRequest("The body is nested too deeply.")


def local_name(element: Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def child(element: Element, name: str) -> Element | None:
    """The first child of this local name, in whatever namespace."""
    return next((each for each in element if local_name(each) == name), None)


def attribute(element: Element, name: str) -> str:
    """An attribute of the metadata namespace, or the same without one."""
    return element.get(f"{{{METADATA}}}{name}", element.get(name, ""))
