"""Columns that many sets have."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from fabric.odata.errors import BadRequest
from fabric.odata.literals import Value, from_json
from fabric.spf.schema import Column, Wanted
from fabric.spf.scope import Scope

GIB = 1024**3


def stamp(path: str = "server") -> Column:
    """StampId, kept as the VMM server the stamp means."""
    return Column(path, _servers)


def plain(**paths: str) -> dict[str, Column]:
    """Properties the database keeps as they are shown."""
    return {name: Column(path) for name, path in paths.items()}


def never() -> Column:
    """A property that is null in every row of a table."""
    return Column("pk", lambda scope, value: [])


def _servers(scope: Scope, value: Value) -> Iterable[Any]:
    try:
        stamp_id = from_json(value, "Guid")
    except BadRequest:
        return []
    return [server for known, server in scope.stamps.servers.items() if known == stamp_id]


def guids(wanted: Wanted, name: str) -> list[Any] | None:
    """The ids wanted under a property; None when any will do."""
    if name not in wanted:
        return None
    found = []
    for value in wanted[name]:
        try:
            found.append(from_json(value, "Guid"))
        except BadRequest:
            continue
    return found


def pairs(through: Any, here: str, there: str) -> Any:
    """How the table between two others is read, from one side of it."""

    def read(scope: Scope, values: Collection[Value]) -> Iterable[tuple[Value, Value]]:
        rows = through.objects.filter(**{f"{here}__in": values}).order_by("pk")
        return list(rows.values_list(here, there))

    return read
