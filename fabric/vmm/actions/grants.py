"""Machines granted to roles inside a tenant's, which see only what was chosen for them."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models.functions import Now

from fabric.vmm.actions import held
from fabric.vmm.errors import Denied, Invalid
from fabric.vmm.models import ResourceKind, RoleResource, UserRole, VirtualMachine
from fabric.vmm.roles import Caller


@transaction.atomic
def grant_machine(caller: Caller, machine: VirtualMachine, to: Collection[UserRole]) -> bool:
    """Have exactly these roles inside its tenant's see a machine; tell whether that was other.

    The role that owns it and the tenant's own see it anyway, and may be named as well. It takes the
    tenant's own role, or one who runs the fabric.
    """
    row = held.held(caller, machine)
    if row.role is None:
        raise Invalid(f"The machine {row.name} belongs to no tenant.", field="granted_to")
    is_tenants_own = caller.role is not None and caller.role.pk == row.role.tenant_id
    if not caller.is_fabric and not is_tenants_own:
        raise Denied("Only the tenant's own role says who sees a machine.")
    wanted = {role.pk for role in to if role.pk not in (row.role_id, row.role.tenant_id)}
    for role in to:
        if role.tenant_id != row.role.tenant_id:
            raise Invalid(
                f"The user role {role.name} is not inside the one that the machine {row.name} "
                "belongs to.",
                field="granted_to",
            )
    rows = RoleResource.objects.filter(kind=ResourceKind.MACHINE, resource_id=row.pk)
    known = set(rows.values_list("role", flat=True))
    if known == wanted:
        return False
    rows.exclude(role__in=wanted).delete()
    RoleResource.objects.bulk_create(
        [
            RoleResource(role_id=pk, kind=ResourceKind.MACHINE, resource_id=row.pk)
            for pk in sorted(wanted - known)
        ],
        ignore_conflicts=True,
    )
    # Who asks for what changed is to learn of it.
    VirtualMachine.objects.filter(pk=row.pk).update(modified_at=Now())
    return True


def forget(machine: VirtualMachine) -> None:
    """Take a machine from all roles it was granted to: it is another tenant's from now on."""
    RoleResource.objects.filter(kind=ResourceKind.MACHINE, resource_id=machine.pk).delete()
