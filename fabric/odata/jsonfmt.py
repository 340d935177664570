"""JSON bodies: light in its three levels of annotation, and verbose.

Members stand in alphabetical order, as real SPF writes them; readers depend on no order. A feed is
written in parts, each of so many rows as its caller has at hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from fabric.odata.jsonencode import entity_writer, value_writer
from fabric.odata.jsonread import (
    read_entry,
    read_feed,
    read_link,
    read_object,
    read_values,
)
from fabric.odata.negotiate import Format
from fabric.odata.schema import Model, Prop
from fabric.odata.shape import Row, Shape, resolve

__all__ = [
    "entry",
    "feed",
    "feed_parts",
    "link",
    "links",
    "property_value",
    "read_entry",
    "read_feed",
    "read_link",
    "read_object",
    "read_values",
    "service_document",
]


def feed(
    model: Model,
    set_name: str,
    rows: Iterable[Row],
    *,
    root: str,
    fmt: Format = Format.JSON_MINIMAL,
    count: int | None = None,
    expand: Sequence[str] = (),
    select: Sequence[str] | None = None,
    next_link: str | None = None,
    version: int = 3,
) -> bytes:
    """The body of a collection; raises BadRequest for an `expand` or `select` the type lacks."""
    shape = resolve(
        model, set_name, tuple(expand), None if select is None else tuple(select), version
    )
    parts = feed_parts(
        shape, [list(rows)], root=root, fmt=fmt, count=count, next_link=lambda: next_link
    )
    return b"".join(parts)


def feed_parts(
    shape: Shape,
    chunks: Iterable[Sequence[Row]],
    *,
    root: str,
    fmt: Format = Format.JSON_MINIMAL,
    count: int | None = None,
    next_link: Callable[[], str | None] = lambda: None,
) -> Iterator[bytes]:
    """The body of a collection, part by part; `next_link` is asked for when the rows are out."""
    root = _with_slash(root)
    write = entity_writer(shape, fmt)
    yield _feed_head(shape, root, fmt, count).encode()
    comma = ""
    for rows in chunks:
        if rows:
            yield f"{comma}{','.join(write(rows, root))}".encode("ascii")
            comma = ","
    verbose, further = fmt is Format.JSON_VERBOSE, next_link()
    name = "__next" if verbose else "odata.nextLink"
    link = f',"{name}":{json.dumps(further)}' if further is not None else ""
    yield f"]{link}{'}}' if verbose else '}'}".encode("ascii")


def _feed_head(shape: Shape, root: str, fmt: Format, count: int | None) -> str:
    if fmt is Format.JSON_VERBOSE:
        counted = "" if count is None else f'"__count":"{count}",'
        return f'{{"d":{{{counted}"results":['
    metadata = json.dumps(f"{root}$metadata#{shape.set.name}")
    named = "" if fmt is Format.JSON_NONE else f'"odata.metadata":{metadata},'
    counted = "" if count is None else f'"odata.count":"{count}",'
    return f'{{{named}{counted}"value":['


def entry(
    model: Model,
    set_name: str,
    row: Row,
    *,
    root: str,
    fmt: Format = Format.JSON_MINIMAL,
    expand: Sequence[str] = (),
    select: Sequence[str] | None = None,
    version: int = 3,
) -> bytes:
    """The body of one entity; raises BadRequest as `feed` does."""
    root = _with_slash(root)
    shape = resolve(
        model, set_name, tuple(expand), None if select is None else tuple(select), version
    )
    text = entity_writer(shape, fmt)([row], root)[0]
    if fmt is Format.JSON_VERBOSE:
        return f'{{"d":{text}}}'.encode("ascii")
    if fmt is not Format.JSON_NONE:
        text = _told(text, f"{root}$metadata#{shape.set.name}/@Element")
    return text.encode("ascii")


def property_value(
    model: Model, prop: Prop, value: Any, *, root: str, fmt: Format, version: int = 3
) -> bytes:
    """The body of one property of an entity."""
    text = value_writer(model, prop, fmt, version)([value])[0]
    if fmt is Format.JSON_VERBOSE:
        return f'{{"d":{{"{prop.name}":{text}}}}}'.encode("ascii")
    is_object = bool(prop.complex_name) and not prop.is_collection
    type_name = model.type_name(prop)
    if value is None and not is_object and not prop.is_collection:
        text, type_name = '{"odata.null":true}', "Edm.Null"
    elif not is_object:
        text = f'{{"value":{text}}}'
    if fmt is not Format.JSON_NONE:
        text = _told(text, f"{_with_slash(root)}$metadata#{type_name}")
    return text.encode("ascii")


def links(
    owner_set: str,
    nav_name: str,
    urls: Iterable[str],
    *,
    root: str,
    fmt: Format,
    count: int | None = None,
    next_link: str | None = None,
) -> bytes:
    """The body of `…/$links/Nav` to many, from absolute URLs."""
    body: dict[str, Any] = {}
    if fmt is Format.JSON_VERBOSE:
        _put(body, "__count", None if count is None else str(count))
        body["results"] = [{"uri": url} for url in urls]
        _put(body, "__next", next_link)
        return _dump({"d": body})
    if fmt is not Format.JSON_NONE:
        body["odata.metadata"] = f"{_with_slash(root)}$metadata#{owner_set}/$links/{nav_name}"
    _put(body, "odata.count", None if count is None else str(count))
    body["value"] = [{"url": url} for url in urls]
    _put(body, "odata.nextLink", next_link)
    return _dump(body)


def link(owner_set: str, nav_name: str, url: str, *, root: str, fmt: Format) -> bytes:
    """The body of `…/$links/Nav` to one, from an absolute URL."""
    if fmt is Format.JSON_VERBOSE:
        return _dump({"d": {"uri": url}})
    body: dict[str, Any] = {}
    if fmt is not Format.JSON_NONE:
        body["odata.metadata"] = f"{_with_slash(root)}$metadata#{owner_set}/$links/{nav_name}"
    return _dump({**body, "url": url})


def service_document(model: Model, *, root: str, fmt: Format = Format.JSON_MINIMAL) -> bytes:
    """The list of the service's entity sets."""
    names = sorted(model.sets)
    if fmt is Format.JSON_VERBOSE:
        return _dump({"d": {"EntitySets": names}})
    body: dict[str, Any] = {}
    if fmt is not Format.JSON_NONE:
        body["odata.metadata"] = f"{_with_slash(root)}$metadata"
    body["value"] = [{"name": name, "url": name} for name in names]
    return _dump(body)


def _with_slash(root: str) -> str:
    return root if root.endswith("/") else f"{root}/"


def _told(text: str, metadata: str) -> str:
    """The object with a last member that says what it is."""
    comma = "" if text == "{}" else ","
    return f'{text[:-1]}{comma}"odata.metadata":{json.dumps(metadata)}}}'


def _put(body: dict[str, Any], name: str, value: object) -> None:
    if value is not None:
        body[name] = value


def _dump(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode("ascii")
