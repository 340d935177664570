"""What would be said of an order, before it is given: the checks of `deploy`, all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric import access
from fabric.actions import machines, ordering
from fabric.models import Cloud, Offering
from fabric.orders import NewMachine
from plans import rules
from plans.actions import limits
from plans.actions.shares import Share, share_of
from plans.models import Subscription
from plans.words import in_sentence
from tenants import places
from tenants.errors import Refused
from tenants.models import User
from tenants.rights import Right

# The cloud is called full from here on, before it is.
NEARLY = 0.9
TITLES: dict[ordering.Check, Any] = {
    ordering.check_template: gettext_lazy("Template"),
    ordering.check_size: gettext_lazy("Size"),
    ordering.check_networks: gettext_lazy("Networks and addresses"),
    ordering.check_disks: gettext_lazy("Disks"),
    ordering.check_name: gettext_lazy("Name"),
    ordering.check_guest: gettext_lazy("Operating system"),
    ordering.check_keeping: gettext_lazy("Tags and end date"),
}
BY_NAME = (ordering.check_name, ordering.check_guest)


@dataclass(frozen=True)
class Finding:
    """`level` is ok, warn or bad; `field` names the form field at fault, if there is one."""

    level: str
    title: str
    text: str
    field: str = ""


def check(
    *,
    by: User,
    subscription: Subscription,
    order: NewMachine,
    count: int = 1,
    offering: Offering | None = None,
    share: Share | None = None,
) -> list[Finding]:
    """Return what is well, doubtful and bad of an order. With a count its name is a pattern.

    Reads rows only. What is well now may be taken by the time the order is given. Who has read the
    offering with its cloud, or the person's share, gives them.
    """
    return list(_findings(by, subscription, order, count, offering, share))


def _findings(
    by: User,
    subscription: Subscription,
    order: NewMachine,
    count: int,
    offering: Offering | None,
    share: Share | None,
) -> Iterator[Finding]:
    try:
        if Right.CREATE not in places.rights_by_tenant(by).get(subscription.tenant_id, ()):
            access.require_member(by, subscription, Right.CREATE)  # it says why
        ordering.require_usable(subscription)
        offering = offering or ordering.offering_of(subscription)
        orders = _orders(order, count)
    except Refused as refusal:
        yield _bad(_("Order"), refusal)
        return
    for each in ordering.CHECKS:
        # They are alike but for their names, so asking about one asks about all.
        asked = orders if each in BY_NAME else orders[:1]
        yield _judged(str(TITLES[each]), [partial(each, offering, one) for one in asked])
    yield _judged(
        _("Name free"),
        [partial(ordering.require_names_free, subscription, [one.name for one in orders])],
    )
    wanted = {
        name: amount * len(orders) for name, amount in ordering.size_of(orders[0]).wanted.items()
    }
    share = share or share_of(subscription, by, offering.limits)
    yield _judged(_("Quota"), [partial(limits.check, share.limits, share.used, wanted)])
    if share.part:
        yield _judged(
            _("Your part of the quota"),
            [partial(limits.check_member, share.part, share.part_used, wanted)],
        )
    yield _room(offering.cloud, wanted)
    yield _reach(offering)


def _orders(order: NewMachine, count: int) -> list[NewMachine]:
    is_pattern = count > 1 or "#" in order.name
    return machines.many(order, order.name, count) if is_pattern else [order]


def _judged(title: str, checks: Iterable[Callable[[], object]]) -> Finding:
    """Return the first refusal of these checks, or that all is well."""
    try:
        for each in checks:
            each()
    except Refused as refusal:
        return _bad(title, refusal)
    return Finding("ok", title, _("Fits."))


def _bad(title: str, refusal: Refused) -> Finding:
    return Finding("bad", title, refusal.message, refusal.field or "")


def _room(cloud: Cloud, wanted: Mapping[str, int]) -> Finding:
    """Compare with the cloud's own limits as it told them last; VMM has the last word."""
    title = _("Room in the cloud")
    nearly = False
    for resource in rules.RESOURCES:
        limit = getattr(cloud, resource.name)
        used = int(cloud.used.get(resource.name, 0))
        after = used + wanted[resource.name]
        if limit is not None and after > limit:
            left = rules.amount(resource.name, max(0, limit - used))
            return Finding(
                "bad",
                title,
                _("The cloud has %(left)s of %(what)s left.")
                % {"left": left, "what": in_sentence(_(resource.title))},
            )
        nearly = nearly or (limit is not None and after > limit * NEARLY)
    if nearly:
        return Finding("warn", title, _("The cloud is nearly full after this."))
    return Finding("ok", title, _("There is room, as far as the cloud tells."))


def _reach(offering: Offering) -> Finding:
    """Say whether the cloud answers, and how old what we know of it is."""
    stamp, title = offering.cloud.stamp, _("Cloud reachable")
    if stamp.synced_at is None:
        return Finding("bad", title, _("The cloud has not answered yet."))
    age = timesince(stamp.synced_at, timezone.now())
    if stamp.away_since is not None:
        return Finding(
            "warn",
            title,
            _("The cloud does not answer; what is known is %(age)s old. The order will wait.")
            % {"age": age},
        )
    if stamp.is_stale:
        return Finding(
            "warn", title, _("What is known of the cloud is %(age)s old.") % {"age": age}
        )
    return Finding("ok", title, _("It answers."))
