"""Plans: the list, a new one, one plan, and who may have it."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from fabric.models import Offering
from fabric.states import GRANTABLE
from plans import services
from plans.actions import plans
from plans.models import Plan, Provisioning
from portal import faults
from portal.admin_site.access import operator_required
from portal.admin_site.forms.filters import PlanFilter
from portal.admin_site.forms.plans import AccessForm, PlanForm
from portal.admin_site.listing import listed
from tenants.errors import Refused

LATEST_SUBSCRIPTIONS = 10
SORTS = {
    "name": "name",
    "access": "access",
    "subscriptions": "subscriptions_now",
    "created": "created_at",
}


@operator_required
def index(request: HttpRequest) -> HttpResponse:
    """List the plans."""
    every = (
        Plan.objects.annotate(subscriptions_now=Count("subscriptions"))
        .select_related("offering__cloud__stamp")
        .prefetch_related("services")
    )
    filters = PlanFilter(request.GET)
    context = listed(request, filters.narrow(every), SORTS, default="name")
    context["filters"] = filters
    return render(request, "admin_site/plans/index.html", context)


@operator_required
def create(request: HttpRequest) -> HttpResponse:
    """Make a plan, private and not configured."""
    form = PlanForm(request.POST or None)
    if form.is_valid():
        typed = form.cleaned_data
        try:
            plan = plans.create(
                by=request.user,
                name=typed["name"],
                description=typed["description"],
                service_keys=typed["services"],
            )
        except Refused as refusal:
            faults.refuse(form, refusal)
        else:
            messages.success(request, _("“%s” is made. Set its quotas next.") % plan.name)
            return redirect("plan", plan.pk)
    context = {"form": form, "services": services.registered()}
    return render(request, "admin_site/plans/new.html", context)


@operator_required
def show(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a plan: who may have it, its services, limits and subscriptions."""
    plan = get_object_or_404(Plan.objects.prefetch_related("services"), pk=pk)
    taken = plan.subscriptions.select_related("tenant").order_by("-created_at")
    offering = Offering.objects.select_related("cloud__stamp").filter(plan=plan).first()
    context = {
        "plan": plan,
        "services": [(row, services.get(row.key)) for row in plan.services.all()],
        "offering": offering,
        "subscriptions": taken[:LATEST_SUBSCRIPTIONS],
        "subscription_count": taken.count(),
        "plan_id": str(plan.pk),
        "permitted": [GRANTABLE.get(word, word) for word in offering.permissions]
        if offering
        else [],
        "out_of_sync": taken.filter(provisioning=Provisioning.OUT_OF_SYNC).count(),
    }
    return render(request, "admin_site/plans/show.html", context)


@operator_required
def change_access(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask who may have a plan, telling what each answer means, and change it."""
    plan = get_object_or_404(Plan.objects.prefetch_related("services"), pk=pk)
    form = AccessForm(request.POST or None, initial={"access": plan.access})
    if form.is_valid():
        try:
            plans.change_access(by=request.user, plan=plan, access=form.cleaned_data["access"])
        except Refused as refusal:
            faults.refuse(form, refusal)
        else:
            messages.success(
                request,
                _("“%(plan)s” is %(access)s now.")
                % {"plan": plan.name, "access": plan.get_access_display().lower()},
            )
            return redirect("plan", plan.pk)
    context = {"form": form, "plan": plan, "subscription_count": plan.subscriptions.count()}
    return render(request, "admin_site/plans/access.html", context)
