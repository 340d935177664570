"""The options of a query string."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from fabric.odata.errors import BadRequest
from fabric.odata.filter import Expr, parse

MAX_OPTIONS: Final = 60
MAX_SORTS: Final = 20


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """The system options of a query; everything else is kept in `other`."""

    filter: Expr | None = None
    orderby: tuple[tuple[str, bool], ...] = ()
    top: int | None = None
    skip: int | None = None
    select: tuple[str, ...] | None = None
    expand: tuple[str, ...] = ()
    inlinecount: bool = False
    format: str | None = None
    skiptoken: str | None = None
    # Paths of navigations that `filter` and `orderby` look through; known once names are bound.
    joins: tuple[str, ...] = ()
    other: dict[str, str] = field(default_factory=dict)


def format_option(query_string: str) -> str | None:
    """The `$format` of a query string that may make no sense otherwise; never raises."""
    try:
        pairs = parse_qsl(query_string, max_num_fields=MAX_OPTIONS)
    except ValueError:
        return None
    return next((value for name, value in pairs if name.strip().lower() == "$format"), None)


def parse_query(query_string: str) -> QueryOptions:
    """The options of a raw query string; raises BadRequest for values that make no sense."""
    try:
        pairs = parse_qsl(query_string, keep_blank_values=True, max_num_fields=MAX_OPTIONS)
    except ValueError:
        raise BadRequest("The query string has too many options.") from None
    system: dict[str, str] = {}
    other: dict[str, str] = {}
    for name, value in pairs:
        lowered = name.strip().lower()
        if lowered in _SYSTEM_OPTIONS:
            if lowered in system:
                raise BadRequest(f"The option '{lowered}' may be given once only.")
            system[lowered] = value.strip()
        else:
            other[name] = value
    return QueryOptions(
        filter=parse(system["$filter"]) if system.get("$filter") else None,
        orderby=_orderby(system.get("$orderby", "")),
        top=_count(system, "$top"),
        skip=_count(system, "$skip"),
        select=_names(system.get("$select", "")) or None,
        expand=_names(system.get("$expand", "")),
        inlinecount=_inlinecount(system.get("$inlinecount", "")),
        format=system.get("$format") or None,
        skiptoken=system.get("$skiptoken") or None,
        other=other,
    )


_SYSTEM_OPTIONS: Final = frozenset(
    {
        "$filter",
        "$orderby",
        "$top",
        "$skip",
        "$skiptoken",
        "$select",
        "$expand",
        "$inlinecount",
        "$format",
    }
)


def _orderby(text: str) -> tuple[tuple[str, bool], ...]:
    found = []
    for part in _names(text):
        path, *direction = part.split()
        word = direction[0].lower() if direction else "asc"
        if len(direction) > 1 or word not in ("asc", "desc") or "(" in path:
            raise BadRequest("Syntax error in '$orderby'.")
        found.append((path, word == "desc"))
    if len(found) > MAX_SORTS:
        raise BadRequest(f"'$orderby' has more than {MAX_SORTS} properties.")
    return tuple(found)


def _count(system: Mapping[str, str], name: str) -> int | None:
    text = system.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise BadRequest(f"The value of '{name}' must be a non-negative integer.")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    parts = (part.strip() for part in text.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def _inlinecount(text: str) -> bool:
    if text.lower() not in ("", "none", "allpages"):
        raise BadRequest("The value of '$inlinecount' must be 'none' or 'allpages'.")
    return text.lower() == "allpages"
