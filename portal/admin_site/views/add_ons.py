"""Add-ons: the list, a new one, one of them, and who may take it."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from plans.actions import add_ons
from plans.models import AddOn, Subscription
from plans.words import in_sentence
from portal import faults
from portal.admin_site.access import operator_required
from portal.admin_site.forms.add_ons import AddOnForm, initial_of
from portal.admin_site.forms.filters import AddOnFilter
from portal.admin_site.forms.plans import AccessForm
from portal.admin_site.listing import listed
from tenants.errors import Refused

TAKERS_SHOWN = 20
SORTS = {"name": "name", "access": "access", "taken": "taken_now", "created": "created_at"}


@operator_required
def index(request: HttpRequest) -> HttpResponse:
    """List the add-ons."""
    every = AddOn.objects.annotate(taken_now=Count("takers")).prefetch_related("plans")
    filters = AddOnFilter(request.GET)
    context = listed(request, filters.narrow(every), SORTS, default="name")
    context["filters"] = filters
    return render(request, "admin_site/add_ons/index.html", context)


@operator_required
def create(request: HttpRequest) -> HttpResponse:
    """Make an add-on, private."""
    form = AddOnForm(request.POST or None)
    if form.is_valid():
        try:
            made = add_ons.create(by=request.user, **form.cleaned_data)
        except Refused as refusal:
            faults.refuse(form, refusal)
        else:
            messages.success(
                request, _("“%s” is made. Make it public once its plans are chosen.") % made.name
            )
            return redirect("add-on", made.pk)
    return render(request, "admin_site/add_ons/new.html", {"form": form})


@operator_required
def show(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show an add-on: what it adds, to which plans, and who has it."""
    add_on = get_object_or_404(AddOn.objects.prefetch_related("plans"), pk=pk)
    takers = (
        Subscription.objects.present()
        .filter(taken__add_on=add_on)
        .annotate(times=Count("taken"))
        .select_related("tenant", "plan")
        .order_by("name", "pk")
    )
    context = {
        "add_on": add_on,
        "takers": takers[:TAKERS_SHOWN],
        "taker_count": takers.count(),
    }
    return render(request, "admin_site/add_ons/show.html", context)


@operator_required
def edit(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Change an add-on; what it adds stays while somebody has it."""
    add_on = get_object_or_404(AddOn.objects.prefetch_related("plans"), pk=pk)
    form = AddOnForm(request.POST or None, initial=initial_of(add_on))
    if form.is_valid():
        try:
            add_ons.change(by=request.user, add_on=add_on, **form.cleaned_data)
        except Refused as refusal:
            faults.refuse(form, refusal)
        else:
            return redirect("add-on", add_on.pk)
    context = {"form": form, "add_on": add_on, "is_taken": add_on.takers.exists()}
    return render(request, "admin_site/add_ons/edit.html", context)


@operator_required
def change_access(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask who may take an add-on, telling what each answer means, and change it."""
    add_on = get_object_or_404(AddOn, pk=pk)
    form = AccessForm(request.POST or None, initial={"access": add_on.access})
    if form.is_valid():
        try:
            add_ons.change_access(
                by=request.user, add_on=add_on, access=form.cleaned_data["access"]
            )
        except Refused as refusal:
            faults.refuse(form, refusal)
        else:
            messages.success(
                request,
                _("“%(name)s” is %(access)s now.")
                % {"name": add_on.name, "access": in_sentence(add_on.get_access_display())},
            )
            return redirect("add-on", add_on.pk)
    return render(request, "admin_site/add_ons/access.html", {"form": form, "add_on": add_on})
