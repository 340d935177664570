"""Subscriptions as a portal tells of them: a tenant, its user role, and what its plan gives it.

What the portal gave before and gives no longer is taken away; what others gave stays. Everything is
repeatable, and each call is done whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import models, transaction

from fabric.odata.errors import BadRequest, Conflict, NotFound, ODataError
from fabric.spf.actions import quotas, tenants
from fabric.spf.actions.quotas import ALWAYS, Networks, Quota, Settings
from fabric.spf.models import AccountStatus, Stamp, Subscription, SubscriptionState, Tenant
from fabric.spf.scope import load_stamps
from fabric.vmm.actions import userroles
from fabric.vmm.errors import VMMError
from fabric.vmm.models import (
    Cloud,
    HardwareProfile,
    ResourceKind,
    UserRole,
    VMNetwork,
    VMTemplate,
)

_THINGS: Final[dict[str, type[models.Model]]] = {
    ResourceKind.TEMPLATE: VMTemplate,
    ResourceKind.PROFILE: HardwareProfile,
    ResourceKind.NETWORK: VMNetwork,
}
# What VMM takes in no name.
_UNNAMEABLE = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]')


@dataclass(frozen=True)
class Told:
    """What a portal says of a subscription; None is what it does not speak of."""

    id: UUID
    name: str | None = None
    state: int | None = None
    admin_id: str | None = None
    co_admin_ids: Sequence[str] | None = None
    quota_settings: Settings | None = None


@dataclass(frozen=True)
class Updated:
    """Whose quota was changed, whose was not, and why the first of those was not."""

    done: list[UUID]
    failed: list[UUID]
    error: str | None = None


def add_subscription(told: Told) -> Subscription:
    """Make the tenant, and its role on the stamps its quota names; the same again changes it."""
    with transaction.atomic():
        tenant = Tenant.objects.filter(pk=told.id).first()
        if tenant is None:
            tenant = _made(told)
        return _written(tenant, told)


def change_subscription(told: Told) -> Subscription | None:
    """Change what is told; None when it was to be deleted, and nothing of it is left."""
    with transaction.atomic():
        tenant = Tenant.objects.filter(pk=told.id).first()
        if tenant is None and told.state == SubscriptionState.DELETE_PENDING:
            return None
        if tenant is None:
            raise NotFound(f"There is no subscription {told.id}.")
        subscription = _written(tenant, told)
        if told.state == SubscriptionState.DELETE_PENDING and _is_removed(subscription):
            return None
        return subscription


def remove_subscription(id: UUID) -> None:
    """Forget a subscription of which nothing is left; else it is deleting, which Conflict says.

    Until then it is suspended. Machines are never removed for it.
    """
    if change_subscription(Told(id, state=SubscriptionState.DELETE_PENDING)) is not None:
        left = Subscription.objects.get(pk=id)
        raise Conflict(f"The subscription {left} is deleting. {left.last_error}")


def update_quota(
    plan: Settings, add_ons: Sequence[Settings], ids: Iterable[UUID], *, only_validate: bool = False
) -> Updated:
    """Give subscriptions a quota, each whole or not at all; raises BadRequest for a wrong one."""
    _require_there(quotas.read_quota(plan, add_ons))
    done: list[UUID] = []
    failed: list[UUID] = []
    error = None
    for id in dict.fromkeys(ids):
        try:
            with transaction.atomic():
                tenant = Tenant.objects.filter(pk=id).first()
                if tenant is None:
                    raise NotFound(f"There is no subscription {id}.")
                subscription = _held(tenant)
                _give(subscription, plan, add_ons)
                subscription.save()
                transaction.set_rollback(only_validate)
            done.append(id)
        except (ODataError, VMMError) as fault:
            failed.append(id)
            error = error or fault.message
    return Updated(done, failed, error)


def known_stamps() -> list[UUID]:
    """The stamps whose VMM server can be reached."""
    return sorted(load_stamps().servers)


def _made(told: Told) -> Tenant:
    person = told.admin_id or told.name or "subscription"
    name = f"{_UNNAMEABLE.sub('_', person)[:200]}_{told.id}"
    try:
        return tenants.create_tenant(name, told.id)
    except Conflict:
        # Somebody told of it at the same moment.
        found = Tenant.objects.filter(pk=told.id).first()
        if found is None:
            raise
        return found


def _held(tenant: Tenant) -> Subscription:
    """What is known of a tenant, locked, so that what is told of it is done one after another.

    Brings the tenant up to date; raises NotFound when it was removed meanwhile.
    """
    try:
        tenant.refresh_from_db(from_queryset=Tenant.objects.select_for_update())
    except Tenant.DoesNotExist:
        raise NotFound(f"There is no subscription {tenant.pk} any more.") from None
    found = Subscription.objects.filter(pk=tenant.pk).first()
    return found or Subscription(tenant=tenant, name=tenant.name)


def _written(tenant: Tenant, told: Told) -> Subscription:
    subscription = _held(tenant)
    before = _people(subscription)
    if told.name is not None:
        subscription.name = told.name
    if told.admin_id is not None:
        subscription.admin_id = told.admin_id
    if told.co_admin_ids is not None:
        subscription.co_admin_ids = list(told.co_admin_ids)
    if told.state is not None:
        subscription.state = told.state
    subscription.last_error = ""
    if told.quota_settings is not None:
        _give(subscription, told.quota_settings, subscription.add_ons)
    is_active = subscription.state == SubscriptionState.ACTIVE
    status = AccountStatus.ACTIVE if is_active else AccountStatus.SUSPENDED
    if tenant.account_status != status:
        tenants.change_tenant(tenant, account_status=status)
    _meet(subscription, before)
    subscription.save()
    return subscription


def _people(subscription: Subscription) -> list[str]:
    people = [subscription.admin_id, *subscription.co_admin_ids]
    return [person for person in people if person]


def _meet(subscription: Subscription, before: list[str]) -> None:
    """Have the administrators be members of the role, and those that are none no longer."""
    role = UserRole.objects.filter(pk=subscription.pk).first()
    now = _people(subscription)
    staying = {person.casefold() for person in now}
    if role is not None and (now or before):
        leaving = [person for person in before if person.casefold() not in staying]
        userroles.change(tenants.ITSELF, role, add_members=now, remove_members=leaving)


def _give(subscription: Subscription, plan: Settings, add_ons: Sequence[Settings]) -> None:
    """Have the role have what this quota says, and nothing of what only the one before said."""
    before = quotas.read_quota(subscription.quota_settings, subscription.add_ons)
    now = quotas.read_quota(plan, add_ons)
    _require_there(now)
    subscription.quota_settings = [dict(each) for each in plan]
    subscription.add_ons = [[dict(each) for each in settings] for settings in add_ons]
    tenant = subscription.tenant
    for stamp in Stamp.objects.filter(pk__in=now.stamps):
        tenants.assign(tenant, stamp)
    for stamp in tenant.stamps.filter(pk__in=before.stamps - now.stamps):
        tenants.withdraw(tenant, stamp)
    role = UserRole.objects.filter(pk=tenant.pk).first()
    if role is None:
        return
    networks = now.networks or Networks()
    others = set(role.permissions) - before.permissions
    userroles.change(
        tenants.ITSELF,
        role,
        permissions=sorted({*ALWAYS, *now.permissions, *others}),
        add_scopes=list(now.scopes.values()),
        remove_scopes=before.scopes.keys() - now.scopes.keys(),
        add_resources=sorted(now.grants, key=str),
        remove_resources=before.grants - now.grants,
        most_networks=networks.most,
        member_most_networks=networks.member_most,
    )


def _require_there(quota: Quota) -> None:
    """Raise BadRequest unless every stamp is known, and what is said to be on it is."""
    stamps = load_stamps()
    for stamp in sorted(quota.stamps):
        if stamp not in stamps.servers:
            raise BadRequest(f"The quota names the stamp {stamp}, which is none of this server.")
    servers = dict(_servers_of(Cloud, quota.scopes))
    for kind, model in _THINGS.items():
        servers |= _servers_of(model, [g.resource_id for g in quota.grants if g.kind == kind])
    for stamp, thing in sorted(quota.placed):
        if servers.get(thing) != stamps.servers[stamp]:
            raise BadRequest(f"The quota names {thing}, which is not on the stamp {stamp}.")


def _servers_of(model: type[models.Model], ids: Iterable[UUID]) -> dict[UUID, Any]:
    rows = model._default_manager.filter(pk__in=list(ids))
    return dict(rows.values_list("pk", "server_id"))


def _is_removed(subscription: Subscription) -> bool:
    """Remove the tenant if nothing of it is left; else write down what is."""
    try:
        with transaction.atomic():
            tenants.remove_tenant(subscription.tenant)
    except VMMError as refusal:
        subscription.last_error = f"{refusal.message} {refusal.advice}".strip()
        subscription.save(update_fields=["last_error"])
        return False
    return True
