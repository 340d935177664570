"""Tenants in the Admin service, their roles in VMM, and the issuers they come with tokens of."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Q, QuerySet

from fabric.odata.literals import Value
from fabric.spf.actions import issuers, tenants
from fabric.spf.models import Tenant, TrustedIssuer
from fabric.spf.schema import Create, Join, Link, Resource, Row, Table, Update, Written, names
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import pairs, plain
from fabric.vmm.models import RoleProfile, UserRole


def named(scope: Scope, thing: Any) -> Row:
    """What has an id and a name, and nothing else to tell."""
    return {"ID": thing.pk, "Name": thing.name}


def _tenants(scope: Scope) -> QuerySet[Any]:
    return Tenant.objects.order_by("name")


def _tenant(scope: Scope, tenant: Tenant) -> Row:
    return {
        "ID": tenant.pk,
        "Name": tenant.name,
        "AccountStatus": tenant.account_status,
        "IssuerName": tenant.issuer_name or None,
        "Key": tenant.key or None,
    }


def _roles(scope: Scope) -> QuerySet[Any]:
    """The tenants' own roles, and those that are inside one or could be."""
    own = Q(pk__in=Tenant.objects.values("pk"))
    return UserRole.objects.filter(own | Q(profile=RoleProfile.SELF_SERVICE)).order_by("name")


def _issuer(scope: Scope, issuer: TrustedIssuer) -> Row:
    return {"ID": issuer.pk, "Name": issuer.name, "Key": issuer.key}


def _roles_of(scope: Scope, ids: Collection[Value]) -> Iterable[tuple[Value, Value]]:
    """Pairs of a tenant and a role: its own, and those inside that one."""
    found = UserRole.objects.filter(Q(pk__in=ids) | Q(parent__in=ids)).order_by("name")
    return [(parent or role, role) for parent, role in found.values_list("parent", "pk")]


def _tenants_of(scope: Scope, ids: Collection[Value]) -> Iterable[tuple[Value, Value]]:
    found = UserRole.objects.filter(pk__in=ids).values_list("pk", "parent")
    return [(role, parent or role) for role, parent in found]


def _create_tenant(scope: Scope, body: Row) -> Written:
    made = tenants.create_tenant(
        body["Name"],
        body.get("SubscriptionID") or body.get("ID"),
        account_status=body.get("AccountStatus", 0),
        key=body.get("Key", ""),
        issuer_name=body.get("IssuerName", ""),
    )
    return Written(made)


def _update_tenant(scope: Scope, tenant: Tenant, body: Row) -> None:
    tenants.change_tenant(
        tenant,
        name=body.get("Name"),
        account_status=body.get("AccountStatus"),
        key=body.get("Key"),
        issuer_name=body.get("IssuerName"),
    )


def _delete_tenant(scope: Scope, tenant: Tenant) -> None:
    tenants.remove_tenant(tenant)


def _create_role(scope: Scope, body: Row) -> Written:
    return Written(tenants.create_role(body["Name"], body.get("ID")))


def _update_role(scope: Scope, role: UserRole, body: Row) -> None:
    if "Name" in body:
        tenants.rename_role(role, body["Name"])


def _delete_role(scope: Scope, role: UserRole) -> None:
    tenants.remove_role(role)


def _create_issuer(scope: Scope, body: Row) -> Written:
    return Written(issuers.create_issuer(body["Name"], body["Key"], body.get("ID")))


def _update_issuer(scope: Scope, issuer: TrustedIssuer, body: Row) -> None:
    issuers.change_issuer(issuer, body.get("Name"), body.get("Key"))


def _delete_issuer(scope: Scope, issuer: TrustedIssuer) -> None:
    issuers.remove_issuer(issuer)


_STAMPS_OF = Tenant.stamps.through

STAMP_LINK = Link(
    add=lambda scope, tenant, stamp: tenants.assign(tenant, stamp),
    remove=lambda scope, tenant, stamp: tenants.withdraw(tenant, stamp),
)
_role_link = Link(
    add=lambda scope, tenant, role: tenants.admit_role(tenant, role),
    remove=lambda scope, tenant, role: tenants.release_role(tenant, role),
)

SETS = (
    Resource(
        name="Tenants",
        sources=(
            Table(_tenants, _tenant, plain(ID="pk", Name="name", AccountStatus="account_status")),
        ),
        joins={
            "Stamps": Join("ID", "ID", pairs(_STAMPS_OF, "tenant", "stamp")),
            "TenantUserRoles": Join("ID", "ID", _roles_of),
        },
        create=Create(
            _create_tenant,
            takes=names("ID SubscriptionID Name AccountStatus Key IssuerName"),
            requires=("Name",),
        ),
        update=Update(_update_tenant, takes=names("Name AccountStatus Key IssuerName")),
        delete=_delete_tenant,
        links={"Stamps": STAMP_LINK, "TenantUserRoles": _role_link},
    ),
    Resource(
        name="TenantUserRoles",
        sources=(Table(_roles, named, plain(ID="pk", Name="name")),),
        joins={"Tenant": Join("ID", "ID", _tenants_of)},
        create=Create(_create_role, takes=names("ID Name"), requires=("Name",)),
        update=Update(_update_role, takes=names("Name")),
        delete=_delete_role,
        links={"Tenant": _role_link.back},
    ),
    Resource(
        name="TrustedIssuers",
        sources=(
            Table(
                lambda scope: TrustedIssuer.objects.order_by("name"),
                _issuer,
                plain(ID="pk", Name="name"),
            ),
        ),
        create=Create(_create_issuer, takes=names("ID Name Key"), requires=("Name", "Key")),
        update=Update(_update_issuer, takes=names("Name Key")),
        delete=_delete_issuer,
    ),
)
