"""Make and change add-ons. What subscriptions take of them is fabric.actions.subscriptions'."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from plans.models import Access, AddOn, Plan
from plans.rules import RESOURCES
from tenants.actions import operations
from tenants.errors import Conflicting, Refused
from tenants.models import User

MOST = 1000


@transaction.atomic
def create(
    *,
    by: User,
    name: str,
    amounts: Mapping[str, int],
    plans: Collection[Plan] = (),
    description: str = "",
    price_text: str = "",
    most: int = 10,
) -> AddOn:
    """Return a new add-on, private, for subscriptions of these plans."""
    add_on = AddOn(
        name=name.strip(), description=description.strip(), price_text=price_text.strip()
    )
    _write(add_on, amounts, plans, most)
    _log(add_on, by, "add_on.created")
    return add_on


@transaction.atomic
def change(
    *,
    by: User,
    add_on: AddOn,
    name: str,
    amounts: Mapping[str, int],
    plans: Collection[Plan],
    description: str = "",
    price_text: str = "",
    most: int = 10,
) -> None:
    """Change an add-on; what it adds stays as it is while a subscription has it."""
    add_on = AddOn.objects.select_for_update().get(pk=add_on.pk)
    if dict(amounts) != add_on.amounts and add_on.takers.exists():
        raise Refused(
            _("Subscriptions have it: what it adds cannot change. Make a new add-on instead.")
        )
    add_on.name, add_on.description = name.strip(), description.strip()
    add_on.price_text = price_text.strip()
    _write(add_on, amounts, plans, most)
    _log(add_on, by, "add_on.changed")


@transaction.atomic
def change_access(*, by: User, add_on: AddOn, access: str) -> None:
    """Make an add-on private, public or decommissioned; a public one belongs to a plan."""
    if access not in Access.values:
        raise Refused(_("Choose private, public or decommissioned."), field="access")
    if access == Access.PUBLIC and not add_on.plans.exists():
        raise Refused(_("Choose a plan for it first, then make it public."), field="access")
    AddOn.objects.filter(pk=add_on.pk).update(access=access)
    add_on.access = access
    _log(add_on, by, "add_on.access_changed")


def _write(add_on: AddOn, amounts: Mapping[str, int], plans: Collection[Plan], most: int) -> None:
    if not 1 <= most <= MOST:
        raise Refused(_("Between 1 and %(most)d.") % {"most": MOST}, field="most")
    for resource in RESOURCES:
        amount = amounts.get(resource.name, 0)
        if not 0 <= amount < 2**31 // MOST:
            raise Refused(_("This is too much."), field=resource.name)
        setattr(add_on, resource.name, amount)
    if not any(add_on.amounts.values()):
        raise Refused(_("An add-on adds at least one thing."), field=RESOURCES[0].name)
    add_on.most = most
    try:
        with transaction.atomic():
            add_on.save()
    except IntegrityError as error:
        raise Conflicting(
            _("An add-on named “%(name)s” exists already.") % {"name": add_on.name}, field="name"
        ) from error
    add_on.plans.set(plans)


def _log(add_on: AddOn, by: User, action: str) -> None:
    operations.done(
        action,
        by=by,
        object_type="add-on",
        object_id=add_on.pk,
        object_name=add_on.name,
        parameters={
            "access": add_on.access,
            "price": add_on.price_text,
            "most": add_on.most,
            "plans": sorted(plan.name for plan in add_on.plans.all()),
            **add_on.amounts,
        },
    )
