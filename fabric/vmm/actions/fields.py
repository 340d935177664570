"""Checks of single values, with errors that name them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, Final

from django.db import models

from fabric.vmm.errors import Conflict, Invalid

# What a keyword is whose absence means "as it is", where None means something.
UNCHANGED: Final[Any] = type("Unchanged", (), {"__repr__": lambda self: "UNCHANGED"})()

BAD_NAME = frozenset('\\/:*?"<>|\0')
MOST_CORES = 255
LEAST_MEMORY_MB = 32
MOST_MEMORY_MB = 12_582_912
_NAMED = 3
# What a database refuses: NUL, and halves of characters.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


def name(value: str, what: str, *, longest: int = 64, field: str = "name") -> str:
    """Return the name without outer blanks; Invalid when it is empty, too long or unprintable."""
    cleaned = value.strip()
    if not cleaned:
        raise Invalid(f"The {what} needs a name.", field=field)
    if len(cleaned) > longest:
        raise Invalid(f"The name of the {what} is longer than {longest} characters.", field=field)
    if BAD_NAME & set(cleaned) or not cleaned.isprintable():
        raise Invalid(f"The name of the {what} has characters that are not allowed.", field=field)
    return cleaned


def text(value: str, what: str, *, longest: int = 255, field: str = "") -> str:
    """Return the text without outer blanks; Invalid when it is too long or unprintable."""
    cleaned = value.strip()
    if len(cleaned) > longest:
        raise Invalid(f"{what} is longer than {longest} characters.", field=field)
    if not cleaned.isprintable():
        raise Invalid(f"{what} has characters that are not allowed.", field=field)
    return cleaned


def prose(
    value: str, what: str = "The description", *, longest: int = 10_000, field: str = "description"
) -> str:
    """Return the text as it is, lines and all; Invalid when it is too long, or cannot be kept."""
    if len(value) > longest:
        raise Invalid(f"{what} is longer than {longest:,} characters.", field=field)
    if _UNWRITABLE.search(value):
        raise Invalid(f"{what} has characters that are not allowed.", field=field)
    return value


def tag(value: str) -> str:
    """Return a tag; what is too long of it is cut off."""
    return prose(value[:255], "The tag", field="tag")


def whole(
    value: Any, what: str, *, least: int = 1, most: int = 2_147_483_647, field: str = ""
) -> int:
    """Return the number; Invalid when it is none, or out of bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Invalid(
            f"{what} must be a whole number from {least} to {most}, not {value!r}.", field=field
        )
    return value


def limit(value: Any, what: str, *, most: int = 2_147_483_647, field: str = "") -> int | None:
    """Return a limit; None is no limit."""
    return None if value is None else whole(value, what, least=0, most=most, field=field)


def cores(value: Any) -> int:
    """Return a number of virtual processors."""
    return whole(value, "The number of processors", most=MOST_CORES, field="cores")


def memory_mb(value: Any) -> int:
    """Return an amount of memory."""
    return whole(
        value, "The memory in MB", least=LEAST_MEMORY_MB, most=MOST_MEMORY_MB, field="memory_mb"
    )


def choice(value: str, choices: type[models.TextChoices], what: str, *, field: str = "") -> str:
    """Return the value; Invalid names those there are when it is none of them."""
    if value not in choices.values:
        raise Invalid(f"{value!r} is no {what}: it is one of {_list(choices.values)}.", field=field)
    return value


def require_free(rows: models.QuerySet[Any], what: str, value: str, *, field: str = "name") -> None:
    """Raise Conflict when a thing of that name is there."""
    if rows.exists():
        raise Conflict(f"There is already a {what} called {value!r}.", field=field)


def require_server(server: Any, things: Iterable[Any], what: str, *, field: str = "") -> None:
    """Raise Invalid when one of the things belongs to another VMM server."""
    for thing in things:
        if thing is not None and thing.server_id != server.pk:
            raise Invalid(f"The {what} {thing} belongs to another VMM server.", field=field)


def require_unused(what: str, *users: tuple[str, Iterable[Any]]) -> None:
    """Raise Conflict when one of the users, each with the word for its kind, has any rows.

    `what` begins the sentence, such as "The share iso". Names the first three of the kind.
    """
    for kind, rows in users:
        found = [str(row) for row in rows]
        if found:
            raise Conflict(
                f"{what} is used by the {kind} {named(found)}.",
                advice="Change or remove those first.",
            )


def named(names: Collection[str]) -> str:
    """Return the first three names, and how many more there are."""
    first, more = list(names)[:_NAMED], len(names) - _NAMED
    return f"{', '.join(first)} and {more:,} more" if more > 0 else _list(first)


def _list(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else str(last)
