"""Long work: what goes on and what ended, and the page of one job."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from fabric.actions import cancelling, machines
from fabric.errors import NotPossible
from fabric.models import Job
from portal.faults import told
from portal.frame import frame_of
from portal.tenant_site import job_page
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.job_list import JobList


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    frame = frame_of(request)
    frame.watch(*frame.tenant_ids)
    context = {
        "title": _("Jobs"),
        "listed": JobList(request.user, frame.subscriptions, request.GET),
        "subscriptions": frame.subscriptions,
    }
    part = "_list" if request.htmx else "index"
    return render(request, f"tenant_site/jobs/{part}.html", context)


def load(request: HttpRequest, pk: uuid.UUID) -> Job:
    """Return a job of the person's tenants with what its page needs, else 404."""
    rows = Job.objects.visible_to(request.user).select_related(
        "machine", "subscription", "stamp__provider", "parent__subscription", "parent__machine"
    )
    return get_object_or_404(rows, pk=pk)


@signed_in
@own(load, "GET")
def show(request: HttpRequest, job: Job) -> HttpResponse:
    frame_of(request).watch(job.pk)
    context = {"title": job.title, **job_page.work(job, request.user)}
    if request.htmx:
        return render(request, "tenant_site/jobs/_work.html", context)
    context["ordered"] = job_page.ordered(job)
    return render(request, "tenant_site/jobs/show.html", context)


@signed_in
@own(load, "POST")
def resume(request: HttpRequest, job: Job) -> HttpResponseRedirect:
    with told(request):
        if not job_page.can_resume(job):
            raise NotPossible(_("There is nothing to go on with."))
        machines.resume(by=request.user, machine=job.machine)
    return redirect("job", pk=job.pk)


@signed_in
@own(load, "POST")
def cancel(request: HttpRequest, job: Job) -> HttpResponseRedirect:
    with told(request):
        cancelling.cancel(by=request.user, job=job)
        messages.success(request, _("Cancelled: nothing was asked of the cloud."))
    return redirect("job", pk=job.pk)
