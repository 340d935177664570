"""Reading Atom bodies: typed by the schema for a server, by `m:type` for a client.

Names are matched without their namespace and what `m:type` claims never overrules the schema: field
clients send numbers under the wrong type and complex types without a namespace.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from xml.etree.ElementTree import Element

from fabric.odata.errors import BadRequest
from fabric.odata.literals import from_xml_text
from fabric.odata.schema import Model, Prop
from fabric.odata.xml import MAX_ELEMENTS, RELATED, attribute, child, local_name, parse

# Typed on reading without a schema; the rest stays text, as it would be in JSON.
_NATIVE = frozenset({"Boolean", "Byte", "Int16", "Int32", "Int64", "Double"})


def read_entry(body: bytes, model: Model, set_name: str) -> dict[str, object]:
    """The properties present in a request body, typed by the schema; null is None."""
    return read_values(body, model, model.set(set_name).type.props)


def read_values(body: bytes, model: Model, props: Iterable[Prop]) -> dict[str, object]:
    """The values of these properties in an entry, or in `properties` sent alone."""
    root = parse(body, MAX_ELEMENTS)
    if local_name(root) not in ("entry", "properties"):
        raise BadRequest("The body must be an Atom entry.")
    holder = root if local_name(root) == "properties" else _properties(root)
    return {} if holder is None else _typed(model, props, holder, "")


def _properties(entry: Element) -> Element | None:
    content = child(entry, "content")
    inside = child(content, "properties") if content is not None else None
    # A media entry carries its properties beside the content.
    return inside if inside is not None else child(entry, "properties")


def _typed(model: Model, props: Iterable[Prop], holder: Element, above: str) -> dict[str, object]:
    known = {prop.name: prop for prop in props}
    found: dict[str, object] = {}
    for element in holder:
        prop = known.get(local_name(element))
        if prop is not None:
            found[prop.name] = _typed_value(model, prop, element, above + prop.name)
    return found


def _typed_value(model: Model, prop: Prop, element: Element, path: str) -> object:
    if _is_null(element):
        return None
    if prop.is_collection:
        return [_typed_item(model, prop, item, path) for item in element if not _is_null(item)]
    return _typed_item(model, prop, element, path)


def _typed_item(model: Model, prop: Prop, element: Element, path: str) -> object:
    if prop.complex_name:
        return _typed(model, model.complex_types[prop.complex_name].props, element, f"{path}/")
    if len(element):
        raise BadRequest(f"The value of the property '{path}' must be plain text.")
    try:
        return from_xml_text(element.text or "", prop.item_type)
    except BadRequest:
        raise BadRequest(
            f"The value of the property '{path}' is not a valid Edm.{prop.item_type}."
        ) from None


def _is_null(element: Element) -> bool:
    return attribute(element, "null").strip().lower() in ("true", "1")


def read_feed(body: bytes) -> tuple[list[dict[str, Any]], str | None, int | None]:
    """The rows of a feed, the address of the next page, and the total count."""
    root = parse(body)
    if local_name(root) != "feed":
        raise BadRequest("The body is not an OData feed.")
    counted = child(root, "count")
    text = (counted.text or "").strip() if counted is not None else ""
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
    return _rows(root), _next_link(root), count


def read_object(body: bytes) -> dict[str, Any]:
    """The members of one entry, without links that were not expanded."""
    root = parse(body)
    if local_name(root) != "entry":
        raise BadRequest("The body is not an OData entity.")
    return _row(root)


def read_link(body: bytes) -> str:
    """The address in the body of a request to `$links`."""
    root = parse(body, MAX_ELEMENTS)
    url = (root.text or "").strip()
    if local_name(root) != "uri" or not url:
        raise BadRequest("The body must hold the 'uri' of an entity.")
    return url


def _rows(feed: Element) -> list[dict[str, Any]]:
    return [_row(element) for element in feed if local_name(element) == "entry"]


def _next_link(feed: Element) -> str | None:
    for element in feed:
        if local_name(element) == "link" and element.get("rel") == "next":
            return element.get("href") or None
    return None


def _row(entry: Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for link in entry:
        inline = child(link, "inline") if local_name(link) == "link" else None
        rel = link.get("rel", "")
        if inline is not None and rel.startswith(RELATED):
            found[rel.removeprefix(RELATED)] = _inline(inline, link.get("type", ""))
    holder = _properties(entry)
    if holder is not None:
        found |= {local_name(element): _value(element) for element in holder}
    return found


def _inline(inline: Element, media_type: str) -> Any:
    feed, entry = child(inline, "feed"), child(inline, "entry")
    if feed is not None:
        return _rows(feed)
    if entry is not None:
        return _row(entry)
    return [] if "type=feed" in media_type.replace(" ", "") else None


def _value(element: Element) -> Any:
    if _is_null(element):
        return None
    kind = attribute(element, "type")
    if kind.startswith(("Collection(", "Bag(")) or _holds_items(element):
        return [_value(item) for item in element]
    if len(element) or (kind and not kind.startswith("Edm.")):
        return {local_name(member): _value(member) for member in element}
    edm_type = kind.removeprefix("Edm.")
    text = element.text or ""
    if edm_type not in _NATIVE:
        return text
    # A server's number may not fit the type it claims; the widest one takes them all.
    wide = edm_type if edm_type in ("Boolean", "Double") else "Int64"
    try:
        return from_xml_text(text, wide)
    except BadRequest:
        # One odd value must not cost the reader the whole feed.
        return text


def _holds_items(element: Element) -> bool:
    return len(element) > 0 and all(local_name(item) == "element" for item in element)
