"""The one road from a page to an action of the fabric, and the operations log beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from django.db import transaction
from django.db.models import Model

from fabric.vmm.errors import VMMError
from tenants.actions import operations
from tenants.models import User

LONGEST_NAME = 200


def carry_out(
    action: str,
    act: Callable[[], Any],
    *,
    by: User,
    object_type: str,
    row: Any = None,
    name: str = "",
    parameters: Mapping[str, Any] | None = None,
    secrets: Collection[str] = (),
) -> Any:
    """Do it and log it, both or neither; what VMM refuses is logged as failed, and raised again.

    `row` is what it is done to; without one it is what the action returns.
    """
    told = {
        key: operations.HIDDEN if key in secrets and value else plain(value)
        for key, value in (parameters or {}).items()
    }
    with transaction.atomic():
        about: dict[str, Any] = {"by": by, "object_type": object_type, "parameters": told}
        kept = {} if row is None else named(row)
        refusal: VMMError | None = None
        made = None
        try:
            with transaction.atomic():
                made = act()
        except VMMError as refused:
            refusal = refused
        else:
            kept = kept or named(made)
        entry = operations.started(
            action, **about, **(kept or {"object_name": name[:LONGEST_NAME]})
        )
        if refusal is None:
            operations.succeeded(entry)
        else:
            operations.failed(entry, refusal.message)
    if refusal is not None:
        raise refusal
    return made


def named(row: Any) -> dict[str, Any]:
    return {"object_id": row.pk, "object_name": str(row)[:LONGEST_NAME]}


def plain(value: Any) -> Any:
    """Return a value as the log keeps it: rows by their names."""
    if isinstance(value, Model):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
