"""The admin site's frame: what the menu counts, and what New offers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from django.urls import reverse
from django.utils.translation import gettext as _

from fabric.durable.states import LIVE
from fabric.models import Cloud, Job
from plans.models import Plan, Subscription
from plans.words import in_sentence
from portal.admin_site.fabric import sections
from portal.admin_site.fabric.console import console_of
from portal.frame import Frame, Item
from tenants.models import User

VM_CLOUD_PAGES = (
    *("vmclouds", "provider-register", "provider", "provider-edit", "provider-remove"),
    *("stamp-register", "stamp-edit", "cloud"),
)
PLAN_PAGES = ("plans", "plan-new", "plan", "plan-edit", "plan-quotas", "plan-access")
ADD_ON_PAGES = ("add-ons", "add-on-new", "add-on", "add-on-edit", "add-on-access")
USER_PAGES = ("users", "user-new", "user", "user-subscribe")
SUBSCRIPTION_PAGES = (
    *("subscriptions", "subscription", "subscription-state", "subscription-delete"),
    "machine-protection",
)
ACTIVITY_PAGES = ("activity", "activity-entry")


class SiteFrame(Frame):
    """Six queries when all of it is shown: four counts, the fabric's, and the work going on."""

    @property
    def label(self) -> str:  # type: ignore[override]
        return _("Admin")

    @property
    def running_url(self) -> str:  # type: ignore[override]
        return reverse("activity") + "?phase=started"

    @property
    def search_url(self) -> str:  # type: ignore[override]
        return self._found_in[1]

    @property
    def search_hint(self) -> str:  # type: ignore[override]
        return _("Search %s") % self._found_in[0]

    @cached_property
    def _found_in(self) -> tuple[str, str]:
        """Return what the search finds, and where: in the fabric, what the page is about."""
        if not self.page_name.startswith("fabric"):
            return _("subscriptions"), reverse("subscriptions")
        noun = sections.listed_noun(self.page_name)
        return in_sentence(str(noun.many)), reverse(noun.list_name)

    @cached_property
    def running(self) -> int:
        return Job.objects.filter(state__in=LIVE).count()

    @cached_property
    def menu(self) -> Sequence[Item]:
        clouds = Cloud.objects.present().count()
        subscriptions = Subscription.objects.present().count()
        return (
            Item(_("Overview"), "layout-dashboard", reverse("overview"), pages=("overview",)),
            Item(_("VM clouds"), "cloud", reverse("vmclouds"), clouds, VM_CLOUD_PAGES),
            Item(_("Plans"), "package", reverse("plans"), Plan.objects.count(), PLAN_PAGES),
            Item(_("Add-ons"), "puzzle", reverse("add-ons"), pages=ADD_ON_PAGES),
            Item(
                _("Subscriptions"),
                "layers",
                reverse("subscriptions"),
                subscriptions,
                SUBSCRIPTION_PAGES,
            ),
            Item(_("Users"), "users", reverse("users"), User.objects.count(), USER_PAGES),
            Item(_("Activity"), "activity", reverse("activity"), pages=ACTIVITY_PAGES),
            *sections.menu(console_of(self.request)),
        )

    @cached_property
    def new(self) -> Sequence[Item]:
        return (
            Item(_("Plan"), "package", reverse("plan-new")),
            Item(_("Add-on"), "puzzle", reverse("add-on-new")),
            Item(_("User"), "user", reverse("user-new")),
            Item(_("SPF endpoint"), "plug", reverse("provider-register")),
            *sections.new(console_of(self.request)),
        )

    @cached_property
    def person(self) -> Sequence[Item]:
        return (
            Item(_("Second factor"), "shield", reverse("mfa_index")),
            Item(_("Change password"), "key-round", reverse("account_change_password")),
            Item(_("Sign-ins"), "monitor", reverse("usersessions_list")),
        )
