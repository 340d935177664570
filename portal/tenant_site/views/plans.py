"""Plans on offer, and subscribing to one."""

from __future__ import annotations

import uuid

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from fabric.actions import subscriptions
from fabric.models import HardwareProfile, Network, Template
from plans.models import Plan
from portal.faults import refuse
from portal.frame import frame_of
from portal.tenant_site.access import signed_in
from portal.tenant_site.forms.plans import SubscribeForm
from portal.tenant_site.held import rights_by_tenant
from tenants.errors import Refused
from tenants.rights import Right


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    mine: dict[uuid.UUID, object] = {}
    for subscription in frame_of(request).subscriptions:
        mine.setdefault(subscription.plan_id, subscription)
    context = {
        "title": _("Plans"),
        "offers": [(plan, mine.get(plan.pk)) for plan in offered()],
        "may_subscribe": bool(deciding(request)),
        "why_not": why_not(request),
    }
    return render(request, "tenant_site/plans/index.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def subscribe(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    plan = get_object_or_404(offered(), pk=pk)
    typed = request.POST if request.method == "POST" else None
    form = SubscribeForm(typed, plan=plan, tenant_ids=deciding(request))
    if typed is not None and form.is_valid():
        try:
            made = subscriptions.subscribe(by=request.user, plan=plan, **form.cleaned_data)
        except Refused as refused:
            refuse(form, refused)
        else:
            return redirect("subscription", pk=made.pk)
    context = {
        "title": _("Subscribe to %(plan)s") % {"plan": plan.name},
        "plan": plan,
        "form": form,
        "why_not": why_not(request),
    }
    return render(request, "tenant_site/plans/subscribe.html", context)


def deciding(request: HttpRequest) -> list[uuid.UUID]:
    """Return the tenants for which the person may subscribe."""
    held = rights_by_tenant(request).items()
    return [tenant_id for tenant_id, rights in held if Right.SUBSCRIPTIONS in rights]


def why_not(request: HttpRequest) -> str:
    """Return why the person cannot subscribe at all, "" when they can."""
    if deciding(request):
        return ""
    if rights_by_tenant(request):
        return _("Your role does not allow subscribing. Ask an administrator of your team.")
    return _("This account belongs to no tenant, so it cannot subscribe.")


def offered() -> QuerySet[Plan]:
    """Return the public plans with what they hold."""
    content = (
        Prefetch(f"offering__{name}", queryset=model.objects.present())
        for name, model in (
            ("templates", Template),
            ("hardware_profiles", HardwareProfile),
            ("networks", Network),
        )
    )
    return Plan.objects.on_offer().select_related("offering__cloud").prefetch_related(*content)
