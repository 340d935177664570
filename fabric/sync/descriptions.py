"""Keep what an endpoint said of itself on its row: read once, and again every day."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from fabric.models import Provider as Row
from fabric.providers.abilities import ALL, Description
from fabric.providers.base import Provider

KEPT_FOR = timedelta(days=1)


def is_due(row: Row) -> bool:
    """Tell whether the endpoint was never asked, too long ago, or for less than is known now."""
    if row.abilities_read_at is None or timezone.now() - row.abilities_read_at > KEPT_FOR:
        return True
    return (
        isinstance(row.capabilities, dict) and Description.from_json(row.capabilities).asked < ALL
    )


def read(row: Row, provider: Provider) -> None:
    """Ask the endpoint and keep the answer, also in this object.

    A registration that was changed meanwhile is not told about its predecessor.
    """
    told = provider.describe().as_json()
    row.capabilities = {**(row.capabilities or {}), **told}
    row.abilities_read_at = timezone.now()
    Row.objects.filter(pk=row.pk, **row.as_read()).update(
        capabilities=row.capabilities, abilities_read_at=row.abilities_read_at
    )


def forget(row: Row) -> None:
    """Have it asked again: it turned out to be another one than it said."""
    Row.objects.filter(pk=row.pk).update(abilities_read_at=None)
