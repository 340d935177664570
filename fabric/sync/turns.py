"""Whose answers count: one pass over a stamp at a time, and none of a registration that is over."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import QuerySet

from fabric.models import Provider, Stamp


class Overtaken(Exception):
    """The endpoint was given another address or account while it was asked."""


def rows_of(stamp: Stamp) -> QuerySet[Stamp]:
    """The stamp's row, or none once the endpoint is not the one that was asked any more."""
    return Stamp.objects.filter(pk=stamp.pk, **stamp.provider.as_read("provider__"))


def endpoint_of(stamp: Stamp) -> QuerySet[Provider]:
    """The row of the stamp's endpoint, likewise."""
    return Provider.objects.filter(pk=stamp.provider_id, **stamp.provider.as_read())


def require_same(stamp: Stamp) -> None:
    """Raise Overtaken when what was just read is of an endpoint that is not this one any more."""
    if not endpoint_of(stamp).exists():
        raise Overtaken


@contextmanager
def alone(stamp_id: uuid.UUID | str) -> Iterator[bool]:
    """Yield whether this is the only pass over the stamp: a slow one would write what was over
    what is. The lock is the connection's, so it ends with a process that dies."""
    key = int.from_bytes(uuid.UUID(str(stamp_id)).bytes[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        is_mine = bool(cursor.fetchone()[0])
    try:
        yield is_mine
    finally:
        if is_mine and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
