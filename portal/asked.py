"""What an address or a form asks for, as plain values; what makes no sense counts as not given."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Model

Row = TypeVar("Row", bound=Model)


def plain(text: str, longest: int = 100) -> str:
    """Return words to look for, fit for the database."""
    return text.replace("\0", "").strip()[:longest]


def as_uuid(text: str) -> uuid.UUID | None:
    """Return the id that was given, None for what is none; no row has that."""
    try:
        return uuid.UUID(text.strip())
    except ValueError:
        return None


def one_of(rows: Iterable[Row], pk: str) -> Row | None:
    """Return the row with this id, as it stands in an address or a form."""
    wanted = as_uuid(pk)
    return next((row for row in rows if row.pk == wanted), None) if wanted else None
