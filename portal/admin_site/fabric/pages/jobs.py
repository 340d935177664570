"""The page of one job: its steps as they are taken, and what can be done about it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from fabric.vmm.actions import jobs, machines
from fabric.vmm.errors import VMMError
from fabric.vmm.models import Job, VirtualMachine
from portal.admin_site.fabric import cells, log, sections
from portal.admin_site.fabric.console import Console, fabric_page
from portal.admin_site.fabric.noun import Command
from portal.admin_site.fabric.pages import live
from portal.admin_site.fabric.pages.live import Work
from portal.admin_site.fabric.pages.machine_commands import reasons

TRIAL = "trial"


def found(console: Console, pk: uuid.UUID) -> Job:
    """Return the job with what its page needs, and put its server in view."""
    rows = Job.objects.visible_to(console.caller).select_related("host", "template", "role")
    job: Job = get_object_or_404(rows, pk=pk)
    console.stand_on(job.server_id)
    return job


def show(request: HttpRequest, console: Console, pk: uuid.UUID) -> HttpResponse:
    """One job; while it is live, the fragment that is asked for again and again."""
    job = found(console, pk)
    if request.htmx and request.GET.get("seen", "") != job.state:
        return HttpResponseClientRefresh()
    machine = live.machine_of(job)
    its = work(job, machine)
    context: dict[str, Any] = {"console": console, "job": job, "work": its, "machine": machine}
    if request.htmx:
        return render(request, "admin_site/fabric/jobs/_work.html", context)
    commands = commands_of(its, machine) if console.may_change else []
    context |= {
        "tabs": sections.section_tabs("jobs", "fabric-job", console),
        "state": live.state(job, "badge"),
        "up": console.link("fabric-job-list"),
        "facts": facts(job, machine),
        "commands": commands,
        "reasons": reasons(commands),
        "report": job.memo.get("report") if job.recipe == TRIAL else None,
        "proved_gone": job.recipe == TRIAL and removed(job),
    }
    return render(request, "admin_site/fabric/jobs/show.html", context)


def work(job: Job, machine: VirtualMachine | None) -> Work:
    """Return the job with what can be done about it."""
    failed_now = machine is None or machine.failed_job_id == job.pk
    return live.work(job, failed_now=failed_now)


def commands_of(work: Work, machine: VirtualMachine | None) -> list[Command]:
    """Return Resume, Cancel and Undo, with why they are impossible."""
    url = reverse("fabric-job-do", args=[work.job.pk])

    def button(verb: str, title: str, icon: str, reason: str, tone: str = "") -> Command:
        return Command(title, icon, url, "post", tone, reason, name="verb", value=verb)

    no_undo = work.no_undo if machine is not None else _("it works on no machine")
    return [
        button("resume", _("Resume"), "rotate-cw", work.no_resume),
        button("cancel", _("Cancel"), "ban", work.no_cancel),
        button("undo", _("Undo"), "undo-2", no_undo),
    ]


def facts(job: Job, machine: VirtualMachine | None) -> list[tuple[str, Any]]:
    """Return the facts beside the steps."""
    target = cells.link("machine", machine) if machine is not None else job.target_name
    return [
        (_("State"), live.state(job)),
        (_("Target"), cells.under(target, _(job.target_type))),
        (_("Host"), cells.link("host", job.host)),
        (_("Template"), cells.link("template", job.template)),
        (_("Asked by"), cells.text(job.owner_name)),
        (_("For the role"), cells.text(job.role)),
        (_("Asked for"), cells.when(job.created_at)),
        (_("Begun"), cells.when(job.started_at)),
        (_("Ended"), cells.when(job.ended_at)),
        (_("Command"), cells.code(job.cmdlet)),
        (_("Id"), cells.code(job.pk)),
    ]


def removed(job: Job) -> bool:
    """Tell whether the machine of a trial was removed, and is on no books any more."""
    steps = {step["name"]: step["state"] for step in job.steps}
    gone = not VirtualMachine.objects.filter(pk=job.memo.get("machine")).exists()
    return gone and steps.get("ensure_removed") == "done"


def do(request: HttpRequest, console: Console, pk: uuid.UUID) -> HttpResponse:
    """Resume, cancel or undo a job, as the button says."""
    job = found(console, pk)
    verb = request.POST.get("verb", "")
    if verb not in ("resume", "cancel", "undo"):
        messages.error(request, _("There is no such command."))
        return redirect("fabric-job", pk)
    try:
        after = log.carry_out(
            f"fabric.job.{verb}",
            lambda: act(console, job, verb),
            by=request.user,
            object_type="fabric-job",
            row=job,
        )
    except VMMError as refused:
        messages.error(request, f"{refused.message} {refused.advice}".strip())
        return redirect("fabric-job", pk)
    return redirect("fabric-job", after.pk)


def act(console: Console, job: Job, verb: str) -> Job:
    """Return the job that goes on: undoing is one of its own."""
    if verb == "resume":
        return jobs.restart(console.caller, job)
    if verb == "cancel":
        return jobs.cancel(console.caller, job)
    machine = live.machine_of(job)
    if machine is None:
        raise VMMError(_("The machine of this job is not there any more."))
    return machines.operate(console.caller, machine, "Repair", undo=True)


show_page = fabric_page(require_GET(show))
do_page = fabric_page(require_POST(do), changes=True)
