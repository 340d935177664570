"""How things are called in SPF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from fabric.odata.errors import BadRequest, Conflict


def checked_name(name: str) -> str:
    """The name without outer blanks; raises BadRequest for one that cannot be kept."""
    name = name.strip()
    if not name or len(name) > 255 or not name.isprintable():
        raise BadRequest("The parameter Name needs 1 to 255 printable characters.")
    return name


@contextmanager
def unless_taken(refusal: str) -> Iterator[None]:
    """Write within, in a transaction; raises Conflict in these words where somebody was first."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise Conflict(refusal) from None
