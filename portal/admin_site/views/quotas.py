"""Set quotas: VMM server, then cloud, then what the plan holds of it. The steps are parameters."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from fabric.actions import offerings
from fabric.models import Cloud, Offering, Stamp
from plans.models import Plan
from portal import faults
from portal.admin_site.access import operator_required
from portal.admin_site.forms.quotas import QuotaForm, initial_quota
from tenants.errors import Refused


@operator_required
def edit(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the steps as far as they are chosen; a POST stores the last one."""
    plan = get_object_or_404(Plan, pk=pk)
    offering = Offering.objects.select_related("cloud__stamp").filter(plan=plan).first()
    context = {"plan": plan, "offering": offering, **choices(request, offering)}
    cloud = context["cloud"]
    if cloud:
        content = context["content"] = offerings.content_of(cloud)
    if cloud and not content.missing:
        initial = initial_quota(offering, cloud, content)
        form = QuotaForm(request.POST or None, content=content, initial=initial)
        context["form"] = form
        if form.is_valid() and store(request, form, plan, cloud):
            return redirect("plan", plan.pk)
    template = "_steps" if request.htmx else "quotas"
    return render(request, f"admin_site/plans/{template}.html", context)


def choices(request: HttpRequest, offering: Offering | None) -> dict[str, Any]:
    """Return the VMM servers, the chosen one, its clouds and the chosen one of those.

    What the URL does not say is taken from the plan as it is, or is chosen where there is just one.
    """
    stamps = list(Stamp.objects.select_related("provider"))
    stamp = picked(stamps, request.GET.get("stamp"), offering and offering.cloud.stamp_id)
    clouds = list(Cloud.objects.present().filter(stamp=stamp)) if stamp else []
    cloud = picked(clouds, request.GET.get("cloud"), offering and offering.cloud_id)
    return {"stamps": stamps, "stamp": stamp, "clouds": clouds, "cloud": cloud}


def picked(rows: list[Any], asked: str | None, held: uuid.UUID | None) -> Any | None:
    """Return the row asked for, else the one held, else the only one."""
    wanted = asked or str(held)
    found = next((row for row in rows if str(row.pk) == wanted), None)
    return found or (rows[0] if len(rows) == 1 else None)


def store(request: HttpRequest, form: QuotaForm, plan: Plan, cloud: Cloud) -> bool:
    """Store what was typed, or show at the fields why not."""
    try:
        offerings.configure(by=request.user, plan=plan, cloud=cloud, **form.cleaned_data)
    except Refused as refusal:
        faults.refuse(form, refusal)
        return False
    messages.success(request, _("The quotas of “%s” are set.") % plan.name)
    return True
