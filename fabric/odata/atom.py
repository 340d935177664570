"""Atom bodies, the format this protocol falls back to; the same functions as in `jsonfmt`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from fabric.odata.atomread import (
    read_entry,
    read_feed,
    read_link,
    read_object,
    read_values,
)
from fabric.odata.atomwrite import Row, entry_writer, feed_inside
from fabric.odata.negotiate import Format
from fabric.odata.schema import Model
from fabric.odata.shape import resolve
from fabric.odata.xml import APP, ATOM, DATA, DECLARATION, METADATA, escape

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
    fmt: Format = Format.ATOM,
    count: int | None = None,
    expand: Sequence[str] = (),
    select: Sequence[str] | None = None,
    next_link: str | None = None,
    updated: datetime | None = None,
) -> bytes:
    """The body of a collection; `fmt` is there to be called like the JSON writer."""
    root = _with_slash(root)
    shape = resolve(model, set_name, tuple(expand), None if select is None else tuple(select))
    write = entry_writer(model, shape)
    stamp, name = _stamp(updated), shape.set.name
    entries = (write(row, root, stamp) for row in rows)
    inside = feed_inside(entries, root, stamp, name, title=name, count=count, next_link=next_link)
    return f"{DECLARATION}<feed {_namespaces(root)}>{inside}</feed>".encode()


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
) -> bytes:
    """The body of one entity."""
    root = _with_slash(root)
    shape = resolve(model, set_name, tuple(expand), None if select is None else tuple(select))
    inside = entry_writer(model, shape)(row, root, _stamp(updated))
    return f"{DECLARATION}<entry {_namespaces(root)}>{inside}</entry>".encode()


def links(
    owner_set: str, nav_name: str, urls: Iterable[str], *, root: str, fmt: Format = Format.ATOM
) -> bytes:
    """The body of `…/$links/Nav`, from absolute URLs."""
    body = "".join(f"<uri>{escape(url)}</uri>" for url in urls)
    return f'{DECLARATION}<links xmlns="{DATA}">{body}</links>'.encode()


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
