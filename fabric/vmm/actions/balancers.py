"""Load balancers and VIP templates: declared, for clouds to hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any, TypedDict, Unpack

from django.db import transaction

from fabric.vmm import roles
from fabric.vmm.actions import fields, rows
from fabric.vmm.errors import Invalid
from fabric.vmm.models import (
    BalancingMethod,
    HostGroup,
    LoadBalancer,
    LogicalNetwork,
    Protocol,
    Server,
    VIPTemplate,
)
from fabric.vmm.roles import Caller

HIGHEST_PORT = 65_535
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# What ends in digits was meant to be an address.
_HOST_NAME = re.compile(rf"(?!.*\.\d+$)(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")


class BalancerDetails(TypedDict, total=False):
    """What else a load balancer has."""

    manufacturer: str
    model: str
    host_groups: Iterable[HostGroup]
    logical_networks: Iterable[LogicalNetwork]
    description: str


class BalancerChanges(BalancerDetails, total=False):
    name: str
    address: str


class VIPDetails(TypedDict, total=False):
    """What else a VIP template says."""

    protocol: str
    method: str
    is_persistent: bool
    description: str


class VIPChanges(VIPDetails, total=False):
    name: str
    port: int


@transaction.atomic
def add_balancer(
    caller: Caller, server: Server, *, name: str, address: str, **details: Unpack[BalancerDetails]
) -> LoadBalancer:
    """Declare a load balancer, by the name or address of the host it is managed at."""
    values: dict[str, Any] = {**details, "name": name, "address": address}
    groups = list(values.get("host_groups", ()))
    roles.require_fabric(caller, [group.pk for group in groups] or None)
    return _write(LoadBalancer(server=server), {**values, "host_groups": groups})


@transaction.atomic
def change_balancer(
    caller: Caller, row: LoadBalancer, **changes: Unpack[BalancerChanges]
) -> LoadBalancer:
    """Change a load balancer."""
    _require_balancer(caller, row)
    values: dict[str, Any] = dict(changes)
    if "host_groups" in values:
        values["host_groups"] = list(values["host_groups"])
        groups = [group.pk for group in values["host_groups"]]
        roles.require_fabric(caller, groups or None)
    return _write(rows.held(row), values)


@transaction.atomic
def remove_balancer(caller: Caller, row: LoadBalancer) -> None:
    """Remove a load balancer that no cloud holds."""
    _require_balancer(caller, row)
    rows.remove(row, "load balancer", ("clouds", row.clouds.order_by("name")))


@transaction.atomic
def add_vip(
    caller: Caller, server: Server, *, name: str, port: int, **details: Unpack[VIPDetails]
) -> VIPTemplate:
    """Add a VIP template."""
    roles.require_fabric(caller)
    values = {**details, "name": name, "port": port}
    return rows.save(rows.assign(VIPTemplate(server=server), values, _VIP))


@transaction.atomic
def change_vip(caller: Caller, row: VIPTemplate, **changes: Unpack[VIPChanges]) -> VIPTemplate:
    """Change a VIP template."""
    roles.require_fabric(caller)
    return rows.save(rows.assign(rows.held(row), changes, _VIP))


@transaction.atomic
def remove_vip(caller: Caller, row: VIPTemplate) -> None:
    """Remove a VIP template that no cloud holds."""
    roles.require_fabric(caller)
    rows.remove(row, "VIP template", ("clouds", row.clouds.order_by("name")))


def _require_balancer(caller: Caller, row: LoadBalancer) -> None:
    roles.require_fabric(caller, list(row.host_groups.values_list("pk", flat=True)) or None)


def _write(balancer: LoadBalancer, values: dict[str, Any]) -> LoadBalancer:
    kinds = (("host_groups", "host group"), ("logical_networks", "logical network"))
    serving = {kind: list(values.pop(kind)) for kind, _ in kinds if kind in values}
    rows.assign(balancer, values, _BALANCER)
    for kind, what in kinds:
        fields.require_server(balancer.server, serving.get(kind, ()), what, field=kind)
    rows.save(balancer)
    for kind, things in serving.items():
        getattr(balancer, kind).set(things)
    return balancer


def _address(row: Any, keyword: str, value: str) -> str:
    cleaned = value.strip().lower()
    try:
        return str(ip_address(cleaned))
    except ValueError:
        if not _HOST_NAME.fullmatch(cleaned):
            raise Invalid(
                f"{value!r} of load balancer {row} is neither a host name nor an address.",
                field=keyword,
            )
    return cleaned


_BALANCER = {
    "name": rows.name("load balancer"),
    "address": _address,
    "manufacturer": rows.words("The manufacturer", longest=64),
    "model": rows.words("The model", longest=64),
    "description": rows.prose,
}
_VIP = {
    "name": rows.name("VIP template"),
    "protocol": rows.choice(Protocol, "protocol"),
    "port": rows.count("The port", most=HIGHEST_PORT),
    "method": rows.choice(BalancingMethod, "balancing method"),
    "is_persistent": rows.plain,
    "description": rows.prose,
}
