"""Make and change plans."""

from __future__ import annotations

from collections.abc import Collection

from django.db import IntegrityError, transaction

from plans import services
from plans.errors import NotConfigured
from plans.models import Access, Plan, PlanService
from tenants.actions import operations
from tenants.errors import Conflicting, Refused
from tenants.models import User


@transaction.atomic
def create(*, by: User, name: str, description: str = "", service_keys: Collection[str]) -> Plan:
    """Return a new plan: private, not configured, with these services."""
    unknown = [key for key in service_keys if services.get(key) is None]
    if unknown or not service_keys:
        raise Refused("Choose at least one service.", field="services")
    try:
        with transaction.atomic():
            plan = Plan.objects.create(name=name.strip(), description=description.strip())
    except IntegrityError as error:
        raise Conflicting(f"A plan named “{name}” exists already.", field="name") from error
    PlanService.objects.bulk_create(PlanService(plan=plan, key=key) for key in service_keys)
    operations.done(
        "plan.created",
        by=by,
        object_type="plan",
        object_id=plan.pk,
        object_name=plan.name,
        parameters={"name": name, "services": sorted(service_keys)},
    )
    return plan


@transaction.atomic
def change_access(*, by: User, plan: Plan, access: str) -> None:
    """Make a plan private, public or decommissioned; a public plan must be configured."""
    if access not in Access.values:
        raise Refused("Choose private, public or decommissioned.", field="access")
    if access == Access.PUBLIC and not plan.is_configured:
        raise NotConfigured(f"“{plan.name}” has no quota yet: set it, then make the plan public.")
    Plan.objects.filter(pk=plan.pk).update(access=access)
    plan.access = access
    operations.done(
        "plan.access_changed",
        by=by,
        object_type="plan",
        object_id=plan.pk,
        object_name=plan.name,
        parameters={"access": access},
    )
