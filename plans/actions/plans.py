"""Make and change plans."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from plans import services
from plans.errors import NotConfigured
from plans.models import Access, Plan, PlanService
from tenants.actions import operations
from tenants.errors import Conflicting, NotPermitted, Refused
from tenants.models import User

CODE_LENGTH = 6
WRONG_CODES = 5
WRONG_CODES_MINUTES = 15


@transaction.atomic
def create(
    *,
    by: User,
    name: str,
    service_keys: Collection[str],
    description: str = "",
    highlights: str = "",
    price_text: str = "",
    invitation_code: str = "",
) -> Plan:
    """Return a new plan: private, not configured, with these services."""
    unknown = [key for key in service_keys if services.get(key) is None]
    if unknown or not service_keys:
        raise Refused(_("Choose at least one service."), field="services")
    plan = Plan()
    told = _describe(plan, name, description, highlights, price_text, invitation_code)
    PlanService.objects.bulk_create(PlanService(plan=plan, key=key) for key in service_keys)
    _log(plan, by, "plan.created", told | {"services": sorted(service_keys)})
    return plan


@transaction.atomic
def change(
    *,
    by: User,
    plan: Plan,
    name: str,
    description: str = "",
    highlights: str = "",
    price_text: str = "",
    invitation_code: str = "",
) -> None:
    """Say otherwise what a plan is called, what speaks for it, what it costs and who is invited."""
    plan = Plan.objects.select_for_update().get(pk=plan.pk)
    told = _describe(plan, name, description, highlights, price_text, invitation_code)
    _log(plan, by, "plan.changed", told)


@transaction.atomic
def change_access(*, by: User, plan: Plan, access: str) -> None:
    """Make a plan private, public or decommissioned; a public plan must be configured."""
    if access not in Access.values:
        raise Refused(_("Choose private, public or decommissioned."), field="access")
    if access == Access.PUBLIC and not plan.is_configured:
        raise NotConfigured(
            _("“%(plan)s” has no quota yet: set it, then make the plan public.")
            % {"plan": plan.name}
        )
    Plan.objects.filter(pk=plan.pk).update(access=access)
    plan.access = access
    _log(plan, by, "plan.access_changed", {"access": access})


def check_invitation(plan: Plan, *, by: User, code: str) -> None:
    """Raise NotPermitted unless the code is the plan's, if it has one.

    Compared in constant time. After a few wrong ones a person waits, whatever they type; call it
    outside the transaction of the act, so that the wrong ones stay in the log.
    """
    if not plan.invitation_code:
        return
    key = f"invitation:{plan.pk}:{by.pk}"
    # Counted before it is compared: many at once are no more tries than one after the other.
    if _tried(key) > WRONG_CODES:
        raise NotPermitted(
            _("Too many wrong codes. Try again in %(minutes)d minutes.")
            % {"minutes": WRONG_CODES_MINUTES},
            field="invitation_code",
            code="throttled",
        )
    if hmac.compare_digest(code.strip().encode(), plan.invitation_code.encode()):
        cache.delete(key)
        return
    operation = operations.started(
        "plan.invitation", by=by, object_type="plan", object_id=plan.pk, object_name=plan.name
    )
    refusal = _("This is not the plan's invitation code.")
    operations.failed(operation, refusal)
    raise NotPermitted(refusal, field="invitation_code")


def _tried(key: str) -> int:
    """Return how many tries there were since the first, this one among them."""
    if cache.add(key, 1, timeout=WRONG_CODES_MINUTES * 60):
        return 1
    try:
        return int(cache.incr(key))
    except ValueError:
        return 1  # it ran out between the two


def _describe(
    plan: Plan,
    name: str,
    description: str,
    highlights: str,
    price_text: str,
    invitation_code: str,
) -> dict[str, str]:
    """Write what people read of a plan; return it as the log tells it."""
    code = invitation_code.strip()
    if code and len(code) < CODE_LENGTH:
        raise Refused(
            _("At least %(length)d characters.") % {"length": CODE_LENGTH}, field="invitation_code"
        )
    plan.name, plan.description = name.strip(), description.strip()
    plan.highlights, plan.price_text = highlights.strip(), price_text.strip()
    plan.invitation_code = code
    try:
        with transaction.atomic():
            plan.save()
    except IntegrityError as error:
        raise Conflicting(
            _("A plan named “%(name)s” exists already.") % {"name": name}, field="name"
        ) from error
    return {
        "name": plan.name,
        "price": plan.price_text,
        "highlights": plan.highlights,
        "invitation_code": code,
    }


def _log(plan: Plan, by: User, action: str, told: Mapping[str, object]) -> None:
    operations.done(
        action,
        by=by,
        object_type="plan",
        object_id=plan.pk,
        object_name=plan.name,
        parameters=dict(told),
    )
