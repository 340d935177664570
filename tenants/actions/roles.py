"""Compose roles of rights. A change takes effect at once for everybody who has the role."""

from __future__ import annotations

from collections.abc import Collection

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from tenants import authority, rights
from tenants.actions import operations
from tenants.errors import Conflicting, Refused
from tenants.models import Tenant, TenantRole, User


@transaction.atomic
def create(
    *, by: User, tenant: Tenant, name: str, description: str = "", given: Collection[str]
) -> TenantRole:
    """Return a new role; nobody puts in rights they lack."""
    held = authority.authority_of(by, tenant)
    role = TenantRole(tenant=tenant)
    _write(role, held, name, description, given)
    _log("role.create", by, role)
    return role


@transaction.atomic
def change(
    *, by: User, role: TenantRole, name: str, description: str = "", given: Collection[str]
) -> None:
    """Write a role anew. Who lacks rights it has, or would get, cannot, nor who could not change
    one of those who have it."""
    role = _locked(role)
    held = authority.authority_of(by, role.tenant)
    held.check_rights(role.rights, "rights")
    for member in role.memberships.select_related("user", "custom_role"):
        held.check_changes(member)
    _write(role, held, name, description, given)
    _log("role.change", by, role)


@transaction.atomic
def delete(*, by: User, role: TenantRole) -> None:
    """Delete a role that nobody has, and nobody is invited to."""
    role = _locked(role)
    authority.authority_of(by, role.tenant).check_rights(role.rights)
    members, waiting = role.memberships.count(), role.invitations.unanswered().count()
    if members or waiting:
        raise Refused(
            _("“%(role)s” is in use: %(members)d have it, %(waiting)d are invited to it.")
            % {"role": role.name, "members": members, "waiting": waiting}
        )
    role.invitations.update(custom_role=None)
    _log("role.delete", by, role)
    role.delete()


def _locked(role: TenantRole) -> TenantRole:
    """Lock the tenant, as everything that changes a team does, then read the role anew."""
    Tenant.objects.select_for_update().get(pk=role.tenant_id)
    found = TenantRole.objects.select_related("tenant").filter(pk=role.pk).first()
    if found is None:
        raise Refused(_("There is no such role."))
    return found


def _write(
    role: TenantRole,
    held: authority.Authority,
    name: str,
    description: str,
    given: Collection[str],
) -> None:
    unknown = set(given) - rights.ALL
    if unknown:
        raise Refused(_("Choose from the rights shown."), field="rights")
    held.check_rights(given, "rights")
    role.name, role.description = name.strip(), description.strip()
    role.rights = [right for right in rights.Right.values if right in given]
    try:
        with transaction.atomic():
            role.save()
    except IntegrityError as error:
        raise Conflicting(
            _("There is a role named “%(name)s” already.") % {"name": role.name}, field="name"
        ) from error


def _log(action: str, by: User, role: TenantRole) -> None:
    operations.done(
        action,
        by=by,
        tenant=role.tenant,
        object_type="role",
        object_id=role.pk,
        object_name=role.name,
        parameters={"name": role.name, "rights": role.rights},
    )
