"""The list of virtual machines: filters, facets and order from the URL; three queries."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import (
    Case,
    Count,
    F,
    GenericIPAddressField,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.http import HttpRequest, QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from fabric.durable.states import LIVE
from fabric.models import Job, Machine
from fabric.states import BUSY, GONE, MachineState
from plans.models import Subscription
from portal.asked import one_of, plain
from portal.frame import frame_of
from portal.keyset import Page, paginate
from portal.tenant_site.held import sees_all

PAGE_SIZES = (25, 50, 100)
ORDERS = {
    "name": "name",
    "state": "state",
    "subscription": "subscription__name",
    "os": "os_name",
    "cores": "cores",
    "memory": "memory_mb",
    "address": "first_address",
    "age": "created_at",
}
# What a filter is called in the URL; the rest of a query is about order and paging.
FILTERS = ("q", "state", "subscription", "template", "tag")
_OCTET = r"(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_IPV4 = rf"^{_OCTET}(\.{_OCTET}){{3}}$"


@dataclass(frozen=True)
class Facet:
    """A value to filter by, and how many machines have it."""

    value: str
    title: str
    count: int
    is_chosen: bool


class MachineList:
    """What the URL asks for. A parameter that makes no sense counts as not given."""

    def __init__(self, request: HttpRequest, query: QueryDict | None = None) -> None:
        query = (request.GET if query is None else query).copy()
        query.pop("seen", None)  # the live line's: links say nothing of it
        self.user = request.user
        self.sees_all = sees_all(request)
        self.subscriptions: list[Subscription] = frame_of(request).subscriptions
        self.query = query
        self.text = plain(query.get("q", ""))
        self.state = query.get("state", "")
        if self.state not in MachineState.values:
            self.state = ""
        self.subscription = one_of(self.subscriptions, query.get("subscription", ""))
        self.template = plain(query.get("template", ""), 200)
        self.tag = plain(query.get("tag", ""), 40)
        self.sort = query.get("sort", "name")
        if self.sort.removeprefix("-") not in ORDERS:
            self.sort = "name"
        asked = query.get("size", "")
        self.size = int(asked) if asked in map(str, PAGE_SIZES) else PAGE_SIZES[0]

    @property
    def is_filtered(self) -> bool:
        return bool(self.text or self.state or self.subscription or self.template or self.tag)

    @cached_property
    def page(self) -> Page:
        return paginate(
            self.ordered().select_related("subscription", "stamp"),
            order=self._order,
            query=self.query,
            size=self.size,
        )

    def ordered(self) -> QuerySet[Machine]:
        """Return every machine that matches; the order is for paging to apply."""
        rows = self.matching()
        return rows.annotate(first_address=_first_address()) if "address" in self.sort else rows

    @property
    def _order(self) -> str:
        turned = "-" if self.sort.startswith("-") else ""
        # An age that grows is a time of birth that shrinks.
        if self.sort.removeprefix("-") == "age":
            turned = "" if turned else "-"
        return turned + ORDERS[self.sort.removeprefix("-")]

    def everything(self) -> QuerySet[Machine]:
        """Return all that matches in the order shown, for who wants more than a page."""
        order = self._order
        key = F(order.removeprefix("-"))
        first = key.desc() if order.startswith("-") else key.asc()
        return self.ordered().select_related("subscription__plan", "template").order_by(first, "pk")

    @cached_property
    def _groups(self) -> list[tuple[dict[str, Collection[str]], int]]:
        """Return what machines under text and subscription have in common, and how many they are.

        One query answers all facets: what else a filter could be depends on the others.
        """
        rows = self._found().values_list("state", "template__name", "tags")
        counted = rows.annotate(Count("pk")).order_by()
        return [
            ({"state": (state,), "template": (template or "",), "tag": tags}, count)
            for state, template, tags, count in counted
        ]

    def _counts(self, facet: str) -> Counter[str]:
        """Return how often each value of a facet occurs under the other filters."""
        found: Counter[str] = Counter()
        wanted = {name: value for name, value in self._chosen().items() if name != facet}
        for values, count in self._groups:
            if all(value in values[name] for name, value in wanted.items()):
                found.update(dict.fromkeys(values[facet], count))
        return found

    def _chosen(self) -> dict[str, str]:
        asked = {"state": self.state, "template": self.template, "tag": self.tag}
        return {name: value for name, value in asked.items() if value}

    @cached_property
    def states(self) -> list[Facet]:
        """Return the states there are under the other filters."""
        counts = self._counts("state")
        return [
            Facet(value, _(title), counts[value], value == self.state)
            for value, title in MachineState.choices
            if counts[value] or value == self.state
        ]

    @cached_property
    def templates(self) -> list[Facet]:
        """Return the templates there are under the other filters, by name."""
        return _facets(self._counts("template"), self.template)

    @cached_property
    def tags(self) -> list[Facet]:
        """Return the tags there are under the other filters."""
        return _facets(self._counts("tag"), self.tag)

    @cached_property
    def total(self) -> int:
        """Return how many machines match."""
        wanted = self._chosen().items()
        return sum(
            count
            for values, count in self._groups
            if all(value in values[name] for name, value in wanted)
        )

    @cached_property
    def percents(self) -> dict[uuid.UUID, int]:
        """Return how far the work on the busy machines of this page is."""
        busy = [machine.pk for machine in self.page.rows if machine.is_busy]
        live = Job.objects.filter(machine__in=busy, state__in=LIVE) if busy else ()
        return {job.machine_id: job.shown_percent for job in live}

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

    @property
    def away(self) -> list[str]:
        """Return the clouds of this page that do not answer, by the names people know."""
        gone = {m.stamp.friendly_name for m in self.page.rows if m.stamp.away_since}
        return sorted(gone)

    @cached_property
    def mark(self) -> str:
        """Return a short text that changes whenever something on the page does, ages excepted."""
        told = [
            (
                machine.pk,
                machine.name,
                machine.state,
                machine.status_text,
                machine.unreachable_since,
                machine.subscription.name,
                machine.os_name,
                machine.cores,
                machine.memory_mb,
                machine.addresses,
                machine.tags,
                machine.is_protected,
                machine.ends_at,
                self.percents.get(machine.pk),
            )
            for machine in self.page.rows
        ]
        page = (self.page.previous, self.page.next, self.total, told)
        return hashlib.sha256(repr(page).encode()).hexdigest()[:12]

    @property
    def filters(self) -> str:
        """Return the filters as a query string, without order and paging."""
        kept = QueryDict(mutable=True)
        for name in FILTERS:
            if self.query.get(name):
                kept[name] = self.query[name]
        return kept.urlencode()

    @property
    def sizes(self) -> list[tuple[int, str]]:
        """Return the lengths a page can have, each with the query that asks for it."""
        query = self.query.copy()
        for name in ("after", "before"):
            query.pop(name, None)
        found = []
        for size in PAGE_SIZES:
            query["size"] = str(size)
            found.append((size, query.urlencode()))
        return found

    def matching(self) -> QuerySet[Machine]:
        """Return the machines under all filters."""
        rows = self._found()
        if self.state:
            rows = rows.filter(state=self.state)
        if self.template:
            rows = rows.filter(template__name=self.template)
        if self.tag:
            rows = rows.filter(tags__contains=[self.tag])
        return rows

    def _found(self) -> QuerySet[Machine]:
        """Return the machines under text and subscription.

        Who sees all machines of their tenants needs no look at which: the subscriptions tell.
        """
        chosen = [self.subscription] if self.subscription else self.subscriptions
        rows = Machine.objects.filter(subscription__in=[one.pk for one in chosen])
        if self.sees_all:
            rows = rows.exclude(state__in=GONE)
        else:
            rows = rows.visible_to(self.user)
        if self.text:
            rows = rows.filter(
                Q(name__icontains=self.text)
                | Q(os_name__icontains=self.text)
                | Q(addresses__icontains=self.text)
            )
        return rows


def _facets(counts: Mapping[str, int], chosen: str) -> list[Facet]:
    """Return the values by name; the chosen one also when no machine has it."""
    names = {name for name in (*counts, chosen) if name}
    return [
        Facet(name, name, counts[name], name == chosen) for name in sorted(names, key=str.casefold)
    ]


def _first_address() -> Case:
    """Return the address shown, as one that sorts by number; what is none sorts to the ends."""
    first = KeyTextTransform("0", "addresses")
    return Case(
        When(
            Q(addresses__0__regex=_IPV4),
            then=Cast(first, GenericIPAddressField()),
        ),
        When(addresses=[], then=Value("0.0.0.0", GenericIPAddressField())),  # noqa: S104 - sorts first
        default=Value("::", GenericIPAddressField()),
        output_field=GenericIPAddressField(),
    )
