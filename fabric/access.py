"""Who may do what with a machine: what the plan grants, narrowed by the member's role."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from fabric.models import Group, Machine, Schedule
from fabric.states import ALWAYS_GRANTED, GRANTABLE, missing_for
from plans.models import MemberLimit
from tenants import rights
from tenants.errors import NotPermitted
from tenants.models import Membership, Operation, User

if TYPE_CHECKING:
    from plans.models import Subscription

# What a plan says nothing about is the role's alone.
_OUTSIDE_PLANS = rights.ALL - frozenset(ALWAYS_GRANTED) - frozenset(GRANTABLE)
# A member's role inside the subscription's is found by this, both in VMM and here.
_MEMBER_ROLES = uuid.UUID("5b0c2f3e-8f5e-5d0a-9a3f-6f6d3c1e7a40")


def member_of(user: User, machine: Machine) -> Membership | None:
    """Return a person's place in a machine's tenant if they may see it, with its `has_part`. One
    query."""
    found = (
        Membership.objects.filter(user=user, tenant_id=machine.subscription.tenant_id)
        .select_related("custom_role")
        .annotate(has_part=part_in(machine.subscription_id))
    )
    return found.filter(
        Q(all_machines=True) | Q(grants__machine=machine) | Q(user=machine.created_by_id)
    ).first()


def rights_on(
    user: User | None, machine: Machine, of_tenant: Collection[str] | None = None
) -> frozenset[str]:
    """Return the permissions a person has on a machine, nothing for a stranger.

    Whoever knows what they may do in its tenant, and that they see it, says so and saves the query.
    The machine's `subscription__plan__offering` is read.
    """
    if of_tenant is None:
        member = member_of(user, machine) if user else None
        if user is None or member is None:
            return frozenset()
        tenant_id = machine.subscription.tenant_id
        of_tenant = rights.through_key(user, tenant_id, rights.of_member(member))
    return frozenset(of_tenant) & (machine.subscription.plan.offering.granted | _OUTSIDE_PLANS)


def why_forbidden(
    user: User | None, machine: Machine, verb: str, of_tenant: Collection[str] | None = None
) -> str | None:
    """Return why a person may not ask for this, None when they may; the state is another matter.

    Nobody is asked about by what they may in the tenant.
    """
    granted = machine.subscription.plan.offering.granted
    if missing_for(verb, granted):
        return _("Your plan does not allow this.")
    lacking = missing_for(verb, rights_on(user, machine, of_tenant))
    if lacking is None:
        return None
    return _("Your role does not allow this: %(right)s.") % {"right": rights.Right(lacking).label}


def require_member(by: User, subscription: Subscription, right: str) -> Membership:
    """Return a person's place in a subscription's tenant, or raise NotPermitted."""
    member = rights.memberships_of([by], [subscription.tenant]).first()
    if member is None:
        raise NotPermitted(_("You do not belong to the tenant of this subscription."))
    held = rights.through_key(by, subscription.tenant_id, rights.of_member(member))
    if right not in held:
        raise NotPermitted(
            _("Your role does not allow this: %(right)s.") % {"right": rights.Right(right).label}
        )
    return member


def part_in(subscription_id: uuid.UUID) -> Exists:
    """Return whether a membership has a part of a subscription's quota, to annotate with."""
    parts = MemberLimit.objects.filter(membership=OuterRef("pk"), subscription=subscription_id)
    return Exists(parts)


def is_restricted(member: Membership) -> bool:
    """Tell whether a member may do, or use, less than the subscription's own role in VMM. Their
    `has_part` was asked for, see `part_in`."""
    may_all = rights.of_member(member).issuperset(rights.MACHINE_RIGHTS)
    return member.has_part or not (member.all_machines and may_all)


def role_of(subscription_id: uuid.UUID, member: Membership) -> uuid.UUID:
    """Return the id of a restricted member's role inside the subscription's."""
    return uuid.uuid5(_MEMBER_ROLES, f"{subscription_id}:{member.user_id}")


def operations_visible_to(user: User) -> QuerySet[Operation]:
    """Return the log entries of a person's tenants, those on machines they may not see excepted:
    of groups and schedules too, and of leaving a subscription, which name machines."""
    entries = Operation.objects.visible_to(user)
    if user.whole_tenant_ids is not None:
        return entries
    if not user.memberships.filter(all_machines=False).exists():
        return entries
    is_seen = Q(actor=user) | Q(
        tenant__in=user.memberships.filter(all_machines=True).values("tenant")
    )
    for kind, rows in (
        ("machine", Machine.objects.granted_to(user)),
        ("group", Group.objects.visible_to(user)),
        ("schedule", Schedule.objects.visible_to(user)),
    ):
        ids = rows.annotate(text=Cast(F("pk"), CharField())).values("text")
        is_seen |= Q(object_type=kind, object_id__in=ids)
    others = ~Q(object_type__in=("machine", "group", "schedule"))
    return entries.filter(is_seen | others & ~Q(action="subscription.leave"))
