"""Network sites: where a logical network is there, with which VLANs and ranges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Any, TypedDict, Unpack

from django.db import transaction

from fabric.vmm import roles
from fabric.vmm.actions import fields, ranges, rows
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import (
    HostGroup,
    Isolation,
    LogicalNetwork,
    NetworkSite,
    Server,
    VirtualMachine,
)
from fabric.vmm.roles import Caller

HIGHEST_VLAN = 4094


class Changes(TypedDict, total=False):
    """`vlans`: mappings of `vlan` (0 is none) and `cidr` ("" is any)."""

    name: str
    host_groups: Iterable[HostGroup]
    vlans: Iterable[Mapping[str, Any]]


def vlan(value: Any, what: str, *, least: int = 1) -> int:
    """Return the number of a VLAN."""
    return fields.whole(value, what, least=least, most=HIGHEST_VLAN, field="vlan")


@transaction.atomic
def add(
    caller: Caller,
    server: Server,
    *,
    logical_network: LogicalNetwork,
    name: str,
    host_groups: Iterable[HostGroup],
    vlans: Iterable[Mapping[str, Any]] = (),
) -> NetworkSite:
    """Say that a logical network is there on the hosts of these groups and those below."""
    groups = list(host_groups)
    roles.require_fabric(caller, [group.pk for group in groups])
    fields.require_server(server, [logical_network], "logical network", field="logical_network")
    logical = rows.held(logical_network)
    values = {"name": name, "vlans": vlans}
    site = rows.save(rows.assign(NetworkSite(logical_network=logical), values, _SITE))
    _set_groups(site, groups)
    require_served(logical)
    return site


@transaction.atomic
def change(caller: Caller, row: NetworkSite, **changes: Unpack[Changes]) -> NetworkSite:
    """Change a site; Conflict names a VM network or machine that would be without one."""
    values: dict[str, Any] = dict(changes)
    groups = values.pop("host_groups", fields.UNCHANGED)
    groups = groups if groups is fields.UNCHANGED else list(groups)
    logical = rows.held(row.logical_network)
    there = set(row.host_groups.values_list("pk", flat=True))
    if groups is not fields.UNCHANGED:
        there |= {group.pk for group in groups}
    roles.require_fabric(caller, there)
    site = rows.save(rows.assign(rows.held(row), values, _SITE))
    if groups is not fields.UNCHANGED:
        _set_groups(site, groups)
    require_served(logical, field="vlans" if "vlans" in values else "host_groups")
    return site


@transaction.atomic
def remove(caller: Caller, row: NetworkSite) -> None:
    """Remove a site; Conflict names a VM network or machine that would be without one."""
    roles.require_fabric(caller, row.host_groups.values_list("pk", flat=True))
    logical = rows.held(row.logical_network)
    rows.remove(row, "network site")
    require_served(logical, field="")


def vlans_of(logical: LogicalNetwork) -> set[int] | None:
    """Return the VLANs of all sites; None without a site, when every VLAN is there."""
    found = list(logical.sites.values_list("vlans", flat=True))
    return {entry["vlan"] for vlans in found for entry in vlans} if found else None


def require_served(logical: LogicalNetwork, *, field: str = "vlans") -> None:
    """Raise Conflict when the sites leave out a VLAN or a host that is in use."""
    vlans = vlans_of(logical)
    if vlans is None:
        return
    tagged = logical.vm_networks.filter(isolation=Isolation.VLAN).exclude(vlan__in=vlans)
    network = tagged.order_by("name").first()
    if network is not None:
        raise Conflict(
            f"The VM network {network} has VLAN {network.vlan}, which would be in no site of the "
            f"logical network {logical}.",
            field=field,
        )
    machine = (
        VirtualMachine.objects.filter(
            adapters__network__logical_network=logical, host__isnull=False
        )
        .exclude(host__group__in=_served(logical))
        .select_related("host__group")
        .order_by("name")
        .first()
    )
    if machine is not None:
        raise Conflict(
            f"The machine {machine.name} on {machine.host} uses the logical network {logical}, "
            f"which would have no site in the host group {machine.host.group}.",
            field="host_groups" if field else "",
        )


def _served(logical: LogicalNetwork) -> set[Any]:
    """Return the host groups of all sites, those below them included."""
    found = set(HostGroup.objects.filter(network_sites__logical_network=logical))
    reached = {group.pk for group in found}
    parents = dict(HostGroup.objects.filter(server=logical.server_id).values_list("pk", "parent"))
    below = {group for group, parent in parents.items() if parent in reached}
    while not below <= reached:
        reached |= below
        below = {group for group, parent in parents.items() if parent in reached}
    return reached


def _set_groups(site: NetworkSite, groups: list[HostGroup]) -> None:
    if not groups:
        raise Invalid(
            f"The network site {site} needs at least one host group.", field="host_groups"
        )
    fields.require_server(site.logical_network.server, groups, "host group", field="host_groups")
    site.host_groups.set(groups)


def _vlans(row: Any, keyword: str, value: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for entry in value:
        what = f"A VLAN of the network site {row}"
        number = fields.whole(entry.get("vlan"), what, least=0, most=HIGHEST_VLAN, field=keyword)
        cidr = str(entry.get("cidr") or "")
        if cidr:
            cidr = str(ranges.subnet(cidr, f"the network site {row}", field=keyword))
        found.append({"vlan": number, "cidr": cidr})
        _require_apart(row, found, keyword)
    return found


def _require_apart(site: Any, entries: list[dict[str, Any]], keyword: str) -> None:
    *others, new = entries
    for other in others:
        if new == other:
            raise Conflict(f"The network site {site} has {_words(new)} twice.", field=keyword)
        ends = (new["cidr"], other["cidr"])
        if all(ends) and ranges.overlap(*(ip_network(end) for end in ends)):
            raise Conflict(
                f"{_words(new)} and {_words(other)} of the network site {site} overlap.",
                field=keyword,
            )


def _words(entry: Mapping[str, Any]) -> str:
    tag = f"VLAN {entry['vlan']}" if entry["vlan"] else "no VLAN"
    return f"{entry['cidr']} ({tag})" if entry["cidr"] else tag


_SITE = {"name": rows.name("network site", within="logical_network"), "vlans": _vlans}
