"""How good a host that fits is for a machine: stars with their reasons. Pure.

The strategy gives up to five stars for what would be free afterwards; each wish that is not met
takes some away.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fabric.vmm.placement.limits import Need, Obstacle, Offer, broken_affinity, obstacles

MOST_STARS = 5.0
WORTH = {"rule": 1.0, "affinity": 1.5, "warning": 1.0}


@dataclass(frozen=True)
class Rating:
    """What a host is worth for a machine: 0 to 5 stars, or why it is out of the question."""

    host_id: UUID
    host: str
    stars: float
    reasons: tuple[str, ...] = ()
    excluded: str = ""


def rating(need: Need, offer: Offer, strategy: str) -> Rating:
    """Return the rating of one host."""
    found = obstacles(need, offer)
    if found:
        return Rating(offer.id, offer.name, 0.0, excluded=in_words(found))
    wishes = _unmet(need, offer)
    stars = round(min(MOST_STARS, max(0.0, points(need, offer, strategy))), 1)
    reasons = [_strategy_in_words(need, offer, strategy)]
    reasons += [f"{text} (−{WORTH[kind]:g})" for kind, text in wishes]
    return Rating(offer.id, offer.name, stars, tuple(reasons))


def points(need: Need, offer: Offer, strategy: str) -> float:
    """Return what orders hosts that fit: stars, not rounded, below 0 where much is amiss."""
    memory, cores, storage = _free_after(need, offer)
    if strategy == "packed":
        base = 1 - memory
    elif strategy == "balanced":
        base = min(memory, cores, storage)
    else:
        base = memory
    return MOST_STARS * base - sum(WORTH[kind] for kind, _ in _unmet(need, offer))


def in_words(found: list[Obstacle]) -> str:
    """Return the obstacles as one line."""
    return "; ".join(text for _, text in found)


def _free_after(need: Need, offer: Offer) -> tuple[float, float, float]:
    return (
        _share(offer.free_memory_mb - need.memory_mb, offer.memory_mb),
        _share(offer.free_cores - need.cores, offer.cores),
        _share(offer.free_storage_gb - need.storage_gb, offer.storage_gb),
    )


def _share(free: int, total: int) -> float:
    return min(1.0, max(0.0, free / total)) if total > 0 else 0.0


def _unmet(need: Need, offer: Offer) -> list[tuple[str, str]]:
    """Return the wishes this host does not meet."""
    found = [
        ("rule", f"{rule}")
        for rule in offer.rules
        if rule.relation.startswith("should") and not rule.is_met_by(offer.tags)
    ]
    broken = broken_affinity(need, offer) if need.affinity else None
    if broken is not None:
        found.append(("affinity", broken))
    if offer.health == "warning":
        found.append(("warning", "the host needs attention"))
    return found


def _strategy_in_words(need: Need, offer: Offer, strategy: str) -> str:
    memory, cores, storage = _free_after(need, offer)
    if strategy == "packed":
        return f"{1 - memory:.0%} of memory in use afterwards: the fuller the better"
    free = f"{memory:.0%} of memory, {cores:.0%} of processors and {storage:.0%} of storage"
    if strategy == "balanced":
        return f"{free} free afterwards: the scarcest counts"
    return f"{memory:.0%} of memory free afterwards"
