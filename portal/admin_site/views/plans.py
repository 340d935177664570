"""Plans: the list, a new one, one plan, what is said of it, and who may have it."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from fabric.models import Offering
from fabric.states import GRANTABLE
from plans import services
from plans.actions import plans
from plans.models import Plan, Provisioning, SubscriptionState
from plans.words import in_sentence
from portal import faults
from portal.admin_site.access import operator_required
from portal.admin_site.forms.filters import PlanFilter
from portal.admin_site.forms.plans import AccessForm, PlanDetailsForm, PlanForm
from portal.admin_site.listing import listed
from tenants.errors import Refused

LATEST_SUBSCRIPTIONS = 10
HELD = ~Q(subscriptions__state=SubscriptionState.DELETED)
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
        Plan.objects.annotate(subscriptions_now=Count("subscriptions", filter=HELD))
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
            keys = typed.pop("services")
            plan = plans.create(by=request.user, service_keys=keys, **typed)
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
    taken = plan.subscriptions.present().select_related("tenant").order_by("-created_at")
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
        "add_ons": plan.add_ons.all(),
        "out_of_sync": taken.filter(provisioning=Provisioning.OUT_OF_SYNC).count(),
    }
    return render(request, "admin_site/plans/show.html", context)


@operator_required
def edit(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Change what tenants read of a plan, and its invitation code."""
    plan = get_object_or_404(Plan, pk=pk)
    names = list(PlanDetailsForm.base_fields)
    form = PlanDetailsForm(
        request.POST or None, initial={name: getattr(plan, name) for name in names}
    )
    if form.is_valid():
        try:
            plans.change(by=request.user, plan=plan, **form.cleaned_data)
        except Refused as refusal:
            faults.refuse(form, refusal)
        else:
            return redirect("plan", plan.pk)
    return render(request, "admin_site/plans/edit.html", {"form": form, "plan": plan})


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
                % {"plan": plan.name, "access": in_sentence(plan.get_access_display())},
            )
            return redirect("plan", plan.pk)
    context = {
        "form": form,
        "plan": plan,
        "subscription_count": plan.subscriptions.present().count(),
    }
    return render(request, "admin_site/plans/access.html", context)
