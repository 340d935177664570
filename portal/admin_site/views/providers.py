"""VM clouds: SPF endpoints, the VMM servers behind them, and their clouds."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

from fabric.actions import providers
from fabric.models import Cloud, Provider, Stamp
from fabric.states import GONE
from portal import faults
from portal.admin_site.access import operator_required
from portal.admin_site.forms.providers import ProviderForm, StampForm
from portal.admin_site.views import registrations
from tenants.errors import Refused

LOOK_AGAIN_FOR = timedelta(seconds=30)


@operator_required
def index(request: HttpRequest) -> HttpResponse:
    """Show the tree of endpoints, VMM servers and clouds."""
    return show_tree(request, list(endpoints()), "index")


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
    """Show one endpoint."""
    provider = get_object_or_404(endpoints(), pk=pk)
    context = {"provider": provider, "check": registrations.check_of(request, provider)}
    commands = registrations.commands(provider)
    return show_tree(request, [provider], "show", **context, commands=commands)


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


def show_tree(
    request: HttpRequest, tree: list[Provider], page: str, **context: Any
) -> HttpResponse:
    """Return the page; htmx asks for the tree alone while a server is being read.

    The end of that draws the page anew: the number of clouds in the menu belongs to it.
    """
    is_waiting = any(is_being_read(stamp) for each in tree for stamp in each.stamps.all())
    context |= {"providers": tree, "is_waiting": is_waiting}
    if not request.htmx:
        return render(request, f"admin_site/vm_clouds/{page}.html", context)
    if not is_waiting:
        return HttpResponseClientRefresh()
    return render(request, "admin_site/vm_clouds/_tree.html", context)


def is_being_read(stamp: Stamp) -> bool:
    """Tell whether somebody asked for a VMM server's data just now, or it was never read."""
    asked_for, read_at = stamp.next_sync_at, stamp.synced_at
    now = timezone.now()
    return read_at is None or (read_at < asked_for <= now and now - asked_for < LOOK_AGAIN_FOR)
