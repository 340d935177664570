"""Atom bodies, the format this protocol falls back to; the same functions as in `jsonfmt`.

A feed is written in parts, each of so many rows as its caller has at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from fabric.odata.atomread import (
    read_entry,
    read_feed,
    read_link,
    read_object,
    read_values,
)
from fabric.odata.atomwrite import NOBODY, element, entry_writer, feed_head
from fabric.odata.negotiate import Format
from fabric.odata.schema import Model, Prop
from fabric.odata.shape import Row, Shape, resolve
from fabric.odata.xml import APP, ATOM, DATA, DECLARATION, METADATA, escape

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
    fmt: Format = Format.ATOM,
    count: int | None = None,
    expand: Sequence[str] = (),
    select: Sequence[str] | None = None,
    next_link: str | None = None,
    updated: datetime | None = None,
    version: int = 3,
) -> bytes:
    """The body of a collection; `fmt` is there to be called like the JSON writer."""
    shape = resolve(
        model, set_name, tuple(expand), None if select is None else tuple(select), version
    )
    parts = feed_parts(
        shape, [list(rows)], root=root, count=count, next_link=lambda: next_link, updated=updated
    )
    return b"".join(parts)


def feed_parts(
    shape: Shape,
    chunks: Iterable[Sequence[Row]],
    *,
    root: str,
    fmt: Format = Format.ATOM,
    count: int | None = None,
    next_link: Callable[[], str | None] = lambda: None,
    updated: datetime | None = None,
) -> Iterator[bytes]:
    """The body of a collection, part by part; `next_link` is asked for when the rows are out."""
    root, stamp, name = _with_slash(root), _stamp(updated), shape.set.name
    write = entry_writer(shape)
    head = feed_head(root, stamp, name, title=name, count=count)
    yield f"{DECLARATION}<feed {_namespaces(root)}>{head}".encode()
    is_empty = True
    for rows in chunks:
        is_empty = is_empty and not rows
        yield "".join(f"<entry>{inside}</entry>" for inside in write(rows, root, stamp)).encode()
    further = next_link()
    link = f'<link rel="next" href="{escape(further)}" />' if further is not None else ""
    yield f"{NOBODY if is_empty else ''}{link}</feed>".encode()


def entry(
    model: Model,
    set_name: str,
    row: Row,
    *,
    root: str,
    fmt: Format = Format.ATOM,
    expand: Sequence[str] = (),
    select: Sequence[str] | None = None,
    updated: datetime | None = None,
    version: int = 3,
) -> bytes:
    """The body of one entity."""
    root = _with_slash(root)
    shape = resolve(
        model, set_name, tuple(expand), None if select is None else tuple(select), version
    )
    inside = entry_writer(shape)([row], root, _stamp(updated))[0]
    return f"{DECLARATION}<entry {_namespaces(root)}>{inside}</entry>".encode()


def property_value(
    model: Model,
    prop: Prop,
    value: Any,
    *,
    root: str,
    fmt: Format = Format.ATOM,
    version: int = 3,
) -> bytes:
    """The body of one property of an entity."""
    start = f"<d:{prop.name}"
    rest = element(model, prop, value, version).removeprefix(start)
    return f'{DECLARATION}{start} xmlns:d="{DATA}" xmlns:m="{METADATA}"{rest}'.encode()


def links(
    owner_set: str,
    nav_name: str,
    urls: Iterable[str],
    *,
    root: str,
    fmt: Format = Format.ATOM,
    count: int | None = None,
    next_link: str | None = None,
) -> bytes:
    """The body of `…/$links/Nav` to many, from absolute URLs."""
    counted = "" if count is None else f'<m:count xmlns:m="{METADATA}">{count}</m:count>'
    body = "".join(f"<uri>{escape(url)}</uri>" for url in urls)
    further = f"<next>{escape(next_link)}</next>" if next_link is not None else ""
    return f'{DECLARATION}<links xmlns="{DATA}">{counted}{body}{further}</links>'.encode()


def link(owner_set: str, nav_name: str, url: str, *, root: str, fmt: Format = Format.ATOM) -> bytes:
    """The body of `…/$links/Nav` to one, from an absolute URL."""
    return f'{DECLARATION}<uri xmlns="{DATA}">{escape(url)}</uri>'.encode()


def service_document(model: Model, *, root: str, fmt: Format = Format.ATOM) -> bytes:
    """The list of the service's entity sets."""
    collections = "".join(
        f'<collection href="{name}"><atom:title>{name}</atom:title></collection>'
        for name in sorted(model.sets)
    )
    return (
        f'{DECLARATION}<service xml:base="{escape(_with_slash(root))}" xmlns="{APP}" '
        f'xmlns:atom="{ATOM}"><workspace><atom:title>Default</atom:title>{collections}'
        "</workspace></service>"
    ).encode()


def _namespaces(root: str) -> str:
    return f'xml:base="{escape(root)}" xmlns="{ATOM}" xmlns:d="{DATA}" xmlns:m="{METADATA}"'


def _with_slash(root: str) -> str:
    return root if root.endswith("/") else f"{root}/"


def _stamp(updated: datetime | None) -> str:
    moment = (updated or datetime.now(UTC)).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
