"""The list of jobs: filters from the URL, those that go on first."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from fabric.durable.states import LIVE, JobState
from fabric.models import Job
from plans.models import Subscription
from portal.asked import one_of, plain
from portal.keyset import Page, paginate
from tenants.models import User

PAGE_SIZE = 50
RUNNING = "running"
OUTCOMES = (RUNNING, JobState.SUCCEEDED.value, JobState.FAILED.value, JobState.CANCELLED.value)


class JobList:
    """What the URL asks for: state, subscription, text; the newest first."""

    def __init__(self, user: User, subscriptions: list[Subscription], query: QueryDict) -> None:
        self.user = user
        self.query = query
        self.text = plain(query.get("q", ""))
        self.state = query.get("state", "")
        if self.state not in OUTCOMES:
            self.state = ""
        self.subscription = one_of(subscriptions, query.get("subscription", ""))

    @property
    def is_filtered(self) -> bool:
        return bool(self.text or self.state or self.subscription)

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Return what the state filter offers."""
        titles = (_("In progress"), _("Succeeded"), _("Failed"), _("Cancelled"))
        return list(zip(OUTCOMES, titles, strict=True))

    @cached_property
    def page(self) -> Page:
        rows = self._matching().select_related("machine", "subscription")
        return paginate(rows, order="-created_at", query=self.query, size=PAGE_SIZE)

    def _matching(self) -> QuerySet[Job]:
        rows = Job.objects.visible_to(self.user)
        if self.state:
            rows = rows.filter(state__in=LIVE if self.state == RUNNING else [self.state])
        if self.subscription:
            rows = rows.filter(subscription=self.subscription)
        if self.text:
            rows = rows.filter(title__icontains=self.text)
        return rows
