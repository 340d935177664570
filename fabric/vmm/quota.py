"""How much of a cloud a user role has, how much a cloud gives, and whether more fits.

Usage is summed from the machines themselves, under the lock of the row that holds the limit, so it
is exact by construction. Locks are always taken scope first, then cloud.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, Sum

from fabric.vmm.errors import NotFound, QuotaExceeded
from fabric.vmm.models import Cloud, RoleScope, UserRole, VirtualMachine

# Name on the wire, field of Size, field of RoleScope, what people call it, its unit.
DIMENSIONS = (
    ("VMCount", "machines", "vm_count", "virtual machines", ""),
    ("CpuCount", "cores", "cpu_count", "virtual processors", ""),
    ("MemoryMB", "memory_mb", "memory_mb", "memory", " MB"),
    ("StorageGB", "storage_gb", "storage_gb", "storage", " GB"),
)


@dataclass(frozen=True)
class Size:
    """How much something takes, or how much more it would take."""

    machines: int = 0
    cores: int = 0
    memory_mb: int = 0
    storage_gb: int = 0


@dataclass(frozen=True)
class Component:
    """One dimension: what is used of what limit (None is none), by all and by one member."""

    dimension: str
    limit: int | None
    used: int
    member_limit: int | None = None
    member_used: int = 0


def usage(role: UserRole, cloud: Cloud, member: str = "") -> list[Component]:
    """Return what a role, and one of its members, uses of a cloud. Two queries."""
    scope = RoleScope.objects.filter(role=role, cloud=cloud).first()
    rows = VirtualMachine.objects.filter(role=role, cloud=cloud)
    used, mine = _sums(rows, member)
    return [
        Component(
            dimension,
            getattr(scope, limit, None),
            getattr(used, size),
            getattr(scope, f"member_{limit}", None),
            getattr(mine, size),
        )
        for dimension, size, limit, _, _ in DIMENSIONS
    ]


def capacity(cloud: Cloud) -> list[Component]:
    """Return what all machines together use of a cloud. One query."""
    used, _ = _sums(VirtualMachine.objects.filter(cloud=cloud))
    return [
        Component(dimension, getattr(cloud, size), getattr(used, size))
        for dimension, size, _, _, _ in DIMENSIONS
    ]


def require_room(role: UserRole | None, cloud: Cloud, wanted: Size, *, member: str = "") -> None:
    """Lock the limits that apply and raise QuotaExceeded when one would be passed.

    The caller writes the machine in the same transaction. NotFound when the cloud is out of scope.
    """
    if role is not None:
        scope = lock_scope(role, cloud.pk)
        _require_in_scope(scope, role, cloud, wanted, member)
    if any(getattr(cloud, size) is not None for _, size, _, _, _ in DIMENSIONS):
        held = Cloud.objects.select_for_update(no_key=True).get(pk=cloud.pk)
        used, _ = _sums(VirtualMachine.objects.filter(cloud=held))
        limits = Limits(f"The cloud {held.name}", held, ("machines", "cores", *_MORE))
        _compare(limits, used, wanted)


def lock_scope(role: UserRole, cloud_id: UUID) -> RoleScope:
    """Return the role's scope of a cloud, locked until the transaction ends."""
    found = (
        RoleScope.objects.select_for_update(no_key=True)
        .filter(role=role, cloud_id=cloud_id)
        .first()
    )
    if found is None:
        raise NotFound(f"There is no cloud {cloud_id} in the scope of this user role.")
    return found


_MORE = ("memory_mb", "storage_gb")
_OF_ROLE = ("vm_count", "cpu_count", *_MORE)


@dataclass(frozen=True)
class Limits:
    """Whose limits, the row that holds them, and its fields in the order of DIMENSIONS."""

    whose: str
    row: Any
    fields: tuple[str, ...]

    def __iter__(self) -> Iterator[int | None]:
        return (getattr(self.row, name) for name in self.fields)


def _require_in_scope(
    scope: RoleScope, role: UserRole, cloud: Cloud, wanted: Size, member: str
) -> None:
    of_all = Limits("The user role", scope, _OF_ROLE)
    of_member = Limits("A member of the user role", scope, tuple(f"member_{n}" for n in _OF_ROLE))
    counts_member = any(limit is not None for limit in of_member)
    if not counts_member and all(limit is None for limit in of_all):
        return
    rows = VirtualMachine.objects.filter(role=role, cloud=cloud)
    used, mine = _sums(rows, member if counts_member else "")
    _compare(of_all, used, wanted)
    _compare(of_member, mine, wanted)


def _compare(limits: Limits, used: Size, wanted: Size) -> None:
    for (dimension, size, _, words, unit), limit in zip(DIMENSIONS, limits, strict=True):
        more, have = getattr(wanted, size), getattr(used, size)
        if limit is not None and more > 0 and have + more > limit:
            raise QuotaExceeded(
                f"{limits.whose} may have {limit}{unit} of {words}: {have}{unit} used, "
                f"{more}{unit} more wanted.",
                dimension=dimension,
                limit=limit,
                used=have,
                wanted=more,
                advice="Choose a smaller size, remove a machine, or ask for a larger limit.",
            )


def _sums(rows: Any, member: str = "") -> tuple[Size, Size]:
    """Add up machines, all of them and those of one member, in one query."""
    wanted: dict[str, Any] = _aggregates("all", None)
    if member:
        wanted |= _aggregates("own", Q(owner_name=member))
    found = rows.aggregate(**wanted)
    return _size(found, "all"), _size(found, "own")


def _aggregates(prefix: str, of: Q | None) -> dict[str, Any]:
    sums: dict[str, Any] = {f"{prefix}_{name}": Sum(name, filter=of) for name in ("cores", *_MORE)}
    return {f"{prefix}_machines": Count("pk", filter=of), **sums}


def _size(found: dict[str, Any], prefix: str) -> Size:
    return Size(*(found.get(f"{prefix}_{name}") or 0 for name in ("machines", "cores", *_MORE)))
