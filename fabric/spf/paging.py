"""Sorting rows, cutting pages out of them, and finding the place again where a page ended.

A page ends at values, not at a number: rows that come or go meanwhile neither repeat nor hide
others. The values travel in the token, signed, so that a client hands back what it was given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core import signing
from django.db.models import F, Q, QuerySet
from django.db.models import Value as Given
from django.db.models.lookups import GreaterThan, LessThan

from fabric.odata.errors import BadRequest
from fabric.odata.literals import Value, format_literal, parse_literal
from fabric.odata.query import QueryOptions
from fabric.odata.schema import EntityType
from fabric.spf.conditions import by_code
from fabric.spf.schema import Column, Row, Table

# A client may wish for more; the rest is one link away.
MAX_PAGE: Final = 2_000
MAX_TOKEN: Final = 16_000
_SALT: Final = "fabric.spf.skiptoken"

Sort = tuple[str, bool]


@dataclass(frozen=True)
class Cut:
    """Which part of the sorted rows an answer shows.

    `after` are the values the last page ended with, `given` is how many rows went before it.
    """

    sorts: tuple[Sort, ...]
    mark: str
    top: int | None = None
    skip: int = 0
    size: int | None = None
    after: tuple[Value, ...] | None = None
    given: int = 0

    @property
    def limit(self) -> int | None:
        """How many rows this answer may have."""
        left = None if self.top is None else max(0, self.top - self.given)
        return min((each for each in (left, self.size) if each is not None), default=None)

    def of_database(self, table: Table, entity: EntityType, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The sorted rows of this page, and one more where there may be another page."""
        if self.after is not None:
            columns = [(name, table.columns[name], desc) for name, desc in self.sorts]
            rows = rows.filter(_behind(entity, columns, self.after))
        return rows[self.skip : None if self.limit is None else self.skip + self._wanted]

    def of_rows(self, rows: Sequence[Row]) -> list[Row]:
        """The same of rows sorted already."""
        if self.after is not None:
            rows = [row for row in rows if self._is_behind(row)]
        return list(rows[self.skip : None if self.limit is None else self.skip + self._wanted])

    def ended(self, rows: list[Row]) -> tuple[list[Row], str | None]:
        """The rows to show, and the token of the next page if there is one."""
        if self.size is None or self.limit is None or len(rows) <= self.limit:
            return rows, None
        rows = rows[: self.limit]
        given = self.given + len(rows)
        if not rows or (self.top is not None and given >= self.top):
            return rows, None
        values = [format_literal(value_at(rows[-1], name)) for name, _ in self.sorts]
        told = {"m": self.mark, "v": values, "g": given, "n": self.size}
        return rows, signing.dumps(told, salt=_SALT, compress=True)

    @property
    def _wanted(self) -> int:
        return (self.limit or 0) + (1 if self.size is not None else 0)

    def _is_behind(self, row: Row) -> bool:
        assert self.after is not None
        for (name, descending), mark in zip(self.sorts, self.after, strict=True):
            here, there = rank(value_at(row, name)), rank(mark)
            if here != there:
                return (here < there) if descending else (here > there)
        return False


def cut(options: QueryOptions, keys: Iterable[str], size: int | None, place: object) -> Cut:
    """The part that options and a preference ask for; raises BadRequest for a broken token.

    `keys` make the order of any two rows certain.
    """
    named = {name for name, _ in options.orderby}
    sorts = (*options.orderby, *((name, False) for name in keys if name not in named))
    asked = repr((place, options.filter, sorts))
    mark = hashlib.sha256(asked.encode("utf-8", "replace")).hexdigest()[:16]
    size = None if size is None else min(size, MAX_PAGE)
    if options.skiptoken is None:
        return Cut(sorts, mark, options.top, options.skip or 0, size)
    after, given, before = _opened(options.skiptoken, mark, len(sorts))
    # What was skipped lies before the first page.
    return Cut(sorts, mark, options.top, 0, size or before, after, given)


def _opened(token: str, mark: str, count: int) -> tuple[tuple[Value, ...], int, int]:
    broken = BadRequest("The $skiptoken is not one of this query.")
    if len(token) > MAX_TOKEN:
        raise broken
    try:
        told = signing.loads(token, salt=_SALT)
        if told["m"] != mark or len(told["v"]) != count:
            raise broken
        return tuple(parse_literal(each) for each in told["v"]), told["g"], told["n"]
    except (signing.BadSignature, ValueError, TypeError, LookupError):
        raise broken from None


def _behind(
    entity: EntityType, columns: Sequence[tuple[str, Column, bool]], after: Sequence[Value]
) -> Q:
    """Rows that are sorted after some values: beyond in one, the same in all before it."""
    found = Q(pk__in=[])
    same = Q()
    for (name, column, descending), value in zip(columns, after, strict=True):
        found |= same & _beyond(entity, name, column.path, descending, value)
        same &= Q(**{f"{column.path}__isnull": True} if value is None else {column.path: value})
    return found


def _beyond(entity: EntityType, name: str, path: str, descending: bool, value: Value) -> Q:
    # Nulls are the lowest.
    if value is None:
        return Q(pk__in=[]) if descending else Q(**{f"{path}__isnull": False})
    prop = entity.prop(name)
    is_text = prop is not None and prop.item_type == "String"
    if is_text:
        lookup = LessThan if descending else GreaterThan
        further = Q(lookup(by_code(path), Given(value)))
    else:
        further = Q(**{f"{path}__{'lt' if descending else 'gt'}": value})
    return further | Q(**{f"{path}__isnull": True}) if descending else further


def is_plain(table: Table, name: str) -> bool:
    """Tell whether the database keeps a property as it is shown, so that it can sort by it."""
    column = table.columns.get(name)
    return column is not None and column.values is None


def in_database(entity: EntityType, table: Table, sorts: Sequence[Sort]) -> list[Any]:
    """The sorts for the database."""
    found: list[Any] = []
    for name, descending in sorts:
        path, prop = table.columns[name].path, entity.prop(name)
        is_text = prop is not None and prop.item_type == "String"
        by = by_code(path) if is_text else F(path)
        # Nulls are the lowest in this protocol, the highest in PostgreSQL.
        found.append(by.desc(nulls_last=True) if descending else by.asc(nulls_first=True))
    return found


def sort(rows: list[Row], sorts: Sequence[Sort]) -> None:
    """Sort rows in place; what is equal stays as it stands."""
    try:
        for name, descending in reversed(sorts):
            rows.sort(key=lambda row, path=name: rank(value_at(row, path)), reverse=descending)  # type: ignore[misc]
    except TypeError:
        raise BadRequest("'$orderby' takes properties with a single value.") from None


def rank(value: Any) -> tuple[bool, Any]:
    """What a value is sorted by: nulls first."""
    return value is not None, value if value is not None else 0


def value_at(row: Row, path: str) -> Any:
    """The value of a property, nested or of a related entity."""
    value: Any = row
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
