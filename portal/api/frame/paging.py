"""Keyset paging: the cursor says where the last page ended, signed so that nobody makes one up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework import serializers

from portal.api.frame.fields import Asked, bad_parameters
from portal.api.frame.formats import moment
from portal.keyset import beyond

SALT = "api.cursor"
LARGEST = 200
USUAL = 50


class Listed(Asked):
    """What every list can be asked for."""

    limit = serializers.IntegerField(
        min_value=1, max_value=LARGEST, default=USUAL, help_text="Rows a page."
    )
    cursor = serializers.CharField(
        required=False, max_length=1000, help_text="Where the page begins: from `next`, as it is."
    )


@dataclass(frozen=True)
class Page:
    """Rows as dicts of columns, and the cursor of the next page, "" when there is none."""

    rows: list[dict[str, Any]]
    cursor: str = ""


def page(
    rows: QuerySet[Any],
    columns: Sequence[str],
    asked: Mapping[str, Any],
    *,
    order: str,
    unique: str = "id",
) -> Page:
    """Return one page by a column that is never null (`-` turns it round) and a unique one.

    One query. Both must be among the columns.
    """
    name, down = order.removeprefix("-"), order.startswith("-")
    sign = "-" if down else ""
    if asked.get("cursor"):
        rows = rows.filter(beyond(name, unique, _opened(asked["cursor"], order), down))
    keys = dict.fromkeys((f"{sign}{name}", f"{sign}{unique}"))
    limit = asked["limit"]
    found = list(rows.order_by(*keys).values(*columns)[: limit + 1])
    if len(found) <= limit:
        return Page(found)
    found = found[:limit]
    mark = [order, _plain(found[-1][name]), _plain(found[-1][unique])]
    return Page(found, signing.dumps(mark, salt=SALT))


def ordered(sort: str, orders: Mapping[str, str], turned: Sequence[str] = ()) -> str:
    """Return the order by columns for `sort`; of those turned, more means less of the column."""
    name, down = sort.removeprefix("-"), sort.startswith("-")
    return ("-" if down != (name in turned) else "") + orders[name]


def _opened(cursor: str, order: str) -> tuple[Any, Any]:
    try:
        made_for, value, last = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise bad_parameters({"cursor": _("Take it from “next” of the page before.")})
    if made_for != order:
        raise bad_parameters({"cursor": _("It belongs to a list in another order.")})
    return value, last


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    return moment(value) if hasattr(value, "isoformat") else str(value)
