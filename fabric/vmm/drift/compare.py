"""Lay our books beside the hosts' answers. Plain values in, plain values out; asks nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fabric.hypervisors.base import DiskSpec, GuestState
from fabric.vmm.models import DriftKind


@dataclass(frozen=True, slots=True)
class OurMachine:
    """A machine on our books. One that is not `settled` may be half there, and no harm."""

    id: UUID
    host_id: UUID | None
    name: str
    cores: int
    memory_mb: int
    status: str
    is_settled: bool


@dataclass(frozen=True, slots=True)
class HostView:
    """What one host answered."""

    host_id: UUID
    guests: tuple[GuestState, ...]
    disks: tuple[DiskSpec, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference, named by kind, thing and host."""

    kind: DriftKind
    host_id: UUID
    object_id: UUID
    name: str
    machine_id: UUID | None = None
    ours: dict[str, Any] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, UUID, UUID]:
        return (str(self.kind), self.object_id, self.host_id)


@dataclass(frozen=True, slots=True)
class Books:
    """Our side: machines by id, and their disks as (id, size in GB). `left_alone` are the things
    that jobs work on, or did until a moment ago; `disk_ids` are all disks anybody of ours has.
    """

    machines: Mapping[UUID, OurMachine]
    disks: Mapping[UUID, Collection[tuple[UUID, int]]]
    disk_ids: Set[UUID]
    left_alone: Set[UUID]


def compare(books: Books, views: Iterable[HostView]) -> list[Difference]:
    """Return every difference on the hosts that answered; of other hosts nothing is said."""
    views = list(views)
    places: dict[UUID, UUID] = {}
    for view in views:
        for guest in view.guests:
            mine = books.machines.get(guest.id)
            # Seen twice, the place on our books is the right one.
            if guest.id not in places or (mine and mine.host_id == view.host_id):
                places[guest.id] = view.host_id
    found: list[Difference] = []
    for view in views:
        found += _guests(books, view, places)
        found += _disks(books, view)
    found += _missing(books, {view.host_id for view in views}, places)
    return found


def _guests(books: Books, view: HostView, places: Mapping[UUID, UUID]) -> Iterator[Difference]:
    for guest in view.guests:
        if guest.id in books.left_alone:
            continue
        mine = books.machines.get(guest.id)
        if mine is None or places[guest.id] != view.host_id:
            yield Difference(
                DriftKind.UNKNOWN_MACHINE,
                view.host_id,
                guest.id,
                guest.name,
                theirs=_told(guest),
            )
        elif mine.is_settled:
            yield from _changed(mine, guest, view.host_id)


def _changed(mine: OurMachine, guest: GuestState, host_id: UUID) -> Iterator[Difference]:
    def differs(kind: DriftKind, ours: dict[str, Any], theirs: dict[str, Any]) -> Difference:
        return Difference(kind, host_id, mine.id, mine.name, mine.id, ours, theirs)

    if mine.host_id != host_id:
        yield differs(DriftKind.MOVED, {"host": str(mine.host_id)}, {"host": str(host_id)})
    if (mine.cores, mine.memory_mb) != (guest.cores, guest.memory_mb):
        yield differs(
            DriftKind.RESIZED,
            {"cores": mine.cores, "memory_mb": mine.memory_mb},
            {"cores": guest.cores, "memory_mb": guest.memory_mb},
        )
    if mine.name != guest.name:
        yield differs(DriftKind.RENAMED, {"name": mine.name}, {"name": guest.name})


def _disks(books: Books, view: HostView) -> Iterator[Difference]:
    attached = {disk.id for guest in view.guests for disk in guest.disks}
    there = {disk.id for disk in view.disks}
    for disk in view.disks:
        # A disk of an unknown machine is told with the machine.
        known = disk.id in books.disk_ids or disk.id in attached
        if not known and disk.id not in books.left_alone:
            yield Difference(
                DriftKind.ORPHAN_DISK,
                view.host_id,
                disk.id,
                disk.source_image or "",
                theirs={"size_gb": disk.size_gb, "volume": disk.volume},
            )
    for guest in view.guests:
        machine = books.machines.get(guest.id)
        if machine is None or not machine.is_settled or machine.host_id != view.host_id:
            continue
        for disk_id, size_gb in books.disks.get(guest.id, ()):
            if disk_id not in there and guest.id not in books.left_alone:
                yield Difference(
                    DriftKind.MISSING_DISK,
                    view.host_id,
                    disk_id,
                    machine.name,
                    machine.id,
                    ours={"size_gb": size_gb},
                )


def _missing(
    books: Books, answered: Set[UUID], places: Mapping[UUID, UUID]
) -> Iterator[Difference]:
    for mine in books.machines.values():
        if mine.host_id not in answered or mine.id in places or mine.id in books.left_alone:
            continue
        if mine.is_settled and mine.host_id is not None:
            yield Difference(
                DriftKind.MISSING_MACHINE,
                mine.host_id,
                mine.id,
                mine.name,
                mine.id,
                ours={"cores": mine.cores, "memory_mb": mine.memory_mb},
            )


def _told(guest: GuestState) -> dict[str, Any]:
    """All that the host says of a guest: enough to take it on our books without asking again."""
    return {
        "name": guest.name,
        "hypervisor_id": str(guest.hypervisor_id),
        "power": str(guest.power),
        "cores": guest.cores,
        "memory_mb": guest.memory_mb,
        "storage_gb": sum(disk.size_gb for disk in guest.disks),
        "disks": [
            {
                "id": str(disk.id),
                "image": disk.source_image,
                "size_gb": disk.size_gb,
                "volume": disk.volume,
            }
            for disk in guest.disks
        ],
        "adapters": [
            {
                "id": str(each.id),
                "mac": each.mac,
                "network": each.network,
                "addresses": list(each.addresses),
            }
            for each in guest.adapters
        ],
    }
