"""How much of a cloud a user role has, how much a cloud gives, and whether more fits.

Usage is summed from the machines themselves, under the lock of the row that holds the limit, so it
is exact by construction. Locks are always taken scope first (that of a parent role before its
children's), then cloud. What the children of a role have counts as the role's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from fabric.vmm.errors import NotFound, QuotaExceeded
from fabric.vmm.models import Cloud, RoleScope, UserRole, VirtualMachine, VMNetwork

# Name on the wire, field of Size, field of RoleScope, what people call it, its unit.
DIMENSIONS = (
    ("VMCount", "machines", "vm_count", "virtual machines", ""),
    ("CpuCount", "cores", "cpu_count", "virtual processors", ""),
    ("MemoryMB", "memory_mb", "memory_mb", "memory", " MB"),
    ("StorageGB", "storage_gb", "storage_gb", "storage", " GB"),
    ("CustomQuotaCount", "points", "points", "quota points", ""),
)


@dataclass(frozen=True)
class Size:
    """How much something takes, or how much more it would take."""

    machines: int = 0
    cores: int = 0
    memory_mb: int = 0
    storage_gb: int = 0
    points: int = 0


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
    rows = VirtualMachine.objects.filter(role__in=family(role), cloud=cloud)
    used, mine = _sums(rows, all=None, own=Q(role=role, owner_name__iexact=member))
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
    (used,) = _sums(VirtualMachine.objects.filter(cloud=cloud), all=None)
    return [
        Component(dimension, getattr(cloud, size), getattr(used, size))
        for dimension, size, _, _, _ in DIMENSIONS
    ]


def family(role: UserRole) -> QuerySet[UserRole]:
    """Return the role and its children, whose machines count as its own."""
    return UserRole.objects.family(role.pk).order_by().values("pk")


def require_room(role: UserRole | None, cloud: Cloud, wanted: Size, *, member: str = "") -> None:
    """Lock the limits that apply and raise QuotaExceeded when one would be passed.

    The caller writes the machine in the same transaction. NotFound when the cloud is out of scope.
    """
    if role is not None:
        _require_in_scope(role, cloud, wanted, member)
    of_cloud = Limits(f"The cloud {cloud.name}", cloud, "")
    if of_cloud.are_set:
        held = Cloud.objects.select_for_update(no_key=True).get(pk=cloud.pk)
        (used,) = _sums(VirtualMachine.objects.filter(cloud=held), all=None)
        _compare(Limits(f"The cloud {held.name}", held, ""), used, wanted)


def require_network(role: UserRole, *, member: str = "") -> None:
    """Lock the role and raise QuotaExceeded when it, or the member, may have no more VM networks.

    The caller makes the network in the same transaction. A child's networks count as its parent's.
    """
    if role.parent_id is not None:
        _require_one_more(UserRole.objects.get(pk=role.parent_id), "")
    _require_one_more(role, member)


def lock_scope(role: UserRole, cloud_id: UUID) -> RoleScope:
    """Return the role's scope of a cloud, locked until the transaction ends."""
    found = (
        RoleScope.objects.select_for_update(no_key=True)
        .filter(role=role.pk, cloud_id=cloud_id)
        .first()
    )
    if found is None:
        raise NotFound(f"There is no cloud {cloud_id} in the scope of this user role.")
    return found


@dataclass(frozen=True)
class Limits:
    """Whose limits, the row that holds them, and what its fields are called.

    A cloud has the fields of Size; a scope those of its own, and each again for one member.
    """

    whose: str
    row: Any
    prefix: str

    def __iter__(self) -> Iterator[int | None]:
        for _, size, limit, _, _ in DIMENSIONS:
            yield getattr(self.row, size if isinstance(self.row, Cloud) else self.prefix + limit)

    @property
    def are_set(self) -> bool:
        """Tell whether any of them limits anything."""
        return any(limit is not None for limit in self)


def _require_in_scope(role: UserRole, cloud: Cloud, wanted: Size, member: str) -> None:
    """Count the role, its member and, for a child, its parent with all children; one sum."""
    parent_id = role.parent_id
    held: list[tuple[Limits, Q | None]] = []
    if parent_id is not None:
        parent = UserRole(pk=parent_id)
        held.append((Limits("The parent role", lock_scope(parent, cloud.pk), ""), None))
        rows = VirtualMachine.objects.filter(role__in=family(parent), cloud=cloud)
        own: Q | None = Q(role=role.pk)
    else:
        rows = VirtualMachine.objects.filter(role__in=family(role), cloud=cloud)
        own = None
    scope = lock_scope(role, cloud.pk)
    held.append((Limits("The user role", scope, ""), own))
    mine = Q(role=role.pk, owner_name__iexact=member)
    held.append((Limits("A member of the user role", scope, "member_"), mine))
    counted = [(limits, of) for limits, of in held if limits.are_set]
    if not counted:
        return
    sums = _sums(rows, **{f"n{place}": of for place, (_, of) in enumerate(counted)})
    for (limits, _), used in zip(counted, sums, strict=True):
        _compare(limits, used, wanted)


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
                field=_field(size, wanted),
            )


def _field(size: str, wanted: Size) -> str:
    """Return the keyword that asks for too much; storage is many disks', unless only it grows."""
    if size == "storage_gb":
        return "size_gb" if wanted == Size(storage_gb=wanted.storage_gb) else ""
    return size if size in ("cores", "memory_mb") else ""


def _require_one_more(role: UserRole, member: str) -> None:
    held = UserRole.objects.select_for_update(no_key=True).get(pk=role.pk)
    networks = VMNetwork.objects.filter(owner__in=family(held))
    for whose, limit, rows in (
        (f"The user role {held.name}", held.most_networks, networks),
        (
            f"A member of the user role {held.name}",
            held.member_most_networks if member else None,
            networks.filter(owner=held, owner_name__iexact=member),
        ),
    ):
        if limit is None:
            continue
        used = rows.count()
        if used >= limit:
            raise QuotaExceeded(
                f"{whose} may have {limit} VM networks: {used} used, 1 more wanted.",
                dimension="VMNetworkMaximum",
                limit=limit,
                used=used,
                wanted=1,
                advice="Remove a VM network, or ask for a larger limit.",
            )


def _sums(rows: Any, **parts: Q | None) -> list[Size]:
    """Add up the named parts of the machines, None for all of them, in one query."""
    wanted: dict[str, Any] = {}
    for part, of in parts.items():
        wanted[f"{part}_machines"] = Count("pk", filter=of)
        wanted |= {f"{part}_{name}": Sum(name, filter=of) for name in _SUMMED}
    found = rows.aggregate(**wanted)
    return [
        Size(*(found[f"{part}_{name}"] or 0 for name in ("machines", *_SUMMED))) for part in parts
    ]


_SUMMED = ("cores", "memory_mb", "storage_gb", "points")
