"""The tenant site's frame: what the menu counts, what the picker and New offer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from fabric.durable.states import LIVE
from fabric.models import Job, Machine
from fabric.states import GONE
from plans.models import Plan, Subscription
from portal.frame import Frame, Item

MACHINE_PAGES = (
    "machines",
    "machine-new",
    "machine",
    "machine-activity",
    "machine-delete",
    "machine-operate",
    "machine-resume",
)


class SiteFrame(Frame):
    """Four queries when all of it is shown: subscriptions, machines, plans on offer, live jobs."""

    @property
    def running_url(self) -> str:  # type: ignore[override]
        return reverse("activity") + "?outcome=running"

    @property
    def search_url(self) -> str:  # type: ignore[override]
        return reverse("machines")

    @property
    def search_hint(self) -> str:  # type: ignore[override]
        return _("Search virtual machines")

    @cached_property
    def subscriptions(self) -> list[Subscription]:
        """Return the person's subscriptions, oldest first."""
        mine = Subscription.objects.visible_to(self.request.user)
        return list(mine.select_related("plan").order_by("created_at", "pk"))

    @cached_property
    def machine_count(self) -> int:
        mine = [subscription.pk for subscription in self.subscriptions]
        return Machine.objects.filter(subscription__in=mine).exclude(state__in=GONE).count()

    @cached_property
    def running(self) -> int:
        mine = [subscription.pk for subscription in self.subscriptions]
        return Job.objects.filter(subscription__in=mine, state__in=LIVE).count()

    @cached_property
    def menu(self) -> Sequence[Item]:
        plans = Plan.objects.on_offer().count()
        return (
            Item(_("Overview"), "layout-dashboard", reverse("overview"), pages=("overview",)),
            Item(
                _("Virtual machines"),
                "server",
                reverse("machines"),
                self.machine_count,
                MACHINE_PAGES,
            ),
            Item(_("Activity"), "activity", reverse("activity"), pages=("activity",)),
            Item(
                _("Subscriptions"),
                "layers",
                reverse("subscriptions"),
                len(self.subscriptions),
                ("subscriptions", "subscription"),
                group=_("Your share"),
            ),
            Item(_("Plans"), "package", reverse("plans"), plans, ("plans", "plan-subscribe")),
            Item(_("Account"), "user", reverse("account"), pages=("account",)),
        )

    @cached_property
    def new(self) -> Sequence[Item]:
        return (
            Item(_("Virtual machine"), "server", reverse("machine-new")),
            Item(_("Subscription to a plan"), "package", reverse("plans")),
        )

    @cached_property
    def person(self) -> Sequence[Item]:
        return (
            Item(_("Account"), "user", reverse("account")),
            Item(_("Change password"), "key-round", reverse("account_change_password")),
        )

    @cached_property
    def picker(self) -> Sequence[Item]:
        """Return nothing to somebody without a subscription."""
        if not self.subscriptions:
            return ()
        chosen = self.request.GET.get("subscription", "")
        here = reverse("activity" if self.page_name == "activity" else "machines")
        lines = [
            Item(
                subscription.name,
                "layers",
                f"{here}?{urlencode({'subscription': subscription.pk})}",
                current=str(subscription.pk) == chosen,
            )
            for subscription in self.subscriptions
        ]
        nothing_chosen = not any(line.current for line in lines)
        return (Item(_("All subscriptions"), "layers", here, current=nothing_chosen), *lines)
