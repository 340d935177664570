"""A noun's rows as a table: heads, cells, and the way to each row."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from portal.admin_site.fabric import cells
from portal.admin_site.fabric.noun import Column, Noun


@dataclass(frozen=True)
class Line:
    """A row as drawn: what leads, and the other cells with their classes."""

    url: str
    lead: Any
    cells: list[tuple[str, Any]]
    row: Any


@dataclass(frozen=True)
class Table:
    columns: list[Column]
    lines: list[Line]


def table(noun: Noun, rows: Iterable[Any], *, without: Collection[str] = ()) -> Table:
    """Return the noun's columns for these rows; `without` leaves out what all of them share."""
    columns = [column for column in noun.columns if column.key not in without]
    first, *others = columns
    lines = [
        Line(
            reverse(noun.show_name, args=[row.pk]) if noun.has_page else "",
            cells.broken(first.cell(row)),
            [(column.classes, cells.broken(column.cell(row))) for column in others],
            row,
        )
        for row in rows
    ]
    return Table(columns, lines)
