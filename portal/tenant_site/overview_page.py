"""What the first page shows: machines by state, plans, work going on, what needs somebody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fabric.durable.states import LIVE, JobState
from fabric.models import Job, Machine
from fabric.states import GONE, MachineState
from plans.models import Provisioning, Subscription, SubscriptionState
from plans.rules import RESOURCES
from portal.templatetags.jobs import job_title
from tenants.models import User

MOST_NEEDS = 8
MOST_JOBS = 6
NEARLY_FULL = 0.9
SOON = timedelta(days=7)
IN_TROUBLE = (MachineState.FAILED, MachineState.MISSING)


@dataclass(frozen=True)
class Tally:
    """How many machines are in a state, and the list of just these."""

    state: str
    title: str
    count: int
    url: str


@dataclass(frozen=True)
class Need:
    """Something a person should look at. `at` is when it began, or will happen."""

    tone: str
    title: str
    text: str
    url: str
    at: datetime | None = None


def states(user: User) -> list[Tally]:
    """Return how many machines are in which state, states without any left out. One query."""
    rows = Machine.objects.visible_to(user).values_list("state").annotate(Count("pk")).order_by()
    counts = dict(rows)
    return [
        Tally(value, str(title), counts[value], f"{reverse('machines')}?state={value}")
        for value, title in MachineState.choices
        if counts.get(value)
    ]


def jobs(user: User) -> tuple[list[Job], list[Job]]:
    """Return the work going on, and what failed within a week with nothing tried since. One query.

    Work on machines that are gone is nobody's concern any more.
    """
    newer = Job.objects.filter(subject=OuterRef("subject"), created_at__gt=OuterRef("created_at"))
    failed = Q(state=JobState.FAILED, created_at__gt=timezone.now() - SOON) & ~Exists(newer)
    rows = (
        Job.objects.visible_to(user)
        .filter(Q(state__in=LIVE) | failed)
        .exclude(machine__state__in=GONE)
        .select_related("machine", "subscription")
        .order_by("-created_at")[: MOST_JOBS + MOST_NEEDS]
    )
    found = list(rows)
    going_on = [job for job in found if job.state in LIVE]
    return going_on[:MOST_JOBS], [job for job in found if job.state == JobState.FAILED]


def needs(
    user: User,
    shares: Iterable[tuple[Subscription, dict, dict]],
    failed: Iterable[Job],
) -> list[Need]:
    """Return what needs somebody, the worst first. One query."""
    soon = timezone.now() + SOON
    machines = list(
        Machine.objects.visible_to(user)
        .filter(Q(state__in=IN_TROUBLE) | Q(ends_at__lt=soon) | Q(unreachable_since__isnull=False))
        .order_by("ends_at", "name")[: MOST_NEEDS * 2]
    )
    told = [*_of_jobs(failed), *_of_machines(machines, failed), *_of_shares(shares)]
    order = {"bad": 0, "warn": 1}
    return sorted(told, key=lambda need: order.get(need.tone, 2))[:MOST_NEEDS]


def _of_jobs(failed: Iterable[Job]) -> Iterator[Need]:
    for job in failed:
        text = (job.fault or {}).get("message") or job.message
        yield Need("bad", job_title(job), text, reverse("job", args=[job.pk]), job.ended_at)


def _of_machines(machines: Iterable[Machine], failed: Iterable[Job]) -> Iterator[Need]:
    told = {job.machine_id for job in failed}
    for machine in machines:
        url = reverse("machine", args=[machine.pk])
        if machine.state in IN_TROUBLE and machine.pk not in told:
            state = str(MachineState(machine.state).label)
            yield Need("bad", machine.name, machine.status_text or state, url)
        elif machine.unreachable_since:
            text = _("Its cloud cannot be reached.")
            yield Need("warn", machine.name, text, url, machine.unreachable_since)
        if machine.ends_at:
            text = (
                _("It will be deleted.")
                if machine.end_action == "delete"
                else _("It will be stopped.")
            )
            yield Need("warn", machine.name, text, url, machine.ends_at)


def _of_shares(shares: Iterable[tuple[Subscription, dict, dict]]) -> Iterator[Need]:
    for subscription, limits, used in shares:
        url = reverse("subscription", args=[subscription.pk])
        if subscription.state == SubscriptionState.SUSPENDED:
            text = _("Suspended: its machines cannot be worked on.")
            yield Need("warn", subscription.name, text, url)
        elif subscription.provisioning == Provisioning.OUT_OF_SYNC:
            yield Need("bad", subscription.name, subscription.problem or _("Out of sync."), url)
        full = [
            str(resource.title)
            for resource in RESOURCES
            if limits.get(resource.name)
            and used.get(resource.name, 0) >= NEARLY_FULL * limits[resource.name]
        ]
        if full:
            text = _("Nearly used up: %(what)s.") % {"what": ", ".join(full)}
            yield Need("warn", subscription.name, text, url)
