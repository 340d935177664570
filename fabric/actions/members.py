"""Members and what hangs on them here: chosen machines, parts of the quota, their roles in VMM.

The rules of the team itself stand in `tenants.actions`; every act here ends with the tenant's
subscriptions provisioned again, so that VMM holds the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from fabric.actions.subscriptions import provision_all
from fabric.models import Machine, MachineGrant
from plans.models import MemberLimit, Subscription
from plans.rules import RESOURCES
from tenants import authority
from tenants.actions import invitations, roles, team
from tenants.authority import Authority, Place
from tenants.errors import NotPermitted, Refused
from tenants.models import Invitation, Membership, Tenant, TenantRole, User
from tenants.rights import Right

Limits = Mapping[uuid.UUID, Mapping[str, int | None]]
_USES_QUOTA = frozenset({Right.CREATE.value, Right.AUTHOR.value})


@transaction.atomic
def invite(
    *, by: User, tenant: Tenant, email: str, place: Place, machines: Collection[uuid.UUID] = ()
) -> tuple[Invitation, str]:
    """Invite somebody; of chosen machines the inviter must see every one."""
    held = authority.authority_of(by, tenant)
    if not held.is_admin and MemberLimit.objects.filter(**_own_limits(by, tenant)).exists():
        raise NotPermitted(_("You have a part of the quota only: ask a Tenant Admin to invite."))
    chosen = [] if place.all_machines else _seen(held, tenant, machines)
    return invitations.invite(
        by=by, tenant=tenant, email=email, place=place, machines=[str(one.pk) for one in chosen]
    )


@transaction.atomic
def accept(*, by: User, token: str) -> Membership:
    """Join a team by the link of an invitation."""
    membership, invitation = invitations.accept(by=by, token=token)
    if not membership.all_machines:
        there = Machine.objects.filter(
            pk__in=invitation.machines, subscription__tenant=membership.tenant_id
        )
        MachineGrant.objects.bulk_create(
            MachineGrant(membership=membership, machine=machine) for machine in there
        )
    _provision(membership.tenant, by)
    return membership


@transaction.atomic
def join_anew(*, token: str, name: str, password: str) -> User:
    """Make an account with the invited address, and join with it."""
    user = invitations.open_account(token=token, name=name, password=password)
    accept(by=user, token=token)
    return user


@transaction.atomic
def change(
    *,
    by: User,
    membership: Membership,
    place: Place,
    machines: Collection[uuid.UUID] = (),
    limits: Limits | None = None,
) -> Membership:
    """Give a member a role, machines and parts of the quota (None: as they are)."""
    held = authority.authority_of(by, membership.tenant)
    membership = team.change(by=by, membership=membership, place=place)
    if membership.all_machines:
        membership.grants.all().delete()
    else:
        _grant(held, membership, machines)
    if place.role == "admin":
        membership.limits.all().delete()
    else:
        _check_parts(held, membership, place, limits or {})
        _limit(membership, limits or {})
    _provision(membership.tenant, by)
    return membership


@transaction.atomic
def remove(*, by: User, membership: Membership) -> None:
    """Take somebody out of the team. Running jobs go on; rights are gone at once."""
    tenant = membership.tenant
    team.remove(by=by, membership=membership)
    _provision(tenant, by)


@transaction.atomic
def leave(*, by: User, tenant: Tenant) -> None:
    """Leave a team oneself."""
    team.leave(by=by, tenant=tenant)
    _provision(tenant, by)


@transaction.atomic
def change_role(
    *, by: User, role: TenantRole, name: str, description: str, given: Collection[str]
) -> None:
    """Write a composed role anew, for all who have it."""
    held = authority.authority_of(by, role.tenant)
    more = _USES_QUOTA & (set(given) - set(role.rights))
    parts = MemberLimit.objects.filter(**_own_limits(by, role.tenant))
    if more and not held.is_admin and role.memberships.exists() and parts.exists():
        raise NotPermitted(_("You have a part of the quota only: ask a Tenant Admin."))
    roles.change(by=by, role=role, name=name, description=description, given=given)
    if role.memberships.exists():
        _provision(role.tenant, by)


def _own_limits(by: User, tenant: Tenant) -> dict[str, object]:
    return {"membership__user": by, "membership__tenant": tenant}


def _seen(held: Authority, tenant: Tenant, machines: Collection[uuid.UUID]) -> Collection[Machine]:
    """Return the machines, of which the giver must see every one."""
    wanted = set(machines)
    found = Machine.objects.visible_to(held.user).filter(pk__in=wanted, subscription__tenant=tenant)
    if found.count() != len(wanted):
        raise Refused(_("Choose from the machines shown."), field="machines")
    return found


def _grant(held: Authority, membership: Membership, machines: Collection[uuid.UUID]) -> None:
    """Keep exactly these machines; those the giver does not see stay as they are."""
    chosen = {machine.pk for machine in _seen(held, membership.tenant, machines)}
    visible = Machine.objects.visible_to(held.user).filter(subscription__tenant=membership.tenant)
    membership.grants.filter(machine__in=visible).exclude(machine__in=chosen).delete()
    MachineGrant.objects.bulk_create(
        (MachineGrant(membership=membership, machine_id=pk) for pk in chosen),
        ignore_conflicts=True,
    )


def _check_parts(held: Authority, membership: Membership, place: Place, limits: Limits) -> None:
    """Refuse a part larger than the giver's own: as given now, or as the member has it."""
    if held.is_admin:
        return
    theirs = {part.subscription_id: part.limits for part in membership.limits.all()}
    uses = bool(place.effective & _USES_QUOTA)
    for own in MemberLimit.objects.filter(**_own_limits(held.user, membership.tenant)):
        pk = own.subscription_id
        if uses or pk in limits:
            _check_within(own.limits, limits.get(pk) or theirs.get(pk) or {})


def _limit(membership: Membership, limits: Limits) -> None:
    for subscription in Subscription.objects.filter(tenant=membership.tenant, pk__in=limits):
        parts = {r.name: limits[subscription.pk].get(r.name) for r in RESOURCES}
        if all(value is None for value in parts.values()):
            membership.limits.filter(subscription=subscription).delete()
            continue
        MemberLimit.objects.update_or_create(
            membership=membership, subscription=subscription, defaults=parts
        )


def _check_within(own: Mapping[str, int | None], parts: Mapping[str, int | None]) -> None:
    """Nobody gives a larger part than they have."""
    for resource in RESOURCES:
        top, wanted = own.get(resource.name), parts.get(resource.name)
        if top is not None and (wanted is None or wanted > top):
            raise NotPermitted(
                _("Your own part is %(top)d: give no more of “%(what)s”.")
                % {"top": top, "what": _(resource.title)}
            )


def _provision(tenant: Tenant, by: User) -> None:
    provision_all(tenant.subscriptions.all(), by=by)
