"""Open and name subscriptions. What that brings into being is the services' own work."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from plans.errors import NotConfigured
from plans.models import Plan, Subscription
from tenants.errors import Conflicting, Refused
from tenants.models import Tenant, User

NAME_LENGTH = 80


@transaction.atomic
def open_subscription(*, owner: User, tenant: Tenant, plan: Plan, name: str = "") -> Subscription:
    """Return a new subscription, not yet provisioned."""
    if not plan.is_configured:
        raise NotConfigured(
            _("“%(plan)s” has no quota yet and cannot be subscribed to.") % {"plan": plan.name}
        )
    return Subscription.objects.create(
        tenant=tenant, plan=plan, name=name.strip() or plan.name, owner_email=owner.email
    )


def rename(subscription: Subscription, name: str) -> None:
    """Give a subscription another name, one that no other of its tenant's has."""
    name = name.strip()
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise Refused(
            _("Between 1 and %(most)d printable characters.") % {"most": NAME_LENGTH}, field="name"
        )
    others = subscription.tenant.subscriptions.present().exclude(pk=subscription.pk)
    if others.filter(name__iexact=name).exists():
        raise Conflicting(
            _("Another subscription is named “%(name)s” already.") % {"name": name}, field="name"
        )
    Subscription.objects.filter(pk=subscription.pk).update(name=name)
    subscription.name = name
