"""Several machines at once: which are meant, what it would do to each, and what came of it.

What came of it is kept for a day, so the page with a result for each can be looked at again, and a
form that is sent twice acts once.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric.actions.bulk import MOST, Outcome
from fabric.durable.states import LIVE
from fabric.models import Job, Machine
from fabric.states import Verb, missing_for
from portal.asked import as_uuid
from portal.models import SentForm
from portal.tenant_site.held import rights_in
from portal.tenant_site.machine_commands import why_not
from portal.tenant_site.machine_list import MachineList
from tenants.models import User


@dataclass(frozen=True)
class Choice:
    """A button of the bar under the list."""

    value: str
    title: str
    icon: str
    tone: str = ""


CHOICES = (
    Choice(Verb.START, gettext_lazy("Start"), "play"),
    Choice(Verb.SHUTDOWN, gettext_lazy("Shut down"), "power"),
    Choice(Verb.RESTART, gettext_lazy("Restart"), "rotate-cw"),
    Choice(Verb.STOP, gettext_lazy("Stop"), "square"),
    Choice(Verb.TAG, gettext_lazy("Tag"), "pencil"),
    Choice(Verb.DELETE, gettext_lazy("Delete"), "trash-2", "danger"),
)
BY_VALUE: Mapping[str, Choice] = {str(choice.value): choice for choice in CHOICES}


def verbs_for(rights: Collection[str]) -> list[Choice]:
    """Return what a person with these rights can do with several machines."""
    return [choice for choice in CHOICES if missing_for(choice.value, rights) is None]


@dataclass(frozen=True)
class Target:
    """A chosen machine, and why the act would not touch it."""

    machine: Machine
    reason: str | None


def chosen(request: HttpRequest) -> list[Machine]:
    """Return the machines a form names: by id, or all that match the list's filters."""
    rows = Machine.objects.visible_to(request.user)
    if request.POST.get("all"):
        filters = QueryDict(request.POST.get("filters", "")[:2000])
        rows = MachineList(request, filters).matching()
    else:
        rows = rows.filter(pk__in=_ids(request.POST.getlist("pk")))
    related = rows.select_related("subscription__plan__offering", "stamp__provider")
    return list(related.order_by("name", "pk")[: MOST + 1])


def targets(request: HttpRequest, machines: Iterable[Machine], verb: str) -> list[Target]:
    """Return what the act would do to each, those it would touch first."""
    judged = [
        Target(one, why_not(one, verb, rights_in(request, one.subscription.tenant_id)))
        for one in machines
    ]
    return sorted(judged, key=lambda target: target.reason is not None)


def begin(user: User, key: uuid.UUID) -> bool:
    """Return whether this form is sent for the first time."""
    _form, is_first = SentForm.objects.get_or_create(user=user, key=key)
    return is_first


def keep(user: User, key: uuid.UUID, verb: str, outcomes: Iterable[Outcome]) -> None:
    """Keep what came of an act."""
    rows = [
        (str(one.machine.pk), one.machine.name, str(one.job.pk) if one.job else "", one.refused)
        for one in outcomes
    ]
    result = {"verb": str(verb), "rows": rows}
    SentForm.objects.update_or_create(user=user, key=key, defaults={"result": result})


def forget(user: User, key: uuid.UUID) -> None:
    """Let a form that failed be sent again."""
    SentForm.objects.filter(user=user, key=key).delete()


@dataclass(frozen=True)
class Result:
    """What came of an act on one machine."""

    machine_id: uuid.UUID
    name: str
    job: Job | None
    refused: str
    is_there: bool

    @property
    def state(self) -> str:
        """Return a state word: of the job, or of what needed none."""
        if self.refused:
            return "failed"
        return self.job.state if self.job else "succeeded"

    @property
    def title(self) -> str:
        if self.refused:
            return _("Not done")
        return _(self.job.get_state_display()) if self.job else _("Done")

    @property
    def told(self) -> str:
        """Return why not, or what went wrong later."""
        fault = self.job.fault if self.job and isinstance(self.job.fault, dict) else {}
        return self.refused or str(fault.get("message", ""))


@dataclass(frozen=True)
class Results:
    """All of them; `choice` is the act, None while it goes on."""

    choice: Choice | None
    rows: list[Result]

    @property
    def is_live(self) -> bool:
        return any(row.job and row.job.state in LIVE for row in self.rows)

    @property
    def in_short(self) -> str:
        """Return how far it is, for who hears the page."""
        live = sum(bool(row.job and row.job.state in LIVE) for row in self.rows)
        done = {"n": len(self.rows) - live, "all": len(self.rows)}
        return _("%(n)d of %(all)d are done.") % done if self.rows else _("Under way")

    @property
    def refused(self) -> int:
        return sum(bool(row.refused) for row in self.rows)


def results(user: User, key: uuid.UUID) -> Results | None:
    """Return what came of an act, None when it is not known (any more). Three queries."""
    form = SentForm.objects.filter(user=user, key=key).first()
    if form is None:
        return None
    if form.result is None:
        return Results(None, [])
    kept = [
        (uuid.UUID(machine), name, uuid.UUID(job) if job else None, refused)
        for machine, name, job, refused in form.result["rows"]
    ]
    jobs = Job.objects.visible_to(user).in_bulk([job for _m, _n, job, _r in kept if job])
    ids = [machine for machine, _n, _j, _r in kept]
    there = set(Machine.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
    rows = [
        Result(machine, name, jobs.get(job), refused, machine in there)
        for machine, name, job, refused in kept
    ]
    return Results(BY_VALUE[form.result["verb"]], sorted(rows, key=lambda row: not row.refused))


def _ids(texts: Iterable[str]) -> list[uuid.UUID]:
    return [pk for pk in map(as_uuid, texts) if pk]
