"""JSON bodies: light in its three levels of annotation, and verbose.

Members stand in alphabetical order, as real SPF writes them; readers depend on no order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from fabric.odata.jsonencode import Row, entity_encoder, fallback
from fabric.odata.jsonread import (
    read_entry,
    read_feed,
    read_link,
    read_object,
    read_values,
)
from fabric.odata.negotiate import Format
from fabric.odata.schema import Model
from fabric.odata.shape import resolve

__all__ = [
    "entry",
    "feed",
    "links",
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
) -> bytes:
    """The body of a collection; raises BadRequest for an `expand` or `select` the type lacks."""
    root = _with_slash(root)
    shape = resolve(model, set_name, tuple(expand), None if select is None else tuple(select))
    encode = entity_encoder(model, shape, fmt)
    values = [encode(row, root) for row in rows]
    body: dict[str, Any]
    if fmt is Format.JSON_VERBOSE:
        body = {"results": values}
        _put(body, "__count", None if count is None else str(count))
        _put(body, "__next", next_link)
        return _dump({"d": body})
    body = {}
    if fmt is not Format.JSON_NONE:
        body["odata.metadata"] = f"{root}$metadata#{shape.set.name}"
    _put(body, "odata.count", None if count is None else str(count))
    body["value"] = values
    _put(body, "odata.nextLink", next_link)
    return _dump(body)


def entry(
    model: Model,
    set_name: str,
    row: Row,
    *,
    root: str,
    fmt: Format = Format.JSON_MINIMAL,
    expand: Sequence[str] = (),
    select: Sequence[str] | None = None,
) -> bytes:
    """The body of one entity; raises BadRequest as `feed` does."""
    root = _with_slash(root)
    shape = resolve(model, set_name, tuple(expand), None if select is None else tuple(select))
    value = entity_encoder(model, shape, fmt)(row, root)
    if fmt is Format.JSON_VERBOSE:
        return _dump({"d": value})
    if fmt is not Format.JSON_NONE:
        value["odata.metadata"] = f"{root}$metadata#{shape.set.name}/@Element"
    return _dump(value)


def links(owner_set: str, nav_name: str, urls: Iterable[str], *, root: str, fmt: Format) -> bytes:
    """The body of `…/$links/Nav`, from absolute URLs."""
    if fmt is Format.JSON_VERBOSE:
        return _dump({"d": {"results": [{"uri": url} for url in urls]}})
    body: dict[str, Any] = {}
    if fmt is not Format.JSON_NONE:
        body["odata.metadata"] = f"{_with_slash(root)}$metadata#{owner_set}/$links/{nav_name}"
    body["value"] = [{"url": url} for url in urls]
    return _dump(body)


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


def _put(body: dict[str, Any], name: str, value: object) -> None:
    if value is not None:
        body[name] = value


def _dump(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":"), default=fallback).encode("ascii")
