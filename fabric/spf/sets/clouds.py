"""Clouds, what they hold, and how much of them the caller's role uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from fabric.odata.literals import Value
from fabric.spf.schema import Computed, Join, Resource, Row, Table, Wanted
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import guids, plain, stamp
from fabric.vmm import quota
from fabric.vmm.models import Cloud, RoleScope, VirtualMachine

# Name on the wire, field of a cloud and of a machine, field of a role's scope.
DIMENSIONS = (
    ("VMCount", "machines", "vm_count"),
    ("CpuCount", "cores", "cpu_count"),
    ("MemoryMB", "memory_mb", "memory_mb"),
    ("StorageGB", "storage_gb", "storage_gb"),
    ("CustomQuotaCount", "points", "points"),
)


def _clouds(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    return Cloud.objects.visible_to(scope.caller).filter(server__in=scope.servers)


def _cloud(scope: Scope, cloud: Cloud) -> Row:
    return {
        "ID": cloud.pk,
        "StampId": scope.stamp_of(cloud.server_id),
        "Name": cloud.name,
        "Description": cloud.description,
        "LastModifiedDate": cloud.modified_at,
    }


def _capacity(scope: Scope, cloud: Cloud) -> Row:
    """A limit that is null is no limit, which its flag says as well."""
    return {
        "CloudId": cloud.pk,
        "StampId": scope.stamp_of(cloud.server_id),
        "CPUCount": cloud.cores,
        "UseCPUCountMaximum": cloud.cores is None,
        "MemoryMB": cloud.memory_mb,
        "UseMemoryMBMaximum": cloud.memory_mb is None,
        "StorageGB": cloud.storage_gb,
        "UseStorageGBMaximum": cloud.storage_gb is None,
        "VMCount": cloud.machines,
        "UseVMCountMaximum": cloud.machines is None,
        "CustomQuotaCount": cloud.points,
        "UseCustomQuotaCountMaximum": cloud.points is None,
    }


def _usage(scope: Scope, wanted: Wanted) -> Iterable[Row]:
    """What the caller's role uses of what it may; for an administrator, all roles together."""
    assert scope.caller is not None
    clouds = _clouds(scope)
    ids = guids(wanted, "ID")
    found = list(clouds if ids is None else clouds.filter(pk__in=ids))
    role = scope.caller.role
    if not found:
        return
    limits = {}
    machines = VirtualMachine.objects.filter(cloud__in=found)
    if role is not None:
        machines = machines.filter(role__in=quota.family(role))
        scopes = RoleScope.objects.filter(role=role, cloud__in=found)
        limits = {each.cloud_id: each for each in scopes}
    own = {} if role is None else {"role": role}
    used = _sums(machines, Q(owner_name__iexact=scope.caller.principal, **own))
    for cloud in found:
        sums, limit = used.get(cloud.pk, {}), limits.get(cloud.pk)
        for dimension, size, field in DIMENSIONS:
            most = getattr(cloud, size) if role is None else getattr(limit, field, None)
            yield {
                "ID": cloud.pk,
                "StampId": scope.stamp_of(cloud.server_id),
                "QuotaDimension": dimension,
                "UserRoleID": None if role is None else role.pk,
                "UserRoleQuota": most,
                "UserRoleUsage": sums.get(f"all_{size}") or 0,
                "UserQuota": getattr(limit, f"member_{field}", None),
                "UserUsage": sums.get(f"own_{size}") or 0,
            }


def _sums(machines: QuerySet[Any], mine: Q) -> dict[Any, dict[str, int]]:
    """By cloud, in one query: everybody's machines, and the caller's own."""
    wanted: dict[str, Any] = {}
    for prefix, of in (("all", None), ("own", mine)):
        wanted[f"{prefix}_machines"] = Count("pk", filter=of)
        for name in ("cores", "memory_mb", "storage_gb", "points"):
            wanted[f"{prefix}_{name}"] = Sum(name, filter=of)
    return {row["cloud"]: row for row in machines.order_by().values("cloud").annotate(**wanted)}


def _through(rows: Any, there: str) -> Any:
    """Read which cloud has which of another thing, of the table between them."""

    def read(scope: Scope, clouds: Collection[Value]) -> Iterable[tuple[Value, Value]]:
        return list(rows.filter(cloud__in=clouds).order_by("pk").values_list("cloud", there))

    return read


_NETWORKS = Cloud.logical_networks.through.objects
_PROFILES = Cloud.capability_profiles.through.objects
_SHARES = Cloud.library_shares.through.objects

SETS = (
    Resource(
        name="Clouds",
        sources=(
            Table(
                _clouds,
                _cloud,
                plain(ID="pk", Name="name", Description="description") | {"StampId": stamp()},
            ),
        ),
        joins={
            "Capacity": Join("ID", "CloudId"),
            "QuotaAndUsageComponents": Join("ID", "ID"),
            "CapabilityProfiles": Join("ID", "ID", _through(_PROFILES, "capabilityprofile")),
            "LibraryShares": Join("ID", "ID", _through(_SHARES, "libraryshare")),
            "LogicalNetworks": Join("ID", "ID", _through(_NETWORKS, "logicalnetwork")),
        },
    ),
    Resource(
        name="CloudCapacities",
        sources=(Table(_clouds, _capacity, plain(CloudId="pk") | {"StampId": stamp()}),),
    ),
    Resource(name="QuotaAndUsageComponents", sources=(Computed(_usage),)),
)
