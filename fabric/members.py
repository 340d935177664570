"""A subscription's people in VMM: who may all its role may, and who has a role inside it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Prefetch

from fabric import abilities, access
from fabric.models import Machine, MachineGrant, Offering
from fabric.providers.abilities import MEMBER_ROLES
from fabric.providers.base import MemberRole
from fabric.states import GONE
from plans.models import MemberLimit, Subscription
from plans.rules import RESOURCES
from tenants import rights
from tenants.models import Membership

# What VMM wants beside the right to create.
_WITH_CREATE = ("CreateFromVHDOrTemplate", "AllowLocalAdmin")


@dataclass(frozen=True)
class People:
    """`everything` are mail addresses, `restricted` the roles inside the subscription's."""

    everything: tuple[str, ...]
    restricted: tuple[MemberRole, ...]


def people_of(subscription: Subscription, offering: Offering) -> People:
    """Return who is to be known in VMM; who may do nothing with machines is not. Three queries.

    Where the endpoint knows no roles inside a role, all of them share the one there is, and only
    the portal holds what each may do.
    """
    members = [
        (member, permissions_of(member, offering.granted))
        for member in _members(subscription)
        if rights.of_member(member) & rights.MACHINE_RIGHTS
    ]
    if abilities.why_not(offering.cloud.stamp.provider, MEMBER_ROLES):
        return People(tuple(member.user.email for member, _granted in members), ())
    less = [(member, may) for member, may in members if access.is_restricted(member)]
    machines = _chosen(subscription, [member for member, _may in less if not member.all_machines])
    return People(
        everything=tuple(m.user.email for m, _may in members if not access.is_restricted(m)),
        restricted=tuple(
            MemberRole(
                id=access.role_of(subscription.pk, member),
                name=f"{member.user.email}_{access.role_of(subscription.pk, member)}",
                email=member.user.email,
                permissions=may,
                limits=_limits(member),
                machines=None if member.all_machines else tuple(sorted(machines[member.pk])),
            )
            for member, may in less
        ),
    )


def permissions_of(member: Membership, granted: Collection[str]) -> tuple[str, ...]:
    """Return the verbs of a member's role in VMM: their rights, as far as the plan grants them."""
    held = set(rights.of_member(member))
    if rights.Right.CREATE in held:
        held.update(_WITH_CREATE)
    return tuple(sorted(held & set(granted)))


def _members(subscription: Subscription) -> list[Membership]:
    limits = MemberLimit.objects.filter(subscription=subscription)
    return list(
        Membership.objects.filter(tenant_id=subscription.tenant_id, user__is_active=True)
        .select_related("user", "custom_role")
        .prefetch_related(Prefetch("limits", queryset=limits))
        .annotate(has_part=access.part_in(subscription.pk))
        .order_by("user__email")
    )


def _limits(member: Membership) -> dict[str, int | None]:
    for part in member.limits.all():
        return part.limits
    return {resource.name: None for resource in RESOURCES}


def _chosen(
    subscription: Subscription, members: Collection[Membership]
) -> dict[int, set[uuid.UUID]]:
    """Return the far side's ids of the machines each may see: chosen for them, or made by them."""
    found: dict[int, set[uuid.UUID]] = defaultdict(set)
    if not members:
        return found
    here = Machine.objects.filter(subscription=subscription, remote_id__isnull=False)
    here = here.exclude(state__in=GONE)
    granted = MachineGrant.objects.filter(membership__in=members, machine__in=here)
    for member_id, remote_id in granted.values_list("membership_id", "machine__remote_id"):
        found[member_id].add(remote_id)
    by_user = {member.user_id: member.pk for member in members}
    made = here.filter(created_by__in=by_user).values_list("created_by", "remote_id")
    for user_id, remote_id in made:
        found[by_user[user_id]].add(remote_id)
    return found
