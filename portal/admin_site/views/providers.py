"""VM clouds: SPF endpoints, the VMM servers behind them, and their clouds."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from fabric.actions import providers
from fabric.models import Cloud, Provider, Stamp
from fabric.states import GONE
from portal import faults
from portal.admin_site.access import operator_required
from portal.admin_site.forms.providers import ProviderForm, StampForm
from tenants.errors import Refused


@operator_required
def index(request: HttpRequest) -> HttpResponse:
    """Show the tree of endpoints, VMM servers and clouds; htmx asks for the tree alone."""
    tree = list(endpoints())
    context = {"providers": tree, "is_waiting": is_waiting(tree)}
    template = "_tree" if request.htmx else "index"
    return render(request, f"admin_site/vm_clouds/{template}.html", context)


@operator_required
@sensitive_post_parameters("password")
def register(request: HttpRequest) -> HttpResponse:
    """Register an SPF; the action asks it whether address and account are good."""
    form = ProviderForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        try:
            provider = providers.register(by=request.user, **form.cleaned_data)
        except Refused as refusal:
            faults.refuse(form, refusal)
        else:
            messages.success(request, _("“%s” is registered.") % provider.name)
            return redirect("stamp-register", provider.pk)
    return render(request, "admin_site/vm_clouds/register.html", {"form": form})


@operator_required
def show(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one endpoint; htmx asks for its tree alone."""
    provider = get_object_or_404(endpoints(), pk=pk)
    context = {"provider": provider, "is_waiting": is_waiting([provider])}
    context["providers"] = [provider]
    template = "_tree" if request.htmx else "show"
    return render(request, f"admin_site/vm_clouds/{template}.html", context)


@operator_required
def register_stamp(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Register a VMM server behind an endpoint."""
    provider = get_object_or_404(Provider, pk=pk)
    form = StampForm(request.POST or None)
    if form.is_valid():
        try:
            stamp = providers.register_stamp(
                by=request.user, provider=provider, **form.cleaned_data
            )
        except Refused as refusal:
            faults.refuse(form, refusal)
        else:
            messages.success(request, _("“%s” is registered.") % stamp.friendly_name)
            return redirect("vmclouds")
    context = {"form": form, "provider": provider}
    return render(request, "admin_site/vm_clouds/register_stamp.html", context)


@operator_required
@require_POST
def refresh(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask for fresh data of an endpoint's VMM servers."""
    provider = get_object_or_404(Provider, pk=pk)
    with faults.told(request):
        providers.refresh(by=request.user, provider=provider)
        messages.success(request, _("“%s” is being read again.") % provider.name)
    return redirect("provider", pk)


def endpoints() -> QuerySet[Provider]:
    """Return the endpoints with their VMM servers and present clouds. Three queries."""
    clouds = (
        Cloud.objects.present()
        .annotate(
            machines_now=Count(
                "machines_here", filter=~Q(machines_here__state__in=GONE), distinct=True
            )
        )
        .order_by("name")
    )
    present = Prefetch("clouds", queryset=clouds, to_attr="present_clouds")
    stamps = Prefetch("stamps", queryset=Stamp.objects.prefetch_related(present))
    return Provider.objects.prefetch_related(stamps)


def is_waiting(tree: list[Provider]) -> bool:
    """Tell whether a VMM server has not been read yet, so that the page looks again."""
    return any(stamp.synced_at is None for each in tree for stamp in each.stamps.all())
