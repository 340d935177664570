"""Checks of single values, with errors that name them."""

from __future__ import annotations

from typing import Any

from django.db import models

from fabric.vmm.errors import Conflict, Invalid

BAD_NAME = frozenset('\\/:*?"<>|\0')
MOST_CORES = 255
LEAST_MEMORY_MB = 32
MOST_MEMORY_MB = 12_582_912


def name(value: str, what: str, *, longest: int = 64) -> str:
    """Return the name without outer blanks; Invalid when it is empty, too long or unprintable."""
    cleaned = value.strip()
    if not cleaned:
        raise Invalid(f"The {what} needs a name.")
    if len(cleaned) > longest:
        raise Invalid(f"The name of the {what} is longer than {longest} characters.")
    if BAD_NAME & set(cleaned) or not cleaned.isprintable():
        raise Invalid(f"The name of the {what} has characters that are not allowed.")
    return cleaned


def whole(value: Any, what: str, *, least: int = 1, most: int = 2_147_483_647) -> int:
    """Return the number; Invalid when it is none, or out of bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Invalid(f"{what} must be a whole number from {least} to {most}, not {value!r}.")
    return value


def limit(value: Any, what: str) -> int | None:
    """Return a limit; None is no limit."""
    return None if value is None else whole(value, what, least=0)


def cores(value: Any) -> int:
    """Return a number of virtual processors."""
    return whole(value, "The number of processors", most=MOST_CORES)


def memory_mb(value: Any) -> int:
    """Return an amount of memory."""
    return whole(value, "The memory in MB", least=LEAST_MEMORY_MB, most=MOST_MEMORY_MB)


def require_free(rows: models.QuerySet[Any], what: str, value: str) -> None:
    """Raise Conflict when a thing of that name is there."""
    if rows.exists():
        raise Conflict(f"There is already a {what} called {value!r}.")


def require_server(server: Any, things: Any, what: str) -> None:
    """Raise Invalid when one of the things belongs to another VMM server."""
    for thing in things:
        if thing is not None and thing.server_id != server.pk:
            raise Invalid(f"The {what} {thing} belongs to another VMM server.")
