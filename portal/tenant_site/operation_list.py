"""The operations log as people read it: one line an act, with its beginning and its end."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from fabric.access import operations_visible_to
from fabric.models import Job, Machine
from fabric.states import GONE
from plans.models import Subscription
from portal.asked import one_of, plain
from portal.keyset import Page, paginate
from tenants.models import Operation, Phase, User

PAGE_SIZE = 50
RUNNING = "running"
OUTCOMES = (RUNNING, Phase.SUCCEEDED.value, Phase.FAILED.value)


@dataclass(frozen=True)
class Act:
    """An entry *Started*, and the one that ends it, if it has ended."""

    started: Operation
    ended: Operation | None
    is_about_something_gone: bool = False
    job_id: uuid.UUID | None = None

    @property
    def outcome(self) -> str:
        return self.ended.phase if self.ended else RUNNING

    @property
    def outcome_title(self) -> str:
        return {
            RUNNING: _("In progress"),
            Phase.SUCCEEDED: _("Succeeded"),
            Phase.FAILED: _("Failed"),
        }[self.outcome]

    @property
    def tone(self) -> str:
        """Return the colour of an act in progress; *Running* means well for machines only."""
        return "" if self.ended else "busy"

    @property
    def ended_at(self) -> datetime | None:
        return self.ended.at if self.ended else None

    @property
    def message(self) -> str:
        return self.ended.message if self.ended else ""

    @property
    def parameters(self) -> list[tuple[str, Any]]:
        return list(self.started.parameters.items())


def outcome_choices() -> list[tuple[str, str]]:
    """Return what an act can have come to."""
    titles = (_("In progress"), _("Succeeded"), _("Failed"))
    return list(zip(OUTCOMES, titles, strict=True))


def paired(started: Iterable[Operation]) -> list[Act]:
    """Return the acts of these beginnings. Three queries."""
    rows = list(started)
    ends = Operation.objects.filter(operation_id__in=[row.operation_id for row in rows])
    by_id = {end.operation_id: end for end in ends.exclude(phase=Phase.STARTED)}
    about = [row.object_id for row in rows if row.object_type == "machine" and row.object_id]
    gone = Machine.objects.filter(pk__in=about, state__in=GONE).values_list("pk", flat=True)
    lost = {str(pk) for pk in gone}
    jobs = Job.objects.filter(operation_id__in=[row.operation_id for row in rows])
    job_of = dict(jobs.values_list("operation_id", "pk"))
    return [
        Act(row, by_id.get(row.operation_id), row.object_id in lost, job_of.get(row.operation_id))
        for row in rows
    ]


def recent(user: User, most: int) -> list[Act]:
    """Return the last acts in a person's tenants; one that began long ago may be left out."""
    last = list(operations_visible_to(user)[: most * 3])
    ends = {row.operation_id: row for row in last if row.phase != Phase.STARTED}
    begun = (row for row in last if row.phase == Phase.STARTED)
    return [Act(row, ends.get(row.operation_id)) for row in begun][:most]


def of_object(user: User, object_id: uuid.UUID, query: QueryDict) -> tuple[list[Act], Page]:
    """Return a page of the acts on one object."""
    mine = operations_visible_to(user).filter(object_id=str(object_id))
    page = paginate(mine.filter(phase=Phase.STARTED), order="-id", query=query, size=PAGE_SIZE)
    return paired(page.rows), page


class OperationList:
    """What the URL asks for: text, outcome, subscription; the newest first."""

    def __init__(self, user: User, subscriptions: list[Subscription], query: QueryDict) -> None:
        self.user = user
        self.query = query
        self.text = plain(query.get("q", ""))
        self.outcome = query.get("outcome", "")
        if self.outcome not in OUTCOMES:
            self.outcome = ""
        self.subscription = one_of(subscriptions, query.get("subscription", ""))

    @property
    def is_filtered(self) -> bool:
        return bool(self.text or self.outcome or self.subscription)

    @cached_property
    def page(self) -> Page:
        return paginate(self._matching(), order="-id", query=self.query, size=PAGE_SIZE)

    @cached_property
    def acts(self) -> list[Act]:
        return paired(self.page.rows)

    @property
    def is_busy(self) -> bool:
        return any(act.outcome == RUNNING for act in self.acts)

    def _matching(self) -> QuerySet[Operation]:
        rows = operations_visible_to(self.user).filter(phase=Phase.STARTED)
        if self.text:
            rows = rows.filter(
                Q(action__icontains=self.text)
                | Q(object_name__icontains=self.text)
                | Q(actor_email__icontains=self.text)
                | Q(operation_id__startswith=self.text.lower())
            )
        if self.subscription:
            machines = self.subscription.machines.values_list("pk", flat=True)
            objects = [str(pk) for pk in (self.subscription.pk, *machines)]
            rows = rows.filter(object_id__in=objects)
        if self.outcome:
            rows = rows.come_to(Phase.STARTED if self.outcome == RUNNING else self.outcome)
        return rows
