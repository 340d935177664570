"""Rows of the fabric, written by tables: a cleaner for each keyword, for adding and changing alike.

A cleaner takes the row, the keyword and the value, and returns what the row keeps. Tables name the
row first, so that what is wrong with the rest can be told with its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypedDict, TypeVar

from django.db import IntegrityError, models, transaction
from django.db.models import ProtectedError

from fabric.vmm.actions import fields
from fabric.vmm.actions.fields import UNCHANGED
from fabric.vmm.errors import Conflict, NotFound
from fabric.vmm.models import GuestProfile, ResourceKind, RoleResource

Row = TypeVar("Row", bound=models.Model)
Cleaner = Callable[[Any, str, Any], Any]


class Named(TypedDict, total=False):
    """What most things of the fabric have."""

    name: str
    description: str


def held(row: Row, *, no_key: bool = False) -> Row:
    """Return the row as it is now, locked; NotFound when it is gone.

    With `no_key` others may make things that belong to it meanwhile.
    """
    rows = type(row)._default_manager.select_for_update(of=("self",), no_key=no_key)
    found = rows.filter(pk=row.pk).first()
    if found is None:
        raise NotFound(f"There is no {row._meta.verbose_name} {row}.")
    return found


def assign(row: Row, values: Mapping[str, Any], cleaners: Mapping[str, Cleaner]) -> Row:
    """Clean the values, in the order of the table, and put them on the row; nothing is saved."""
    unknown = set(values) - set(cleaners)
    if unknown:
        raise TypeError(f"{row._meta.verbose_name} has no keyword {min(unknown)!r}.")
    for keyword, clean in cleaners.items():
        value = values.get(keyword, UNCHANGED)
        if value is not UNCHANGED:
            setattr(row, keyword, clean(row, keyword, value))
    return row


def save(row: Row) -> Row:
    """Save the row; Conflict when somebody else took its name meanwhile."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Conflict(f"{row} could not be saved beside another change.", field="name")
    return row


def remove(row: models.Model, what: str, *users: tuple[str, Iterable[Any]]) -> None:
    """Delete the row, and that roles may use it; Conflict names what else uses it."""
    locked = held(row)
    fields.require_unused(f"The {what} {locked}", *users)
    kind = "GuestOSProfile" if isinstance(locked, GuestProfile) else type(locked).__name__
    if kind in ResourceKind.values:
        RoleResource.objects.filter(kind=kind, resource_id=locked.pk).delete()
    try:
        locked.delete()
    except ProtectedError as error:
        using = sorted(str(user) for user in error.protected_objects)
        raise Conflict(f"The {what} {locked} is used by {fields.named(using)}.")


def name(what: str, *, longest: int = 64, within: str = "server") -> Cleaner:
    """Return the cleaner of a name that is there once among the rows of one `within`."""

    def clean(row: Any, keyword: str, value: Any) -> str:
        cleaned = fields.name(value, what, longest=longest, field=keyword)
        others = type(row)._default_manager.filter(
            **{f"{within}_id": getattr(row, f"{within}_id"), "name": cleaned}
        )
        fields.require_free(others.exclude(pk=row.pk), what, cleaned, field=keyword)
        return cleaned

    return clean


def words(what: str, *, longest: int = 255) -> Cleaner:
    """Return the cleaner of a line of text, which may be empty."""

    def clean(row: Any, keyword: str, value: Any) -> str:
        return fields.text(value, f"{what} of {row}", longest=longest, field=keyword)

    return clean


def plain(row: Any, keyword: str, value: Any) -> Any:
    """Keep the value as it is: what is yes or no, and what is looked at elsewhere."""
    return value


def prose(row: Any, keyword: str, value: Any) -> str:
    """Clean a text of several lines."""
    return fields.prose(value, f"The {keyword} of {row}", field=keyword)


def count(what: str, *, least: int = 1, most: int = 2_147_483_647) -> Cleaner:
    """Return the cleaner of a whole number."""

    def clean(row: Any, keyword: str, value: Any) -> int:
        return fields.whole(value, f"{what} of {row}", least=least, most=most, field=keyword)

    return clean


def limit(what: str, *, most: int = 2_147_483_647) -> Cleaner:
    """Return the cleaner of a limit; None is no limit."""

    def clean(row: Any, keyword: str, value: Any) -> int | None:
        return fields.limit(value, f"{what} of {row}", most=most, field=keyword)

    return clean


def cores(row: Any, keyword: str, value: Any) -> int:
    """Clean a number of virtual processors."""
    return fields.cores(value)


def memory_mb(row: Any, keyword: str, value: Any) -> int:
    """Clean an amount of memory."""
    return fields.memory_mb(value)


def choice(choices: type[models.TextChoices], what: str) -> Cleaner:
    """Return the cleaner of one of several words."""

    def clean(row: Any, keyword: str, value: Any) -> str:
        return fields.choice(value, choices, f"{what} of {row}", field=keyword)

    return clean


def of_server(what: str) -> Cleaner:
    """Return the cleaner of another row of the same server, or None."""

    def clean(row: Any, keyword: str, value: Any) -> Any:
        fields.require_server(row.server, [value], what, field=keyword)
        return value

    return clean
