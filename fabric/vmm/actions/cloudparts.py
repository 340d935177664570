"""The kinds of elements clouds are made of, and which machines still need one that is to leave."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from django.db.models import Q, QuerySet

from fabric.vmm import capability
from fabric.vmm.actions import fields, fitting
from fabric.vmm.errors import Conflict
from fabric.vmm.models import Cloud, VirtualMachine

Machines: TypeAlias = "QuerySet[VirtualMachine]"

# Keyword and field of a cloud, and what one is called.
KINDS = {
    "host_groups": "host group",
    "logical_networks": "logical network",
    "load_balancers": "load balancer",
    "vip_templates": "VIP template",
    "classifications": "storage classification",
    "library_shares": "library share",
    "capability_profiles": "capability profile",
}


def require_server(cloud: Cloud, kind: str, things: Collection[Any]) -> None:
    """Raise Invalid when one of the things belongs to another VMM server than the cloud."""
    owners = [thing.library_server for thing in things] if kind == "library_shares" else things
    fields.require_server(cloud.server, owners, KINDS[kind], field=kind)


def require_free_to_leave(cloud: Cloud, kind: str, staying: Collection[Any]) -> None:
    """Raise Conflict, naming a machine, when one in the cloud uses an element that would leave.

    Nothing is kept on machines of load balancers and VIP templates, so those leave freely.
    """
    kept = {thing.pk for thing in staying}
    leaving = [thing for thing in getattr(cloud, kind).order_by("name") if thing.pk not in kept]
    using = _USERS.get(kind)
    if using is None:
        return
    for thing in leaving:
        machines = using(cloud, thing, staying).order_by("name").distinct()
        found = list(machines.values_list("name", flat=True))
        if found:
            raise Conflict(
                f"The {KINDS[kind]} {thing} cannot leave the cloud {cloud.name}: it is used by "
                f"the machines {fields.named(found)}.",
                advice="Move or remove those machines first.",
                field=kind,
            )


def _on_hosts(cloud: Cloud, group: Any, staying: Collection[Any]) -> Machines:
    """Machines on hosts of the group or below it, or moving there, that no other group covers."""
    reached = fitting.groups_with_those_below([each.pk for each in staying])
    lost = fitting.groups_with_those_below([group.pk]) - reached
    there = Q(host__group__in=lost) | Q(moving_to__group__in=lost)
    return cloud.machines_here.filter(there)


def _on_network(cloud: Cloud, logical: Any, staying: Collection[Any]) -> Machines:
    return cloud.machines_here.filter(adapters__network__logical_network=logical)


def _on_storage(cloud: Cloud, kind: Any, staying: Collection[Any]) -> Machines:
    """Machines that ask for the classification; with none left the cloud takes any."""
    if not staying:
        return VirtualMachine.objects.none()
    return cloud.machines_here.filter(disks__classification=kind)


def _from_share(cloud: Cloud, share: Any, staying: Collection[Any]) -> Machines:
    return cloud.machines_here.filter(Q(stored_on=share) | Q(dvds__iso__share=share))


def _of_profile(cloud: Cloud, profile: Any, staying: Collection[Any]) -> Machines:
    """Machines that fit this profile and none that stays; with none left anything goes."""
    if not staying:
        return VirtualMachine.objects.none()
    alone = [
        pk
        for pk, shape in capability.shapes_of(cloud.machines_here.all()).items()
        if not capability.lacks(shape, profile)
        and all(capability.lacks(shape, other) for other in staying)
    ]
    return cloud.machines_here.filter(pk__in=alone)


_USERS: dict[str, Callable[[Cloud, Any, Collection[Any]], Machines]] = {
    "host_groups": _on_hosts,
    "logical_networks": _on_network,
    "classifications": _on_storage,
    "library_shares": _from_share,
    "capability_profiles": _of_profile,
}
