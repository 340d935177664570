"""The tenant site's frame: what the menu counts, what the picker and New offer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db import DatabaseError
from django.db.models import F, Func, IntegerField, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _

from fabric.durable.states import LIVE
from fabric.models import Job, Machine
from plans.models import Plan, Subscription
from portal.frame import Frame, Item
from portal.tenant_site.counted import counts_in
from portal.tenant_site.held import anywhere, memberships
from tenants.models import Instance, User
from tenants.rights import Right


def _count(rows: QuerySet[Any]) -> Coalesce:
    """Return the number of rows as part of another query."""
    number = Func(F("pk"), template="COUNT(DISTINCT %(expressions)s)", output_field=IntegerField())
    return Coalesce(Subquery(rows.order_by().values(total=number)), 0)


class SiteFrame(Frame):
    """Two queries when all of it is shown: the subscriptions, and everything that is counted."""

    @property
    def running_url(self) -> str:  # type: ignore[override]
        return reverse("jobs") + "?state=running"

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
        return list(mine.select_related("plan__offering").order_by("created_at", "pk"))

    @cached_property
    def is_member(self) -> bool:
        """Tell whether the person belongs to a tenant."""
        return bool(memberships(self.request))

    @property
    def tenant_ids(self) -> list[UUID]:
        """Return the tenants of the person's subscriptions."""
        return list({one.tenant_id: None for one in self.subscriptions})

    @cached_property
    def _counts(self) -> dict[str, Any]:
        """Return what the frame of every page counts, and the installation's name. One query."""
        user = self.request.user
        if user.whole_tenant_ids is not None:
            return counts_in(user.whole_tenant_ids)
        counted = {
            "machines": _count(Machine.objects.visible_to(user)),
            "running": _count(self._live_jobs),
            "plans": _count(Plan.objects.on_offer()),
            "instance_name": Subquery(Instance.objects.values("name")[:1]),
        }
        return User.objects.filter(pk=user.pk).values(**counted).get()

    @cached_property
    def machine_count(self) -> int:
        count: int = self._counts["machines"]
        return count

    @property
    def _live_jobs(self) -> QuerySet[Job]:
        return Job.objects.visible_to(self.request.user).filter(state__in=LIVE)

    @cached_property
    def running(self) -> int:
        """Return how much goes on. A part of a page needs nothing else of what is counted."""
        if self.request.htmx:
            return self._live_jobs.count()
        count: int = self._counts["running"]
        return count

    @cached_property
    def instance(self) -> Instance:
        if not self.request.user.is_authenticated:
            return super().instance
        try:
            return Instance(name=self._counts["instance_name"] or Instance().name)
        except DatabaseError:
            return Instance()

    @cached_property
    def menu(self) -> Sequence[Item]:
        counts = self._counts
        return (
            self._section(_("Overview"), "layout-dashboard", "overview"),
            self._section(_("Virtual machines"), "server", "machines", count=self.machine_count),
            self._section(_("Schedules"), "clock", "schedules", "groups"),
            self._section(_("Activity"), "activity", "activity", "jobs"),
            self._section(
                _("Subscriptions"),
                "layers",
                "subscriptions",
                count=len(self.subscriptions),
                group=_("Your share"),
            ),
            self._section(_("Plans"), "package", "plans", count=counts["plans"]),
            self._section(_("Team"), "users", "team"),
            self._section(_("Account"), "user", "account"),
        )

    def _section(
        self,
        title: str,
        icon: str,
        name: str,
        *others: str,
        count: int | None = None,
        group: str = "",
    ) -> Item:
        """Return a line of the menu: the current one below its address, or one of the others."""
        url, path = reverse(name), self.request.path
        below = [url, *(reverse(other) for other in others)]
        is_here = path == url or any(path.startswith(each) for each in below if each != "/")
        return Item(title, icon, url, count, group=group, current=is_here)

    @property
    def _may_create(self) -> bool:
        """Tell whether somebody without a tenant, or with the right in one of them."""
        return not self.is_member or Right.CREATE in anywhere(self.request)

    @cached_property
    def new(self) -> Sequence[Item]:
        subscribe = Item(_("Subscription to a plan"), "package", reverse("plans"))
        if not self._may_create:
            return (subscribe,)
        return (Item(_("Virtual machine"), "server", reverse("machine-new")), subscribe)

    @cached_property
    def person(self) -> Sequence[Item]:
        return (
            Item(_("Account"), "user", reverse("account")),
            Item(_("Second factor"), "shield", reverse("mfa_index")),
            Item(_("API keys"), "key", reverse("keys")),
            Item(_("REST API"), "book-open", reverse("api-docs")),
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
