"""The Configure tab: name and description, size, tags, protection, end date."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from fabric import rules
from fabric.actions import configuring
from fabric.models import Machine
from fabric.states import MachineState, Verb
from portal.faults import refuse, told
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.configuring import EndForm, SizeForm, WordsForm
from portal.tenant_site.forms.tags import TagsForm
from portal.tenant_site.held import rights_in
from portal.tenant_site.machine_access import back_to, changing, load_or_none
from portal.tenant_site.machine_commands import forbidden, why_not
from portal.tenant_site.machine_page import respond
from tenants.errors import Refused

TAB = "machine-configure"


@signed_in
@own(load_or_none, "GET")
def show(request: HttpRequest, machine: Machine | None) -> HttpResponse:
    return _page(request, machine)


@changing(Verb.CONFIGURE, "POST")
def words(request: HttpRequest, machine: Machine) -> HttpResponse:
    """Name and description."""
    form = WordsForm(request.POST)
    return _act(request, machine, "words", form, lambda said: _configure(request, machine, said))


@changing(Verb.CONFIGURE, "POST")
def size(request: HttpRequest, machine: Machine) -> HttpResponse:
    """Processors and memory."""
    form = SizeForm(request.POST, machine=machine)

    def resize(_said: dict[str, Any]) -> None:
        cores, memory_mb = form.wanted()
        try:
            _configure(request, machine, {"cores": cores, "memory_mb": memory_mb})
        except Refused as refused:
            if refused.field == "memory_mb":
                refused.field = "memory_gb"
            raise

    return _act(request, machine, "size", form, resize)


@changing(Verb.TAG, "POST")
def tags(request: HttpRequest, machine: Machine) -> HttpResponse:
    form = TagsForm(request.POST)
    return _act(
        request,
        machine,
        "tags",
        form,
        lambda said: configuring.tag(by=request.user, machine=machine, tags=said["tags"]),
    )


@changing(Verb.PROTECT, "POST")
def protect(request: HttpRequest, machine: Machine) -> HttpResponse:
    """Protection against deletion, on or off."""
    with told(request):
        configuring.protect(by=request.user, machine=machine, on=request.POST.get("on") == "1")
    return back_to(machine, TAB)


@changing(Verb.LEASE, "POST")
def lease(request: HttpRequest, machine: Machine) -> HttpResponse:
    """The end date; `none` takes it away."""
    if "none" in request.POST:
        with told(request):
            configuring.lease(by=request.user, machine=machine, ends_at=None)
        return back_to(machine, TAB)

    def end(said: dict[str, Any]) -> None:
        configuring.lease(
            by=request.user, machine=machine, ends_at=said["ends_at"], action=said["end_action"]
        )

    return _act(request, machine, "end", EndForm(request.POST), end)


def _configure(request: HttpRequest, machine: Machine, values: dict[str, Any]) -> None:
    configuring.configure(by=request.user, machine=machine, **values)


def _act(
    request: HttpRequest, machine: Machine, name: str, form: forms.Form, act: Any
) -> HttpResponse:
    """Act on a form that is well; show the tab with what is wrong otherwise."""
    if form.is_valid():
        try:
            act(form.cleaned_data)
        except Refused as refused:
            refuse(form, refused)
        else:
            return back_to(machine, TAB)
    return _page(request, machine, errors_of=form, **{name: form})


def _page(request: HttpRequest, machine: Machine | None, **bound: Any) -> HttpResponse:
    """Show the tab; `bound` are the forms that were sent. Only a size that is closed is live: in
    the rest somebody may be typing."""
    if machine is None:
        return respond(request, None, TAB, {})
    mine = rights_in(request, machine.subscription.tenant_id)
    no_size, can_stop = _size_closed(machine, mine)
    was_closed = request.GET.get("size") == "closed"
    context = {
        "part": "tenant_site/machines/_configure.html",
        "piece": "tenant_site/machines/_size.html" if was_closed else "",
        "stays": True,
        "words": WordsForm(initial={"name": machine.name, "description": machine.description}),
        "size": SizeForm(machine=machine, closed=bool(no_size)),
        "tags": TagsForm(initial={"tags": machine.tags}),
        "end": EndForm(initial={"ends_at": machine.ends_at, "end_action": machine.end_action}),
        "no_words": why_not(machine, Verb.CONFIGURE, mine),
        "no_size": no_size,
        "can_stop": can_stop,
        "may": not forbidden(Verb.CONFIGURE, mine),
        **bound,
    }
    return respond(request, machine, TAB, context)


def _size_closed(machine: Machine, mine: frozenset[str]) -> tuple[str, bool]:
    """Return why the size cannot be changed now, and whether shutting down would help."""
    offering = machine.subscription.plan.offering
    if machine.template and offering.fixed_templates.filter(pk=machine.template_id).exists():
        return _("Machines of “%(template)s” come in one size in your plan.") % {
            "template": machine.template.name
        }, False
    reason = why_not(machine, Verb.CONFIGURE, mine) or rules.resize_why_not(machine.state) or ""
    runs = machine.state == MachineState.RUNNING
    return reason, runs and why_not(machine, Verb.SHUTDOWN, mine) is None
