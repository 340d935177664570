"""New virtual machine: the choice of the way, and quick create."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from fabric.actions import machines
from plans.models import Subscription
from portal.asked import one_of
from portal.faults import refuse
from portal.tenant_site.access import signed_in
from portal.tenant_site.creating import drafts
from portal.tenant_site.creating.offer import Offer, usable
from portal.tenant_site.creating.pages import in_short
from portal.tenant_site.expected import expected_of
from portal.tenant_site.forms.creating.quick import QuickForm, summary
from portal.tenant_site.held import anywhere, rights_by_tenant
from tenants.errors import Refused
from tenants.rights import Right


def usable_or_refused(request: HttpRequest) -> list[Subscription]:
    """Return where the person may make machines, maybe nowhere now; a role without it is a 403."""
    if rights_by_tenant(request) and Right.CREATE not in anywhere(request):
        raise PermissionDenied(_("Your role does not allow creating machines."))
    return usable(request)


def nowhere(request: HttpRequest) -> HttpResponse:
    """Say what is missing before a machine can be made."""
    return render(request, "tenant_site/creating/nowhere.html", {"title": _("New machine")})


@signed_in
@require_GET
def choose(request: HttpRequest) -> HttpResponse:
    """Two ways to a machine, and what was begun and not finished."""
    there = usable_or_refused(request)
    if not there:
        return nowhere(request)
    begun = [
        {"draft": draft, "title": drafts.title_of(draft), "place": drafts.place_of(draft)}
        for draft in drafts.unfinished_of(request.user)
    ]
    context = {
        "title": _("New virtual machine"),
        "begun": begun,
        "page_class": "reading",
        "chosen": one_of(there, request.GET.get("subscription", "")),
    }
    return render(request, "tenant_site/creating/choose.html", context)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def quick(request: HttpRequest) -> HttpResponse:
    """Quick create. A fragment is asked for when the plan or the template changes."""
    there = usable_or_refused(request)
    if not there:
        return nowhere(request)
    asked = request.POST if request.method == "POST" else request.GET
    chosen = one_of(there, asked.get("subscription", "")) or there[0]
    looking = request.method != "POST" or "look" in request.POST
    offer = Offer(chosen, request.user)
    only = str(offer.templates[0].pk) if len(offer.templates) == 1 else ""
    form = QuickForm(
        None if looking else request.POST,
        usable=there,
        offer=offer,
        initial={
            "template": only,
            **asked.dict(),
            "subscription": str(chosen.pk),
            "password": "",
        },
    )
    if not looking and form.is_valid():
        try:
            machine = machines.deploy(
                by=request.user,
                subscription=chosen,
                order=form.order(),
                request_key=str(form.cleaned_data["request_key"]),
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            return redirect("machine", pk=machine.pk)
    part = "_quick_offer" if request.htmx else "quick"
    return render(request, f"tenant_site/creating/{part}.html", _quick_context(form))


def _quick_context(form: QuickForm) -> dict[str, Any]:
    template = form.wanted_template
    more = {}
    if template:
        more = {
            "machines": 1,
            "cores": template.cores,
            "memory_mb": template.memory_mb,
            "storage_gb": template.storage_gb,
        }
    return {
        "title": _("Quick create"),
        "form": form,
        "limits": form.offer.limits,
        "used": form.offer.used,
        "more": more,
        "template": template,
        "said": in_short([summary(template)] if template else [], form.offer, more),
        "expected": expected_of([template.pk]).get(template.pk) if template else None,
    }
