"""Tenants: subscriptions with a user role of the same id in VMM, and the roles inside that one."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from fabric.odata.errors import BadRequest, Conflict
from fabric.spf.actions.names import checked_name, unless_taken
from fabric.spf.models import AccountStatus, Stamp, Tenant
from fabric.vmm.actions import userroles
from fabric.vmm.models import RoleProfile, UserRole
from fabric.vmm.roles import Caller

# SPF talks to VMM as itself here, whoever asked.
ITSELF = Caller(is_administrator=True, principal="SPF")


def create_tenant(
    name: str,
    id: UUID | None = None,
    *,
    account_status: int = AccountStatus.ACTIVE,
    key: str = "",
    issuer_name: str = "",
) -> Tenant:
    """Make a tenant; its user role comes with the first stamp. Raises Conflict.

    A role that has the id already is the tenant's if it is one of a tenant, of the same name. Any
    other is somebody else's: a tenant of that id would take it over.
    """
    name = checked_name(name)
    if id is not None and _is_role_of_others(id, name):
        raise Conflict(f"There is already another user role with the id {id}.")
    tenant = Tenant(
        id=id or uuid4(),
        name=name,
        account_status=_checked_status(account_status),
        key=_printable(key, "Key"),
        issuer_name=_printable(issuer_name, "IssuerName")[:255],
    )
    with unless_taken("There is a tenant with this name or ID already."):
        tenant.save(force_insert=True)
    return tenant


def _is_role_of_others(id: UUID, name: str) -> bool:
    there = UserRole.objects.filter(pk=id).exclude(name=name, profile=RoleProfile.TENANT_ADMIN)
    return there.exists() and not Tenant.objects.filter(pk=id).exists()


def change_tenant(
    tenant: Tenant,
    *,
    name: str | None = None,
    account_status: int | None = None,
    key: str | None = None,
    issuer_name: str | None = None,
) -> Tenant:
    """Change what is given; the user role takes the new name as well."""
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = checked_name(name)
    if account_status is not None:
        changes["account_status"] = _checked_status(account_status)
    if key is not None:
        changes["key"] = _printable(key, "Key")
    if issuer_name is not None:
        changes["issuer_name"] = _printable(issuer_name, "IssuerName")[:255]
    with unless_taken("There is a tenant with this name already."):
        Tenant.objects.filter(pk=tenant.pk).update(**changes)
        role = UserRole.objects.filter(pk=tenant.pk).first() if "name" in changes else None
        if role is not None:
            userroles.change(ITSELF, role, name=changes["name"])
    return tenant


def remove_tenant(tenant: Tenant) -> None:
    """Forget a tenant and its user role; VMM refuses while the role owns machines."""
    with transaction.atomic():
        role = UserRole.objects.filter(pk=tenant.pk).first()
        if role is not None:
            userroles.remove(ITSELF, role)
        tenant.delete()


def assign(tenant: Tenant, stamp: Stamp) -> None:
    """Put a tenant on a stamp; VMM gets its TenantAdmin role. Repeatable."""
    with transaction.atomic():
        held = Tenant.objects.select_for_update().get(pk=tenant.pk)
        held.stamps.add(stamp)
        role = UserRole.objects.filter(pk=held.pk).first()
        if role is None:
            userroles.add(ITSELF, id=held.pk, name=held.name)
        elif role.profile != RoleProfile.TENANT_ADMIN:
            # Made in VMM after the tenant.
            raise Conflict(f"The user role {role} has the tenant's id, and is no tenant's.")


def withdraw(tenant: Tenant, stamp: Stamp) -> None:
    """Take a tenant from a stamp; its role stays, because it may own machines there."""
    tenant.stamps.remove(stamp)


def create_role(name: str, id: UUID | None = None) -> UserRole:
    """Make a role for members of a tenant; it is inside none until it is linked."""
    return userroles.add(ITSELF, id=id, name=name, profile=RoleProfile.SELF_SERVICE)


def rename_role(role: UserRole, name: str) -> None:
    """Give a tenant's role another name; the tenant's own takes the tenant with it."""
    tenant = Tenant.objects.filter(pk=role.pk).first()
    if tenant is not None:
        change_tenant(tenant, name=name)
    else:
        userroles.change(ITSELF, role, name=name)


def remove_role(role: UserRole) -> None:
    """Remove a role inside a tenant; VMM refuses while it owns machines."""
    tenant = Tenant.objects.filter(pk=role.pk).first()
    if tenant is not None:
        raise Conflict(
            f"The user role {role} is the tenant {tenant}'s own: remove the tenant instead."
        )
    userroles.remove(ITSELF, role)


def admit_role(tenant: Tenant, role: UserRole) -> None:
    """Put a role inside a tenant. Repeatable."""
    if role.pk == tenant.pk:
        return
    with transaction.atomic():
        outer = UserRole.objects.filter(pk=tenant.pk).first()
        if outer is None:
            raise Conflict(f"The tenant {tenant} is on no stamp yet, so VMM has no role of it.")
        if role.parent_id not in (None, outer.pk):
            raise Conflict(f"The user role {role} is inside {role.parent} already.")
        userroles.change(ITSELF, role, parent=outer)


def release_role(tenant: Tenant, role: UserRole) -> None:
    """Take a role out of a tenant."""
    if role.pk == tenant.pk:
        raise Conflict(f"The user role {role} is the tenant {tenant}'s own and stays with it.")
    if role.parent_id == tenant.pk:
        userroles.change(ITSELF, role, parent=None)


def _checked_status(status: int) -> int:
    if status not in AccountStatus.values:
        raise BadRequest("The parameter AccountStatus is 0 (active) or 1 (suspended).")
    return status


def _printable(text: str, name: str) -> str:
    if "\0" in text:
        raise BadRequest(f"The parameter {name} has characters that are not allowed.")
    return text
