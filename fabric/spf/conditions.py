"""Which part of a `$filter` the database can tell, and how it is asked.

Comparison is loose in this protocol (a name that looks like a number is sent as one), so a
comparison is handed down only where the database and `evaluate` cannot differ; the rest is
evaluated on the rows. A negation is moved down to the comparisons first: what a null leaves open
stays open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import F, Q, Value
from django.db.models.functions import Collate
from django.db.models.lookups import (
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
)

from fabric.odata.filter import And, Call, Compare, Expr, Literal, Not, Or, Property
from fabric.odata.literals import INTEGER_RANGES, is_writable, parse_datetime, parse_guid
from fabric.odata.literals import Value as Constant
from fabric.odata.schema import EntityType
from fabric.spf.schema import Column, Table
from fabric.spf.scope import Scope

_OPPOSITE: Final = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "gt": "le", "le": "gt"}
_MIRRORED: Final = {"eq": "eq", "ne": "ne", "lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}
_LOOKUPS: Final = {"lt": "lt", "le": "lte", "gt": "gt", "ge": "gte"}
_OF_TEXT: Final = {
    "lt": LessThan,
    "le": LessThanOrEqual,
    "gt": GreaterThan,
    "ge": GreaterThanOrEqual,
}
_PARTS: Final = {"startswith": "startswith", "endswith": "endswith", "substringof": "contains"}
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.ASCII)
_NOTHING: Final = Q(pk__in=[])
# An empty Q would be true as well, but Django leaves it out of an `or`.
_EVERYTHING: Final = ~_NOTHING


@dataclass(frozen=True)
class Found:
    """Every row that passes fulfils `q`; where it is exact, no other row does."""

    q: Q
    is_exact: bool = True


class _Kept(Exception):
    """Only the rows can tell."""


def by_code(path: str) -> Collate:
    """A text as it is compared here: by code points, as Python does."""
    return Collate(F(path), "C")


class Conditions:
    """Reads conditions on the rows of one table."""

    def __init__(self, scope: Scope, table: Table, entity: EntityType) -> None:
        self._scope = scope
        self._table = table
        self._entity = entity

    def of(self, expr: Expr, negated: bool = False) -> Found | None:
        """What the database can tell; None when it is nothing."""
        match expr:
            case Not(term):
                return self.of(term, not negated)
            case And(terms) | Or(terms):
                together = isinstance(expr, And) != negated
                parts = [self.of(term, negated) for term in terms]
                return _all(parts) if together else _any(parts)
        try:
            return Found(self._simple(expr, negated))
        except _Kept:
            return None

    def _simple(self, expr: Expr, negated: bool) -> Q:
        match expr:
            case Literal(bool(value)):
                return _EVERYTHING if value is not negated else _NOTHING
            case Compare(op, Property((name,), ""), Literal(value)):
                return self._compare(_OPPOSITE[op] if negated else op, name, value)
            case Compare(op, Literal(value), Property((name,), "")):
                op = _MIRRORED[op]
                return self._compare(_OPPOSITE[op] if negated else op, name, value)
            case Compare("eq", Call() as call, Literal(bool(value))) if not negated:
                return self._part(call, not value)
            case Call():
                return self._part(expr, negated)
            case Property((name,), "") if self._type(name) == "Boolean":
                # Without a value it is open whichever way it is asked.
                return self._compare("eq", name, not negated)
        raise _Kept

    def _type(self, name: str) -> str:
        prop = self._entity.prop(name)
        return "" if prop is None or prop.is_collection else prop.item_type

    def _column(self, name: str) -> Column:
        column = self._table.columns.get(name)
        if column is None:
            raise _Kept
        return column

    def _compare(self, op: str, name: str, value: Constant) -> Q:
        column, edm_type = self._column(name), self._type(name)
        if column.values is not None:
            return self._respelled(op, column, edm_type, value)
        if value is None:
            if op not in ("eq", "ne"):
                return _NOTHING
            return Q(**{f"{column.path}__isnull": op == "eq"})
        if op in ("eq", "ne"):
            same = _same(edm_type, value)
            found = _NOTHING if same is None else Q(**{column.path: same})
            return found if op == "eq" else ~found | Q(**{f"{column.path}__isnull": True})
        return _apart(op, column.path, edm_type, value)

    def _respelled(self, op: str, column: Column, edm_type: str, value: Constant) -> Q:
        """Where a value is kept under another name; such columns are null in no row or in all."""
        assert column.values is not None
        if op not in ("eq", "ne") or value is None:
            raise _Kept
        same = _same(edm_type, value)
        kept = [] if same is None else list(column.values(self._scope, same))
        found = Q(**{f"{column.path}__in": kept})
        return found if op == "eq" else ~found

    def _part(self, call: Call, negated: bool) -> Q:
        """`startswith(Name,'web')` and its like."""
        whole, part = call.args[::-1] if call.name == "substringof" else (*call.args, None)[:2]
        match whole, part:
            case Property((name,), ""), Literal(str(value)) if call.name in _PARTS:
                column = self._column(name)
                if column.values is None and self._type(name) == "String" and is_writable(value):
                    found = Q(**{f"{column.path}__{_PARTS[call.name]}": value})
                    if not negated:
                        return found
                    return ~found & Q(**{f"{column.path}__isnull": False})
        raise _Kept


def _all(parts: list[Found | None]) -> Found | None:
    known = [part for part in parts if part is not None]
    if not known:
        return None
    exact = len(known) == len(parts) and all(part.is_exact for part in known)
    return Found(Q(*(part.q for part in known)), exact)


def _any(parts: list[Found | None]) -> Found | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return Found(_either([part.q for part in known]), all(part.is_exact for part in known))


def _either(asked: list[Q]) -> Q:
    """One of them; a long list of values for one column becomes one question."""
    values: dict[str, list[Any]] = {}
    rest: list[Q] = []
    for q in asked:
        pair = q.children[0] if len(q.children) == 1 and not q.negated else None
        if isinstance(pair, tuple) and "__" not in pair[0] and isinstance(pair[1], UUID | str):
            values.setdefault(pair[0], []).append(pair[1])
        else:
            rest.append(q)
    rest += [Q(**{f"{path}__in": found}) for path, found in values.items()]
    return Q(*rest, _connector=Q.OR)


def _same(edm_type: str, value: Constant) -> Any:
    """The one value of the type that equals a constant, None when none does."""
    if edm_type == "Guid":
        bare = value.strip("{}").lower() if isinstance(value, str) else ""
        return value if isinstance(value, UUID) else parse_guid(bare) if _GUID.match(bare) else None
    found = _ordered(edm_type, value)
    return found if not isinstance(found, str) or is_writable(found) else None


def _apart(op: str, path: str, edm_type: str, value: Constant) -> Q:
    if edm_type == "Boolean" or (edm_type == "Guid" and not isinstance(value, UUID)):
        raise _Kept
    bound = value if edm_type == "Guid" else _ordered(edm_type, value)
    if not isinstance(bound, str):
        return Q(**{f"{path}__{_LOOKUPS[op]}": bound})
    if not is_writable(bound):
        raise _Kept
    return Q(_OF_TEXT[op](by_code(path), Value(bound)))


def _ordered(edm_type: str, value: Constant) -> Any:
    """A constant as a value of the type it is compared in."""
    if edm_type == "Boolean" and isinstance(value, bool):
        return value
    if isinstance(value, bool):
        raise _Kept
    if edm_type in INTEGER_RANGES and isinstance(value, int):
        return value
    if edm_type == "String" and isinstance(value, str | int):
        return str(value)
    if edm_type == "DateTime" and isinstance(value, datetime | str):
        try:
            return parse_datetime(value) if isinstance(value, str) else value
        except (ValueError, OverflowError):
            raise _Kept from None
    raise _Kept
