"""The list of virtual machines: filters, facets and order from the URL; three queries."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.http import QueryDict
from django.utils.functional import cached_property

from fabric.models import Machine
from fabric.states import BUSY, GONE, MachineState
from plans.models import Subscription
from portal.keyset import Page, paginate

PAGE_SIZE = 25
ORDERS = {
    "name": "name",
    "state": "state",
    "subscription": "subscription__name",
    "os": "os_name",
    "cores": "cores",
    "memory": "memory_mb",
    "age": "created_at",
}


@dataclass(frozen=True)
class Facet:
    """A value to filter by, and how many machines have it."""

    value: str
    title: str
    count: int
    is_chosen: bool


class MachineList:
    """What the URL asks for. A parameter that makes no sense counts as not given."""

    def __init__(self, subscriptions: list[Subscription], query: QueryDict) -> None:
        self.subscriptions = subscriptions
        self.query = query
        self.text = query.get("q", "").replace("\0", "").strip()[:100]
        self.state = query.get("state", "")
        if self.state not in MachineState.values:
            self.state = ""
        self.subscription = self._known_subscription(query.get("subscription", ""))
        self.sort = query.get("sort", "name")
        if self.sort.removeprefix("-") not in ORDERS:
            self.sort = "name"

    @property
    def is_filtered(self) -> bool:
        return bool(self.text or self.state or self.subscription)

    @cached_property
    def page(self) -> Page:
        rows = self._matching()
        if self.state:
            rows = rows.filter(state=self.state)
        turned = "-" if self.sort.startswith("-") else ""
        # An age that grows is a time of birth that shrinks.
        if self.sort.removeprefix("-") == "age":
            turned = "" if turned else "-"
        return paginate(
            rows.select_related("subscription", "stamp"),
            order=turned + ORDERS[self.sort.removeprefix("-")],
            query=self.query,
            size=PAGE_SIZE,
        )

    @cached_property
    def states(self) -> list[Facet]:
        """Return the states there are under the other filters."""
        counts = dict(self._matching().values_list("state").annotate(Count("pk")).order_by())
        return [
            Facet(value, title, counts.get(value, 0), value == self.state)
            for value, title in MachineState.choices
            if counts.get(value) or value == self.state
        ]

    @property
    def total(self) -> int:
        """Return how many machines match."""
        return sum(one.count for one in self.states if not self.state or one.is_chosen)

    @property
    def is_busy(self) -> bool:
        """Tell whether a row of this page is about to change."""
        return any(machine.state in BUSY for machine in self.page.rows)

    @property
    def seen_at(self) -> datetime | None:
        """Return the age of what is shown: that of its oldest cloud."""
        times = [machine.stamp.synced_at for machine in self.page.rows]
        return min((time for time in times if time), default=None)

    @property
    def is_stale(self) -> bool:
        return any(machine.stamp.is_stale for machine in self.page.rows)

    def _matching(self) -> QuerySet[Machine]:
        """Return the machines under the text and subscription filters, whatever their state."""
        chosen = [self.subscription] if self.subscription else self.subscriptions
        rows = Machine.objects.filter(subscription__in=[one.pk for one in chosen])
        rows = rows.exclude(state__in=GONE)
        if self.text:
            rows = rows.filter(
                Q(name__icontains=self.text)
                | Q(os_name__icontains=self.text)
                | Q(addresses__icontains=self.text)
            )
        return rows

    def _known_subscription(self, text: str) -> Subscription | None:
        try:
            wanted = uuid.UUID(text)
        except ValueError:
            return None
        return next((one for one in self.subscriptions if one.pk == wanted), None)
