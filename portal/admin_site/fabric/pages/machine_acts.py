"""The pages on which something is asked of a machine, and the road of all of it to VMM."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from fabric.vmm.actions import machines
from fabric.vmm.actions.adapters import NewAdapter
from fabric.vmm.errors import VMMError
from fabric.vmm.models import Job, VirtualMachine
from portal.admin_site.fabric import log
from portal.admin_site.fabric.console import Console, fabric_page
from portal.admin_site.fabric.pages import machine_commands
from portal.admin_site.fabric.pages import machine_forms as forms
from portal.admin_site.fabric.pages.asked import ACTS, Act
from portal.admin_site.fabric.pages.machines import found


def operate(request: HttpRequest, console: Console, pk: uuid.UUID) -> HttpResponse:
    """Begin what a button of the command bar asks for."""
    machine = found(console, pk)
    verb = request.POST.get("verb", "")
    if verb not in machine_commands.VERBS:
        messages.error(request, _("There is no such command."))
        return redirect("fabric-machine", pk)
    repair = {verb: True} if verb in ("retry", "undo", "dismiss") else {}

    def act() -> Any:
        return machines.operate(console.caller, machine, "Repair" if repair else verb, **repair)

    try:
        carry_out(console, machine, verb.lower(), act)
    except VMMError as refused:
        messages.error(request, f"{refused.message} {refused.advice}".strip())
    return redirect("fabric-machine", pk)


def ask(request: HttpRequest, console: Console, pk: uuid.UUID, act: str) -> HttpResponse:
    """Ask what an act needs to know, and begin it."""
    machine = found(console, pk)
    if act not in ACTS:
        raise Http404
    wanted = ACTS[act]
    part = part_of(request, machine, wanted)
    form = wanted.form(request.POST or None, console=console, machine=machine, part=part)
    if request.method == "POST" and not request.POST:
        form = wanted.form({"": ""}, console=console, machine=machine, part=part)
    if form.is_valid():
        words = form.keywords()
        try:
            outcome = carry_out(
                console,
                machine,
                act,
                lambda: wanted.call(console.caller, machine if part is None else part, **words),
                words,
            )
        except VMMError as refused:
            form.refuse(refused)
        else:
            return redirect(lead(machine, wanted, outcome))
    names = {"machine": machine, "part": part_name(part)}
    back = f"{reverse('fabric-machine', args=[pk])}?tab={wanted.tab}"
    context = {
        "console": console,
        "machine": machine,
        "act": wanted,
        "form": form,
        "heading": str(wanted.title).format(**names),
        "about": str(wanted.about).format(**names),
        "back": back if wanted.tab else reverse("fabric-machine", args=[pk]),
        "up": console.link("fabric-machine-list"),
    }
    return render(request, "admin_site/fabric/machines/act.html", context)


def part_of(request: HttpRequest, machine: VirtualMachine, act: Act) -> Any:
    """Return the disk, adapter or checkpoint that is asked about."""
    if not act.part:
        return None
    try:
        wanted = uuid.UUID(request.GET.get("of", ""))
    except ValueError:
        raise Http404
    part = get_object_or_404(getattr(machine, act.part), pk=wanted)
    part.machine = machine
    return part


def part_name(part: Any) -> str:
    return str(part) if part is not None else ""


def lead(machine: VirtualMachine, act: Act, outcome: Any) -> str:
    """Return where the person goes next: to the machine, where its job is seen, mostly."""
    if isinstance(outcome, tuple):
        return reverse("fabric-machine", args=[outcome[0].pk])
    if act.leaves and isinstance(outcome, Job):
        return reverse("fabric-job", args=[outcome.pk])
    here = reverse("fabric-machine", args=[machine.pk])
    return f"{here}?tab={act.tab}" if act.tab else here


def carry_out(
    console: Console,
    machine: VirtualMachine,
    act: str,
    call: Callable[[], Any],
    words: dict[str, Any] | None = None,
) -> Any:
    """Do it, with a line in the operations log."""
    return log.carry_out(
        f"fabric.machine.{act}",
        call,
        by=console.request.user,
        object_type="fabric-machine",
        row=machine,
        parameters=words,
    )


def create(request: HttpRequest, console: Console) -> HttpResponse:
    """Make a machine, for a role or for the operators themselves."""
    said = {key: value for key, value in request.GET.items() if key in forms.NewMachine.base_fields}
    form = forms.NewMachine(request.POST or None, console=console, initial=said)
    if form.is_valid():
        words = form.keywords()
        try:
            machine = log.carry_out(
                "fabric.machine.add",
                lambda: make(console, words),
                by=request.user,
                object_type="fabric-machine",
                name=words["name"],
                parameters=words,
                secrets=form.secrets,
            )
        except VMMError as refused:
            form.refuse(refused)
        else:
            return redirect("fabric-machine", machine.pk)
    context = {"console": console, "form": form, "back": console.link("fabric-machine-list")}
    return render(request, "admin_site/fabric/machines/new.html", context)


def make(console: Console, words: dict[str, Any]) -> VirtualMachine:
    """Call the action with what the form says: rows by their ids."""
    asked = dict(words)
    network = asked.pop("network")
    for key in forms.NewMachine.rows:
        asked[key] = asked[key].pk if asked[key] is not None else None
    wanted = [NewAdapter(network_id=network.pk)] if network is not None else []
    assert console.server is not None
    made: VirtualMachine = machines.create(
        console.caller, server=console.server, adapters=wanted, **asked
    )[0]
    return made


operate_page = fabric_page(require_POST(operate), changes=True)
act_page = fabric_page(ask, changes=True)
new_page = fabric_page(sensitive_post_parameters()(create), changes=True)
