"""Several machines at once: which are meant, and what an act would do to each."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy

from fabric.actions.bulk import MOST
from fabric.models import Machine
from fabric.states import Verb, missing_for
from portal.asked import as_uuid
from portal.tenant_site.held import rights_in
from portal.tenant_site.machine_commands import why_not
from portal.tenant_site.machine_list import MachineList


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


def _ids(texts: Iterable[str]) -> list[uuid.UUID]:
    return [pk for pk in map(as_uuid, texts) if pk]
