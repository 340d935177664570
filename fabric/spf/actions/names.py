"""How things are called in SPF."""

from __future__ import annotations

from fabric.odata.errors import BadRequest


def checked_name(name: str) -> str:
    """The name without outer blanks; raises BadRequest for one that cannot be kept."""
    name = name.strip()
    if not name or len(name) > 255 or not name.isprintable():
        raise BadRequest("The parameter Name needs 1 to 255 printable characters.")
    return name
