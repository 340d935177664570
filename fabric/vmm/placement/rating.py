"""How good a host is for a machine, as stars with their reasons. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Rating:
    """What a host is worth for a machine: 0 to 5 stars, or why it is out of the question."""

    host_id: UUID
    host: str
    stars: float
    reasons: tuple[str, ...] = ()
    excluded: str = ""
