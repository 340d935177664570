"""What of the rows wanted and of a `$filter` the database can do.

What is handed down leaves no row out; where it lets some too many in, they are looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from fabric.odata.errors import BadRequest
from fabric.odata.filter import Expr
from fabric.odata.literals import Value, from_json
from fabric.odata.schema import EntityType
from fabric.spf.conditions import Conditions
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


def filtered(
    scope: Scope, table: Table, entity: EntityType, rows: QuerySet[Any], condition: Expr | None
) -> tuple[QuerySet[Any], bool]:
    """The rows that may pass, and whether all of them do."""
    if condition is None:
        return rows, True
    found = Conditions(scope, table, entity).of(condition)
    return (rows, False) if found is None else (rows.filter(found.q), found.is_exact)


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
