"""Keyset paging: a page begins where the last one ended, so page 400 costs what page 1 does."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.http import QueryDict


@dataclass
class Page:
    """Rows, and the query strings of the neighbours ("" when there are none)."""

    rows: list[Any] = field(default_factory=list)
    previous: str = ""
    next: str = ""


def paginate(
    rows: QuerySet[Any], *, order: str, query: QueryDict, size: int = 50, unique: str = "pk"
) -> Page:
    """Return one page of rows ordered by a field (`-` turns it round) and a unique one. One query.

    The field must never be null. Two rows more than `size` are never read. A mark that makes no
    sense for this order counts as none.
    """
    try:
        return _page(rows, order, query, size, unique)
    except (ValueError, TypeError, ValidationError):
        return _page(rows, order, _without_mark(query), size, unique)


def _page(rows: QuerySet[Any], order: str, query: QueryDict, size: int, unique: str) -> Page:
    name, descending = order.removeprefix("-"), order.startswith("-")
    backwards = "before" in query
    mark = _decode(query.get("before") or query.get("after") or "")
    down = descending != backwards
    if mark:
        rows = rows.filter(beyond(name, unique, mark, down))
    keys = dict.fromkeys((name, unique))
    found = list(rows.order_by(*(F(k).desc() if down else F(k).asc() for k in keys))[: size + 1])
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    page = Page(found)
    if found and (more if backwards else bool(mark)):
        page.previous = _link(query, "before", _encode(found[0], name, unique))
    if found and (bool(mark) if backwards else more):
        page.next = _link(query, "after", _encode(found[-1], name, unique))
    return page


def beyond(name: str, unique: str, mark: Sequence[Any], down: bool) -> Q:
    """Return the condition of rows after the one whose field and unique one are in `mark`."""
    compare = "lt" if down else "gt"
    if name == unique:
        return Q(**{f"{unique}__{compare}": mark[-1]})
    return Q(**{f"{name}__{compare}": mark[0]}) | Q(
        **{name: mark[0], f"{unique}__{compare}": mark[-1]}
    )


def _encode(row: Model, name: str, unique: str) -> str:
    values = [_value(row, name), _value(row, unique)]
    return base64.urlsafe_b64encode(json.dumps(values, default=str).encode()).decode().rstrip("=")


def _decode(text: str) -> list[Any]:
    """Return the mark's two values, or nothing for a mark that somebody made up."""
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        return []
    return values if isinstance(values, list) and len(values) == 2 and _is_sane(values) else []


def _is_sane(values: list[Any]) -> bool:
    return all(isinstance(value, str | int) and "\0" not in str(value) for value in values)


def _value(row: Any, path: str) -> Any:
    for part in path.split("__"):
        row = getattr(row, part)
    return row


def _link(query: QueryDict, name: str, mark: str) -> str:
    link = _without_mark(query)
    link[name] = mark
    return link.urlencode()


def _without_mark(query: QueryDict) -> QueryDict:
    rest = query.copy()
    for old in ("after", "before"):
        rest.pop(old, None)
    return rest
