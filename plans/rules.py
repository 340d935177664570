"""How much? Plain values in, an answer or a refusal out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plans.errors import QuotaExceeded


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


def check(
    limits: Mapping[str, int | None], used: Mapping[str, int], wanted: Mapping[str, int]
) -> None:
    """Raise QuotaExceeded for the first limit that would be passed; None is no limit."""
    for resource in RESOURCES:
        name = resource.name
        limit, have, want = limits.get(name), used.get(name, 0), wanted.get(name, 0)
        if limit is not None and want > 0 and have + want > limit:
            raise QuotaExceeded(
                name,
                limit=limit,
                used=have,
                wanted=want,
                message=(
                    f"The plan's limit for {resource.title.lower()} is {amount(name, limit)}; "
                    f"{amount(name, have)} in use, {amount(name, want)} more wanted."
                ),
            )
