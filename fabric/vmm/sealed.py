"""What rows keep sealed: bound to the row, so it opens nowhere else.

It is unsealed only to be sealed again: into a job that needs it, or beside what changes.
"""

from __future__ import annotations

from django.db import models

from fabric.vault import store


def seal(row: models.Model, values: dict[str, str]) -> str:
    """Return named secrets for the row's own `sealed`."""
    return store.seal_json(values, _place(row))


def unseal(row: models.Model) -> dict[str, str]:
    """Return the named secrets of the row; {} when it has none."""
    return store.unseal_json(row.sealed, _place(row))


def sealed_over(row: models.Model, **values: str | None) -> str:
    """Return what the row keeps when these change: "" stays as it is, None is forgotten."""
    kept = unseal(row)
    for name, value in values.items():
        if value is None:
            kept.pop(name, None)
        elif value:
            kept[name] = value
    return seal(row, kept) if kept else ""


def _place(row: models.Model) -> str:
    return f"{row._meta.model_name}:{row.pk}"
