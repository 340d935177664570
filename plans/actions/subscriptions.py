"""Open a subscription. What it brings into being is the services' own work."""

from __future__ import annotations

from django.db import transaction

from plans.errors import NotConfigured
from plans.models import Plan, Subscription
from tenants.models import Tenant, User


@transaction.atomic
def open_subscription(*, owner: User, tenant: Tenant, plan: Plan, name: str = "") -> Subscription:
    """Return a new subscription, not yet provisioned."""
    if not plan.is_configured:
        raise NotConfigured(f"“{plan.name}” has no quota yet and cannot be subscribed to.")
    return Subscription.objects.create(
        tenant=tenant, plan=plan, name=name.strip() or plan.name, owner_email=owner.email
    )
