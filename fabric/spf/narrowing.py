"""What of a `$filter` and an `$orderby` the database can do.

Comparison is loose in this protocol (a name that looks like a number is sent as one), so a value
is handed down only where the database and `evaluate` cannot differ; what is not handed down is
evaluated on the rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import F, QuerySet

from fabric.odata.errors import BadRequest
from fabric.odata.filter import And, Compare, Expr, Literal, Property
from fabric.odata.literals import Value, from_json
from fabric.odata.schema import EntityType
from fabric.spf.schema import Column, Table, Wanted
from fabric.spf.scope import Scope

_INTEGERS = ("Byte", "Int16", "Int32", "Int64")


def narrow(scope: Scope, table: Table, entity: EntityType, wanted: Wanted) -> QuerySet[Any]:
    """The caller's objects, cut down as far as the database can tell."""
    rows = table.objects(scope)
    for name, values in wanted.items():
        column = table.columns.get(name)
        if column is None:
            continue
        found = _database_values(scope, entity, name, column, values)
        if found is not None:
            rows = rows.filter(**{f"{column.path}__in": found}) if found else rows.none()
    return rows


def is_exact(table: Table, entity: EntityType, condition: Expr | None) -> bool:
    """Tell whether `narrow` by the condition's equalities leaves nothing to evaluate."""
    match condition:
        case None:
            return True
        case And(terms):
            return len({_name(term) for term in terms}) == len(terms) and all(
                is_exact(table, entity, term) for term in terms
            )
        case Compare("eq", Property((name,)), Literal(value)):
            return (
                value is not None and name in table.columns and _is_handed_down(entity, name, value)
            )
    return False


def ordered(
    table: Table, entity: EntityType, orderby: tuple[tuple[str, bool], ...]
) -> list[Any] | None:
    """The `$orderby` for the database, the key last; None when it must be done on the rows."""
    found: list[Any] = []
    for name, descending in orderby:
        column = table.columns.get(name)
        if column is None or column.values is not None:
            return None
        path = F(column.path)
        # Nulls are the lowest in this protocol, the highest in PostgreSQL.
        found.append(path.desc(nulls_last=True) if descending else path.asc(nulls_first=True))
    keys = (table.columns.get(name) for name in entity.key)
    found += [column.path for column in keys if column is not None and column.values is None]
    return found


def _name(term: Expr) -> str:
    match term:
        case Compare("eq", Property((name,)), Literal()):
            return name
    return ""


def _database_values(
    scope: Scope, entity: EntityType, name: str, column: Column, values: Iterable[Value]
) -> list[Any] | None:
    found: list[Any] = []
    for value in values:
        if not _is_handed_down(entity, name, value):
            return None
        if column.values is not None:
            found += column.values(scope, value)
        else:
            found += _typed(entity, name, value)
    return found


def _is_handed_down(entity: EntityType, name: str, value: Value) -> bool:
    edm_type = _edm_type(entity, name)
    if edm_type == "Guid":
        return True
    if edm_type == "String":
        # Text that looks like a GUID compares in any case and with braces.
        return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
    if edm_type in _INTEGERS:
        return isinstance(value, int) and not isinstance(value, bool)
    return edm_type == "Boolean" and isinstance(value, bool)


def _typed(entity: EntityType, name: str, value: Value) -> list[Any]:
    edm_type = _edm_type(entity, name)
    if edm_type == "String":
        text = str(value)
        return [] if "\0" in text else [text]
    try:
        return [from_json(value, edm_type)]
    except BadRequest:
        return []


def _edm_type(entity: EntityType, name: str) -> str:
    prop = entity.prop(name)
    return "" if prop is None else prop.item_type
