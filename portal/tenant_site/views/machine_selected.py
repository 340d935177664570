"""Several machines at once: the page that asks, the act, and the page with a result for each."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from fabric.actions import bulk
from fabric.models import Machine
from fabric.states import Verb
from portal.asked import as_uuid
from portal.frame import frame_of
from portal.tenant_site import machine_selected, machine_sent
from portal.tenant_site.access import signed_in
from portal.tenant_site.forms.selected import SelectedForm
from portal.tenant_site.machine_selected import BY_VALUE, MOST


@signed_in
@require_POST
def selected(request: HttpRequest) -> HttpResponse:
    """Name the chosen machines and ask; with the answer, act once and show what came of it."""
    filters = request.POST.get("filters", "")[:2000]
    back = f"{reverse('machines')}?{filters}" if filters else reverse("machines")
    choice = BY_VALUE.get(request.POST.get("act", ""))
    machines = machine_selected.chosen(request)
    if choice is None or not machines or len(machines) > MOST:
        messages.warning(request, _why_none(machines))
        return redirect(back)
    answered = "request_key" in request.POST
    targets = machine_selected.targets(request, machines, choice.value)
    said = {name: request.POST.get(name, "") for name in ("add", "remove")}
    form = SelectedForm(request.POST if answered else None, verb=choice.value, initial=said)
    if answered and form.is_valid():
        return act(request, choice.value, machines, form)
    able = [target for target in targets if not target.reason]
    context = {
        "title": _question(choice.value, len(able)),
        "choice": choice,
        "targets": targets,
        "able": len(able),
        "form": form,
        "filters": filters,
        "rest_of": as_uuid(request.POST.get("rest_of", "")),
        "back": back,
    }
    return render(request, "tenant_site/machines/selected.html", context)


def act(
    request: HttpRequest, verb: str, machines: list[Machine], form: SelectedForm
) -> HttpResponse:
    """Act, unless this very form was sent before, and lead to what came of it."""
    said = form.cleaned_data
    tags = {name: said[name] for name in ("add", "remove") if name in said}
    where, sending = machine_sent.begin(
        request.user,
        said["request_key"],
        verb,
        machines,
        tags=tags,
        rest_of=as_uuid(request.POST.get("rest_of", "")),
    )
    if sending is not None:
        asked = {"by": request.user, "machines": sending.machines, "note": sending.note}
        try:
            if verb == Verb.TAG:
                bulk.tag_many(**asked, **tags)
            else:
                bulk.many(**asked, verb=verb)
            sending.end()
        except machine_sent.TakenOver:
            pass
        except BaseException:
            sending.break_off()
            raise
    return redirect("machine-selected-result", pk=where)


@signed_in
@require_GET
def result(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A result for each machine; drawn anew while work goes on."""
    found = machine_sent.results(request.user, pk)
    if found is None:
        raise Http404
    frame = frame_of(request)
    frame.watch(*{one.tenant_id for one in frame.subscriptions})
    context = {
        "title": found.choice.title,
        "results": found,
        "rows": found.rows,
        "said": found.in_short,
    }
    part = "_selected_result" if request.htmx else "selected_result"
    return render(request, f"tenant_site/machines/{part}.html", context)


def _why_none(machines: list[Machine]) -> str:
    if len(machines) > MOST:
        return _("At most %(n)d machines at once: filter the list further.") % {"n": MOST}
    return _("Choose machines first.")


def _question(verb: str, count: int) -> str:
    questions = {
        Verb.START: ngettext("Start %(n)d machine?", "Start %(n)d machines?", count),
        Verb.SHUTDOWN: ngettext("Shut down %(n)d machine?", "Shut down %(n)d machines?", count),
        Verb.RESTART: ngettext("Restart %(n)d machine?", "Restart %(n)d machines?", count),
        Verb.STOP: ngettext("Turn off %(n)d machine?", "Turn off %(n)d machines?", count),
        Verb.TAG: ngettext("Tag %(n)d machine", "Tag %(n)d machines", count),
        Verb.DELETE: ngettext("Delete %(n)d machine?", "Delete %(n)d machines?", count),
    }
    return questions[Verb(verb)] % {"n": count}
