"""Lists whose sort, filter and page stand in the URL, over portal.keyset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from portal import keyset

PAGE_SIZE = 50


def listed(
    request: HttpRequest, rows: QuerySet[Any], sorts: Mapping[str, str], *, default: str
) -> dict[str, Any]:
    """Return `page` and `sort` for a template: the page of rows the URL asks for. One query.

    `sorts` maps the word in the URL (`-word` turns it round) to a field that is never null. What
    makes no sense in the URL counts as not said.
    """
    sort = request.GET.get("sort", "")
    if sort.removeprefix("-") not in sorts:
        sort = default
    sign = "-" if sort.startswith("-") else ""
    order = sign + sorts[sort.removeprefix("-")]
    page = keyset.paginate(rows, order=order, query=request.GET, size=PAGE_SIZE)
    return {"page": page, "sort": sort}
