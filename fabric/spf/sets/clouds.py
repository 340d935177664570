"""Clouds, what they hold, and how much of them the caller's role uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import JSONObject

from fabric.odata.literals import Value
from fabric.spf.schema import Computed, Join, Resource, Row, Table, Wanted
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import guids, plain, stamp
from fabric.vmm import quota
from fabric.vmm.models import Cloud, RoleScope, UserRole, VirtualMachine
from fabric.vmm.roles import Caller

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
    rows = Cloud.objects.visible_to(scope.caller).filter(server__in=scope.servers)
    return rows.annotate(store_path=F("store__path"))


def _cloud(scope: Scope, cloud: Any) -> Row:
    """A cloud; in a tenant's eyes it is its user role's."""
    assert scope.caller is not None
    role = scope.caller.tenant_role
    return {
        "ID": cloud.pk,
        "StampId": scope.stamp_of(cloud.server_id),
        "Name": cloud.name,
        "Description": cloud.description,
        "LastModifiedDate": cloud.modified_at,
        "UserRoleID": None if role is None else role.pk,
        "WritableLibraryPath": cloud.store_path,
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
    """What the caller's role uses of what it may. For an administrator all roles together, or the
    one that is wanted.
    """
    assert scope.caller is not None
    clouds = _clouds(scope)
    ids = guids(wanted, "ID")
    role = _role(scope, wanted)
    counted = _counted(clouds if ids is None else clouds.filter(pk__in=ids), role, scope.caller)
    for cloud in counted:
        sums, limits = cloud.sums or {}, cloud.limits or {}
        for dimension, size, field in DIMENSIONS:
            most = getattr(cloud, size) if role is None else limits.get(field)
            yield {
                "ID": cloud.pk,
                "StampId": scope.stamp_of(cloud.server_id),
                "QuotaDimension": dimension,
                "UserRoleID": None if role is None else role.pk,
                "UserRoleQuota": most,
                "UserRoleUsage": sums.get(f"all_{size}") or 0,
                "UserQuota": limits.get(f"member_{field}"),
                "UserUsage": sums.get(f"own_{size}") or 0,
            }


def _role(scope: Scope, wanted: Wanted) -> UserRole | None:
    """The role whose numbers are told: the caller's, or for an administrator the one wanted."""
    assert scope.caller is not None
    ids = guids(wanted, "UserRoleID") or []
    if scope.caller.role is not None or len(ids) != 1:
        return scope.caller.role
    found: UserRole | None = UserRole.objects.visible_to(scope.caller).filter(pk=ids[0]).first()
    return found


def _counted(clouds: QuerySet[Any], role: UserRole | None, caller: Caller) -> QuerySet[Any]:
    """The clouds, each with its `sums` of the role's machines and its `limits`. One query."""
    machines = VirtualMachine.objects.filter(cloud=OuterRef("pk"))
    own = Q(owner_name__iexact=caller.principal)
    held = RoleScope.objects.none()
    if role is not None:
        machines = machines.filter(role__in=quota.family(role))
        own &= Q(role=role)
        held = RoleScope.objects.filter(role=role, cloud=OuterRef("pk"))
    fields = [name for *_, field in DIMENSIONS for name in (field, f"member_{field}")]
    limits = held.values(told=JSONObject(**{name: name for name in fields}))
    sums = machines.order_by().values("cloud").annotate(told=JSONObject(**_sums(own)))
    return clouds.annotate(sums=Subquery(sums.values("told")), limits=Subquery(limits[:1]))


def _sums(mine: Q) -> dict[str, Any]:
    """What everybody's machines come to, and the caller's own."""
    wanted: dict[str, Any] = {}
    for prefix, of in (("all", None), ("own", mine)):
        wanted[f"{prefix}_machines"] = Count("pk", filter=of)
        for name in ("cores", "memory_mb", "storage_gb", "points"):
            wanted[f"{prefix}_{name}"] = Sum(name, filter=of)
    return wanted


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
                plain(
                    ID="pk",
                    Name="name",
                    Description="description",
                    LastModifiedDate="modified_at",
                )
                | {"StampId": stamp()},
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
        sources=(
            Table(
                _clouds,
                _capacity,
                plain(
                    CloudId="pk",
                    CPUCount="cores",
                    MemoryMB="memory_mb",
                    StorageGB="storage_gb",
                    VMCount="machines",
                    CustomQuotaCount="points",
                )
                | {"StampId": stamp()},
            ),
        ),
    ),
    Resource(name="QuotaAndUsageComponents", sources=(Computed(_usage),)),
)
