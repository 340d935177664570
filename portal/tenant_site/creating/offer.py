"""What a subscription offers for a new machine; each part is read once, when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from django.db.models import Exists, OuterRef
from django.http import HttpRequest

from fabric.models import HardwareProfile, Network, Offering, Template
from plans.actions.shares import Share, share_of
from plans.models import Subscription
from portal.asked import one_of
from portal.frame import frame_of
from portal.tenant_site.held import rights_by_tenant
from tenants.models import User
from tenants.rights import Right

LOADED = "plan__offering__cloud__stamp__provider"


def subscriptions_of(request: HttpRequest) -> list[Subscription]:
    """Return the person's subscriptions with their offerings, oldest first. One query.

    The page's frame shows the same ones, and need not ask again.
    """
    mine = Subscription.objects.visible_to(request.user).select_related(LOADED, "tenant")
    frame = frame_of(request)
    frame.subscriptions = list(mine.order_by("created_at", "pk"))
    return list(frame.subscriptions)


def usable(request: HttpRequest) -> list[Subscription]:
    """Return those the person may make machines in now. Two queries."""
    held = rights_by_tenant(request)
    return [
        one
        for one in subscriptions_of(request)
        if one.is_usable
        and Right.CREATE in held.get(one.tenant_id, ())
        and Right.CREATE in granted(one)
    ]


def granted(subscription: Subscription) -> frozenset[str]:
    """Return what the plan grants, nothing while it has no quota page yet."""
    offering: Offering | None = getattr(subscription.plan, "offering", None)
    return offering.granted if offering else frozenset()


class Offer:
    """A subscription from `usable`, what its plan holds, and how the person stands in it."""

    def __init__(self, subscription: Subscription, person: User) -> None:
        self.subscription = subscription
        self.person = person
        self.offering: Offering = subscription.plan.offering

    @cached_property
    def templates(self) -> list[Template]:
        """Return the templates that are there, each knowing whether its size `is_fixed`."""
        fixed = self.offering.fixed_templates.through.objects.filter(
            offering_id=self.offering.pk, template_id=OuterRef("pk")
        )
        return list(self.offering.templates.present().annotate(is_fixed=Exists(fixed)))

    @cached_property
    def profiles(self) -> list[HardwareProfile]:
        found = self.offering.hardware_profiles.present()
        return list(found.order_by("cores", "memory_mb", "name"))

    @cached_property
    def networks(self) -> list[Network]:
        return list(self.offering.networks.present())

    @cached_property
    def share(self) -> Share:
        return share_of(self.subscription, self.person, self.offering.limits)

    @property
    def limits(self) -> Mapping[str, int | None]:
        return self.share.limits

    @property
    def used(self) -> Mapping[str, int]:
        return self.share.used

    def told(self) -> Offering:
        """Return the offering, told what has been read of it: for checks that ask no more."""
        templates = self.templates
        self.offering.told = {
            "templates": {one.pk for one in templates},
            "fixed_templates": {one.pk for one in templates if getattr(one, "is_fixed", False)},
            "hardware_profiles": {one.pk for one in self.profiles},
            "networks": {one.pk for one in self.networks},
        }
        return self.offering

    def template(self, pk: str) -> Template | None:
        return one_of(self.templates, pk)

    def profile(self, pk: str) -> HardwareProfile | None:
        return one_of(self.profiles, pk)

    def network(self, pk: str) -> Network | None:
        return one_of(self.networks, pk)
