"""Capability profiles, held: what a machine may be at least and at most, wherever it is changed.

A machine fits when one profile of its cloud allows all of it; a cloud without any allows anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from uuid import UUID

from django.db.models import Count, Max, QuerySet

from fabric.vmm.errors import Invalid
from fabric.vmm.models import CapabilityProfile, VirtualMachine


@dataclass(frozen=True)
class Shape:
    """What of a machine profiles limit; None is not looked at. `checkpoints` is how many."""

    cores: int | None = None
    memory_mb: int | None = None
    disks: int | None = None
    largest_disk_gb: int | None = None
    adapters: int | None = None
    dvds: int | None = None
    checkpoints: int | None = None
    is_dynamic_memory: bool | None = None
    is_highly_available: bool | None = None


@dataclass(frozen=True)
class Lack:
    """One thing that does not fit: which, what is there and what the profile says."""

    field: str
    has: str
    allows: str


# Field of Shape, field of the profile, what people call it.
_AT_LEAST = (
    ("cores", "least_cores", "{:,} processors"),
    ("memory_mb", "least_memory_mb", "{:,} MB of memory"),
    ("adapters", "least_adapters", "{:,} network adapters"),
)
_AT_MOST = (
    ("cores", "most_cores", "{:,} processors"),
    ("memory_mb", "most_memory_mb", "{:,} MB of memory"),
    ("disks", "most_disks", "{:,} disks"),
    ("largest_disk_gb", "most_disk_gb", "a disk of {:,} GB"),
    ("adapters", "most_adapters", "{:,} network adapters"),
    ("dvds", "most_dvds", "{:,} DVD drives"),
)
_FEATURES = (
    ("is_dynamic_memory", "may_use_dynamic_memory", "dynamic memory"),
    ("is_highly_available", "may_be_highly_available", "high availability"),
    ("checkpoints", "may_have_checkpoints", "checkpoints"),
)


def lacks(shape: Shape, profile: CapabilityProfile) -> list[Lack]:
    """Return what of the shape the profile does not allow, in the order people read it."""
    return list(_lacks(shape, profile))


def require_fits(shape: Shape, profiles: Sequence[CapabilityProfile], *, what: str) -> None:
    """Raise Invalid, naming both sides, unless one of the profiles allows all of the shape."""
    found = [(profile, lacks(shape, profile)) for profile in profiles]
    if not found or not all(wrong for _, wrong in found):
        return
    # The nearest miss says which value to change.
    field = min((wrong for _, wrong in found), key=len)[0].field
    if len(found) == 1:
        profile, wrong = found[0]
        told = f"{what} has {wrong[0].has}; the capability profile {profile} {wrong[0].allows}."
    else:
        each = "; ".join(f"{wrong[0].has}, but {name} {wrong[0].allows}" for name, wrong in found)
        told = f"{what} fits no capability profile of its cloud. It has {each}."
    raise Invalid(told, field=field)


def require(
    machine: VirtualMachine,
    *,
    cores: int | None = None,
    memory_mb: int | None = None,
    disks: int | None = None,
    largest_disk_gb: int | None = None,
    adapters: int | None = None,
    dvds: int | None = None,
    checkpoints: int | None = None,
    is_dynamic_memory: bool | None = None,
    is_highly_available: bool | None = None,
) -> None:
    """Raise Invalid unless the machine, changed so, fits a capability profile of its cloud.

    Give what it will have in all; what is not given is as it stands. One query, and a second one
    where the cloud has profiles.
    """
    profiles = list(CapabilityProfile.objects.filter(clouds=machine.cloud_id).order_by("name"))
    if not profiles:
        return
    asked = Shape(
        cores,
        memory_mb,
        disks,
        largest_disk_gb,
        adapters,
        dvds,
        checkpoints,
        is_dynamic_memory,
        is_highly_available,
    )
    shape = _over(shape_of(machine), asked)
    require_fits(shape, profiles, what=f"The machine {machine.name}")


def shape_of(machine: VirtualMachine) -> Shape:
    """Return what a machine has now; one query."""
    return shapes_of(VirtualMachine.objects.filter(pk=machine.pk))[machine.pk]


def shapes_of(machines: QuerySet[VirtualMachine]) -> dict[UUID, Shape]:
    """Return what each of the machines has now, by its id; one query."""
    found = machines.order_by().values(
        "pk",
        "cores",
        "memory_mb",
        "is_dynamic_memory",
        "is_highly_available",
        has_disks=Count("disks", distinct=True),
        largest_disk_gb=Max("disks__size_gb"),
        has_adapters=Count("adapters", distinct=True),
        has_dvds=Count("dvds", distinct=True),
        has_checkpoints=Count("checkpoints", distinct=True),
    )
    return {
        row.pop("pk"): Shape(**{name.removeprefix("has_"): value for name, value in row.items()})
        for row in found
    }


def _over(shape: Shape, asked: Shape) -> Shape:
    """The shape with what was asked for in the place of what is there."""
    names = [field.name for field in fields(Shape)]
    values = {name: getattr(asked, name) for name in names}
    return Shape(
        **{name: getattr(shape, name) if value is None else value for name, value in values.items()}
    )


def _lacks(shape: Shape, profile: CapabilityProfile) -> Iterator[Lack]:
    for name, limit, words in _AT_MOST:
        has, most = getattr(shape, name), getattr(profile, limit)
        if has is not None and most is not None and has > most:
            yield Lack(name, _amount(words, has), f"allows {most:,}")
    for name, limit, words in _AT_LEAST:
        has, least = getattr(shape, name), getattr(profile, limit)
        if has is not None and has < least:
            yield Lack(name, _amount(words, has), f"asks for {least:,} at least")
    for name, feature, words in _FEATURES:
        if getattr(shape, name) and not getattr(profile, feature):
            yield Lack(name, words, "does not allow it")


def _amount(words: str, number: int) -> str:
    told = words.format(number)
    return told.removesuffix("s") if number == 1 else told
