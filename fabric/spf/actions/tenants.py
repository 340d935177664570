"""Tenants: subscriptions with a user role of the same id in VMM."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

from fabric.odata.errors import BadRequest, Conflict
from fabric.spf.models import AccountStatus, Stamp, Tenant
from fabric.vmm.actions import userroles
from fabric.vmm.models import UserRole
from fabric.vmm.roles import Caller

# SPF talks to VMM as itself here, whoever asked.
_ITSELF = Caller(is_administrator=True, principal="SPF")


def create_tenant(
    name: str,
    id: UUID | None = None,
    *,
    account_status: int = AccountStatus.ACTIVE,
    key: str = "",
    issuer_name: str = "",
) -> Tenant:
    """Make a tenant; its user role comes with the first stamp. Raises Conflict."""
    tenant = Tenant(
        id=id or uuid4(),
        name=_checked_name(name),
        account_status=_checked_status(account_status),
        key=_printable(key, "Key"),
        issuer_name=_printable(issuer_name, "IssuerName")[:255],
    )
    try:
        with transaction.atomic():
            tenant.save(force_insert=True)
    except IntegrityError:
        raise Conflict("There is a tenant with this name or ID already.") from None
    return tenant


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
        changes["name"] = _checked_name(name)
    if account_status is not None:
        changes["account_status"] = _checked_status(account_status)
    if key is not None:
        changes["key"] = _printable(key, "Key")
    if issuer_name is not None:
        changes["issuer_name"] = _printable(issuer_name, "IssuerName")[:255]
    try:
        with transaction.atomic():
            Tenant.objects.filter(pk=tenant.pk).update(**changes)
            role = UserRole.objects.filter(pk=tenant.pk).first() if "name" in changes else None
            if role is not None:
                userroles.change(_ITSELF, role, name=changes["name"])
    except IntegrityError:
        raise Conflict("There is a tenant with this name already.") from None
    return tenant


def remove_tenant(tenant: Tenant) -> None:
    """Forget a tenant and its user role; VMM refuses while the role owns machines."""
    with transaction.atomic():
        role = UserRole.objects.filter(pk=tenant.pk).first()
        if role is not None:
            userroles.remove(_ITSELF, role)
        tenant.delete()


def assign(tenant: Tenant, stamp: Stamp) -> None:
    """Put a tenant on a stamp; VMM gets its TenantAdmin role. Repeatable."""
    with transaction.atomic():
        held = Tenant.objects.select_for_update().get(pk=tenant.pk)
        held.stamps.add(stamp)
        if not UserRole.objects.filter(pk=held.pk).exists():
            userroles.add(_ITSELF, id=held.pk, name=held.name)


def withdraw(tenant: Tenant, stamp: Stamp) -> None:
    """Take a tenant from a stamp; its role stays, because it may own machines there."""
    tenant.stamps.remove(stamp)


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 255 or not name.isprintable():
        raise BadRequest("The parameter Name needs 1 to 255 printable characters.")
    return name


def _checked_status(status: int) -> int:
    if status not in AccountStatus.values:
        raise BadRequest("The parameter AccountStatus is 0 (active) or 1 (suspended).")
    return status


def _printable(text: str, name: str) -> str:
    if "\0" in text:
        raise BadRequest(f"The parameter {name} has characters that are not allowed.")
    return text
