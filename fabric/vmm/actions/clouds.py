"""Clouds: made of nine kinds of elements, with limits, and a way to choose hosts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import QuerySet

from fabric.vmm import quota, roles
from fabric.vmm.actions import cloudparts, fields, rows
from fabric.vmm.errors import Invalid
from fabric.vmm.models import (
    CapabilityProfile,
    Cloud,
    HostGroup,
    LibraryShare,
    LoadBalancer,
    LogicalNetwork,
    Server,
    StorageClassification,
    Strategy,
    VIPTemplate,
    VMNetwork,
)
from fabric.vmm.quota import Component
from fabric.vmm.roles import Caller


class Details(TypedDict, total=False):
    """What else a cloud has; a limit that is None is no limit."""

    logical_networks: Iterable[LogicalNetwork]
    load_balancers: Iterable[LoadBalancer]
    vip_templates: Iterable[VIPTemplate]
    classifications: Iterable[StorageClassification]
    library_shares: Iterable[LibraryShare]
    capability_profiles: Iterable[CapabilityProfile]
    store: LibraryShare | None
    strategy: str
    machines: int | None
    cores: int | None
    memory_mb: int | None
    storage_gb: int | None
    points: int | None
    description: str


class Changes(Details, total=False):
    name: str
    host_groups: Iterable[HostGroup]


@dataclass(frozen=True)
class Elements:
    """The nine kinds of what a cloud is made of."""

    host_groups: Sequence[HostGroup]
    logical_networks: Sequence[LogicalNetwork]
    vm_networks: Sequence[VMNetwork]
    load_balancers: Sequence[LoadBalancer]
    vip_templates: Sequence[VIPTemplate]
    classifications: Sequence[StorageClassification]
    library_shares: Sequence[LibraryShare]
    capability_profiles: Sequence[CapabilityProfile]
    capacity: Sequence[Component]


_CLOUD = {
    "name": rows.name("cloud"),
    "store": rows.plain,
    "strategy": rows.choice(Strategy, "way to choose hosts"),
    "machines": rows.limit("The machines"),
    "cores": rows.limit("The processors"),
    "memory_mb": rows.limit("The memory in MB"),
    "storage_gb": rows.limit("The storage in GB"),
    "points": rows.limit("The quota points"),
    "description": rows.prose,
}


@transaction.atomic
def add(
    caller: Caller,
    server: Server,
    *,
    name: str,
    host_groups: Iterable[HostGroup],
    **details: Unpack[Details],
) -> Cloud:
    """Make a cloud of host groups and what else is given."""
    groups = list(host_groups)
    roles.require_fabric(caller, [group.pk for group in groups])
    values = {**details, "name": name, "host_groups": groups}
    return _write(Cloud(server=server), values)


@transaction.atomic
def change(caller: Caller, row: Cloud, **changes: Unpack[Changes]) -> Cloud:
    """Change a cloud; what machines in it use cannot be taken out.

    A limit may be set below what is used: nothing is lost, and no more is given until it is less.
    """
    values: dict[str, Any] = dict(changes)
    cloud = rows.held(row)
    groups = set(cloud.host_groups.values_list("pk", flat=True))
    if "host_groups" in values:
        values["host_groups"] = list(values["host_groups"])
        groups |= {group.pk for group in values["host_groups"]}
    roles.require_fabric(caller, groups)
    return _write(cloud, values)


@transaction.atomic
def remove(caller: Caller, row: Cloud) -> None:
    """Remove a cloud that has no machines, templates of its own, or user roles."""
    roles.require_fabric(caller, row.host_groups.values_list("pk", flat=True))
    rows.remove(
        row,
        "cloud",
        ("machines", row.machines_here.order_by("name").values_list("name", flat=True)),
        ("templates", row.templates.order_by("name")),
        ("user roles", row.scopes.order_by("role__name").values_list("role__name", flat=True)),
    )


def elements(cloud: Cloud) -> Elements:
    """Return all nine kinds of what a cloud is made of, by name; one query each."""
    through = VMNetwork.objects.filter(logical_network__clouds=cloud)
    return Elements(
        host_groups=_by_name(cloud.host_groups.all()),
        logical_networks=_by_name(cloud.logical_networks.all()),
        vm_networks=_by_name(through.select_related("logical_network")),
        load_balancers=_by_name(cloud.load_balancers.all()),
        vip_templates=_by_name(cloud.vip_templates.all()),
        classifications=_by_name(cloud.classifications.all()),
        library_shares=_by_name(cloud.library_shares.select_related("library_server")),
        capability_profiles=_by_name(cloud.capability_profiles.all()),
        capacity=quota.capacity(cloud),
    )


def _write(cloud: Cloud, values: dict[str, Any]) -> Cloud:
    """Save the cloud and its elements; those that leave must be free."""
    wanted = {
        kind: list(values.pop(kind))
        for kind in cloudparts.KINDS
        if values.get(kind, fields.UNCHANGED) is not fields.UNCHANGED
    }
    rows.assign(cloud, values, _CLOUD)
    if wanted.get("host_groups", True) == []:
        raise Invalid(f"The cloud {cloud.name} needs at least one host group.", field="host_groups")
    for kind, things in wanted.items():
        cloudparts.require_server(cloud, kind, things)
    is_new = cloud._state.adding
    rows.save(cloud)
    for kind, things in wanted.items():
        if not is_new:
            cloudparts.require_free_to_leave(cloud, kind, things)
        getattr(cloud, kind).set(things)
    _require_store(cloud)
    return cloud


def _require_store(cloud: Cloud) -> None:
    store = cloud.store
    if store is not None and not cloud.library_shares.filter(pk=store.pk).exists():
        raise Invalid(
            f"The share {store.name}, on which machines are to be stored, is no library share of "
            f"the cloud {cloud.name}.",
            field="store",
        )


def _by_name(found: QuerySet[Any]) -> list[Any]:
    return list(found.order_by("name"))
