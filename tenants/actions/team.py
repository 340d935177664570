"""Change what members may, remove them, leave. A tenant always keeps a Tenant Admin."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import authority, places, second_factor
from tenants.actions import api_keys, operations
from tenants.authority import Place
from tenants.errors import NotPermitted, Refused
from tenants.models import Invitation, Membership, Role, Tenant, User


@transaction.atomic
def change(*, by: User, membership: Membership, place: Place) -> Membership:
    """Give a member another place. Locks the tenant, so that the last admin stays one."""
    membership = _locked(membership)
    held = authority.authority_of(by, membership.tenant)
    place = place.cleaned(membership.tenant)
    held.check_changes(membership)
    held.check_gives(place)
    if membership.role == Role.ADMIN and place.role != Role.ADMIN:
        _check_another_admin(membership)
    was = told(membership)
    membership.role, membership.custom_role = place.role, place.custom_role
    membership.rights = None if place.rights is None else list(place.rights)
    membership.all_machines = place.all_machines
    membership.save(update_fields=["role", "custom_role", "rights", "all_machines"])
    _log("team.change", by, membership, {"was": was, **told(membership)})
    return membership


@transaction.atomic
def remove(*, by: User, membership: Membership) -> None:
    """Take somebody out of the team, their keys and unanswered invitations with them."""
    membership = _locked(membership)
    held = authority.authority_of(by, membership.tenant)
    if membership.user_id == by.pk:
        raise Refused(_("To go yourself, leave the team."))
    held.check_changes(membership)
    _go("team.remove", by, membership)


@transaction.atomic
def leave(*, by: User, tenant: Tenant) -> None:
    """Leave a team oneself. The last Tenant Admin cannot."""
    membership = tenant.memberships.filter(user=by).first()
    if membership is None:
        raise NotPermitted(_("You do not belong to this tenant."))
    if by.key is not None:
        raise NotPermitted(_("An API key cannot leave the team for you."))
    _go("team.leave", by, _locked(membership))


@transaction.atomic
def change_tenant(*, by: User, tenant: Tenant, name: str, requires_second_factor: bool) -> None:
    """Keep the tenant's name, and whether members need a second factor: Tenant Admins only."""
    tenant = Tenant.objects.select_for_update().get(pk=tenant.pk)
    if not authority.authority_of(by, tenant).is_admin:
        raise NotPermitted(_("Only a Tenant Admin changes this."))
    if requires_second_factor and not second_factor.has(by):
        raise Refused(
            _("Set up a second factor for yourself first: you would be kept out as well."),
            field="requires_second_factor",
        )
    tenant.name, tenant.requires_second_factor = name.strip(), requires_second_factor
    tenant.save(update_fields=["name", "requires_second_factor"])
    operations.done(
        "tenant.change",
        by=by,
        tenant=tenant,
        object_type="tenant",
        object_id=tenant.pk,
        object_name=tenant.name,
        parameters={"name": tenant.name, "requires_second_factor": requires_second_factor},
    )


def told(one: Membership | Invitation) -> dict[str, object]:
    """Return a place as the operations log tells it."""
    return {
        "role": one.custom_role.name if one.custom_role else one.role,
        "rights": one.rights,
        "all_machines": one.all_machines,
    }


def _go(action: str, by: User, membership: Membership) -> None:
    if membership.role == Role.ADMIN:
        _check_another_admin(membership)
    api_keys.revoke_all(membership.user, membership.tenant)
    membership.tenant.invitations.unanswered().filter(invited_by=membership.user_id).update(
        revoked_at=timezone.now()
    )
    _log(action, by, membership, told(membership))
    membership.delete()
    places.forget(by)


def _check_another_admin(membership: Membership) -> None:
    others = membership.tenant.memberships.filter(role=Role.ADMIN, user__is_active=True)
    if not others.exclude(pk=membership.pk).exists():
        raise Refused(
            _("%(who)s is the last Tenant Admin: make somebody else one first.")
            % {"who": membership.user},
            field="role",
        )


def _locked(membership: Membership) -> Membership:
    """Lock the tenant, then read the member anew: whoever waited sees what the other did."""
    Tenant.objects.select_for_update().get(pk=membership.tenant_id)
    found = (
        Membership.objects.select_related("tenant", "user", "custom_role")
        .filter(pk=membership.pk)
        .first()
    )
    if found is None:
        raise Refused(_("This person is not on the team any more."))
    return found


def _log(action: str, by: User, membership: Membership, parameters: dict[str, object]) -> None:
    operations.done(
        action,
        by=by,
        tenant=membership.tenant,
        object_type="member",
        object_id=membership.pk,
        object_name=membership.user.email,
        parameters=parameters,
    )
