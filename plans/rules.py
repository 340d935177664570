"""How much? Plain values in, an answer or a refusal out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """Something a plan limits. `name` is the ledger's word, `unit` follows a number."""

    name: str
    title: str
    unit: str


RESOURCES = (
    Resource("machines", "Virtual machines", ""),
    Resource("cores", "Cores", ""),
    Resource("memory_mb", "Memory", "MB"),
    Resource("storage_gb", "Storage", "GB"),
)
BY_NAME = {resource.name: resource for resource in RESOURCES}


def amount(resource: str, value: int) -> str:
    """Return a number as people read it: 2048 MB is 2 GB, and 3 cores are just 3."""
    unit = BY_NAME[resource].unit
    if unit == "MB" and value % 1024 == 0:
        return f"{value // 1024} GB"
    return f"{value:,} {unit}".strip()


@dataclass(frozen=True)
class Excess:
    """A limit that would be passed."""

    resource: Resource
    limit: int
    used: int
    wanted: int


def excess(
    limits: Mapping[str, int | None], used: Mapping[str, int], wanted: Mapping[str, int]
) -> Excess | None:
    """Return the first limit that would be passed, None when all fits; None is no limit."""
    for resource in RESOURCES:
        name = resource.name
        limit, have, want = limits.get(name), used.get(name, 0), wanted.get(name, 0)
        if limit is not None and want > 0 and have + want > limit:
            return Excess(resource, limit, have, want)
    return None


def added(limits: Mapping[str, int | None], more: Mapping[str, int]) -> dict[str, int | None]:
    """Return limits with what add-ons bring; what had no limit still has none."""
    return {
        name: None if limit is None else limit + more.get(name, 0) for name, limit in limits.items()
    }


def overdrawn(limits: Mapping[str, int | None], used: Mapping[str, int]) -> Excess | None:
    """Return the first limit that use is above already, None when all fits."""
    for resource in RESOURCES:
        limit, have = limits.get(resource.name), used.get(resource.name, 0)
        if limit is not None and have > limit:
            return Excess(resource, limit, have, 0)
    return None
