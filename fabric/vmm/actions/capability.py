"""Capability profiles: what machines may be. Where they are held is in fabric.vmm.capability."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import F, Max, Q

from fabric.vmm import capability, roles
from fabric.vmm.actions import fields, fitting, rows
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import CapabilityProfile, Host, Platform, Server
from fabric.vmm.roles import Caller

_SMALL = 32_767


class Limits(TypedDict, total=False):
    """`most_…` None is no limit; `may_…` allows a feature."""

    platform: str
    least_cores: int
    most_cores: int | None
    least_memory_mb: int
    most_memory_mb: int | None
    most_disks: int | None
    most_disk_gb: int | None
    least_adapters: int
    most_adapters: int | None
    most_dvds: int | None
    may_use_dynamic_memory: bool
    may_be_highly_available: bool
    may_have_checkpoints: bool
    description: str


class Changes(Limits, total=False):
    name: str


_PROFILE = {
    "name": rows.name("capability profile"),
    "platform": rows.choice(Platform, "platform"),
    "least_cores": rows.count("The least processors", most=_SMALL),
    "most_cores": rows.limit("The most processors", most=_SMALL),
    "least_memory_mb": rows.count("The least memory in MB"),
    "most_memory_mb": rows.limit("The most memory in MB"),
    "most_disks": rows.limit("The most disks", most=_SMALL),
    "most_disk_gb": rows.limit("The size in GB of the largest disk"),
    "least_adapters": rows.count("The least network adapters", least=0, most=_SMALL),
    "most_adapters": rows.limit("The most network adapters", most=_SMALL),
    "most_dvds": rows.limit("The most DVD drives", most=_SMALL),
    "may_use_dynamic_memory": rows.plain,
    "may_be_highly_available": rows.plain,
    "may_have_checkpoints": rows.plain,
    "description": rows.prose,
}
# Field of the least, field of the most, what people call it, its unit.
_RANGES = (
    ("least_cores", "most_cores", "processors", ""),
    ("least_memory_mb", "most_memory_mb", "memory", " MB"),
    ("least_adapters", "most_adapters", "network adapters", ""),
)


@transaction.atomic
def add(
    caller: Caller, server: Server, *, name: str, **limits: Unpack[Limits]
) -> CapabilityProfile:
    """Add a capability profile that some machine on some host could meet."""
    roles.require_fabric(caller)
    return _write(CapabilityProfile(server=server), {**limits, "name": name})


@transaction.atomic
def change(caller: Caller, row: CapabilityProfile, **changes: Unpack[Changes]) -> CapabilityProfile:
    """Change a profile; the templates and hardware profiles of it must still fit.

    Machines that are there stay as they are: the profile holds for the next change of each.
    """
    roles.require_fabric(caller)
    profile = _write(rows.held(row), dict(changes))
    _require_still_fits(profile)
    return profile


@transaction.atomic
def remove(caller: Caller, row: CapabilityProfile) -> None:
    """Remove a capability profile that nothing has."""
    roles.require_fabric(caller)
    rows.remove(
        row,
        "capability profile",
        ("clouds", row.clouds.order_by("name")),
        ("templates", row.templates.order_by("name")),
        ("hardware profiles", row.hardware_profiles.order_by("name")),
    )


def _write(profile: CapabilityProfile, values: dict[str, Any]) -> CapabilityProfile:
    rows.assign(profile, values, _PROFILE)
    for low, high, words, unit in _RANGES:
        least, most = getattr(profile, low), getattr(profile, high)
        if most is not None and least > most:
            raise Invalid(
                f"Nothing can meet the profile {profile.name}: it asks for {least:,}{unit} of "
                f"{words} at least and allows {most:,}{unit} at most.",
                field=high,
            )
    if profile.most_disks == 0:
        raise Invalid(
            f"Nothing can meet the profile {profile.name}: it allows 0 disks, and every machine "
            "has 1 at least.",
            field="most_disks",
        )
    _require_a_host(profile)
    return rows.save(profile)


def _require_a_host(profile: CapabilityProfile) -> None:
    """Refuse a profile whose least is more than any host has."""
    most = Host.objects.filter(server=profile.server_id).aggregate(
        memory_mb=Max(F("memory_mb") - F("reserved_memory_mb")),
        cores=Max(F("cores") * F("cores_per_core")),
    )
    for field, has, words in (
        ("least_memory_mb", most["memory_mb"], "MB of memory"),
        ("least_cores", most["cores"], "virtual processors"),
    ):
        least = getattr(profile, field)
        if has is not None and least > has:
            raise Invalid(
                f"Nothing can meet the profile {profile.name}: it asks for {least:,} {words} at "
                f"least, and the largest host has {has:,}.",
                field=field,
            )


def _require_still_fits(profile: CapabilityProfile) -> None:
    """Refuse a change that what is of the profile no longer fits, naming it and what lacks."""
    shapes = {
        f"template {template.name}": fitting.shape_of(template, list(template.data_disks.all()))
        for template in fitting.with_parts(Q(capability_profile=profile))
    } | {
        f"hardware profile {each.name}": fitting.shape_of_profile(each)
        for each in profile.hardware_profiles.order_by("name")
    }
    found = {name: capability.lacks(shape, profile) for name, shape in shapes.items()}
    wrong = {name: lacks[0] for name, lacks in found.items() if lacks}
    if wrong:
        first = next(iter(wrong.values()))
        raise Conflict(
            f"The capability profile {profile.name} would no longer fit the "
            f"{fields.named(list(wrong))}: {first.has} there, and it {first.allows}.",
            field=first.field,
        )
