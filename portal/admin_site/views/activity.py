"""The operations log: every act, whoever did it."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from portal.admin_site.access import operator_required
from portal.admin_site.acts import acts
from portal.admin_site.forms.filters import OperationFilter
from portal.admin_site.listing import listed
from tenants.models import Operation

SORTS = {
    "when": "id",
    "action": "action",
    "object": "object_name",
    "person": "actor_email",
    "outcome": "outcome",
}


@operator_required
def index(request: HttpRequest) -> HttpResponse:
    """List the acts, latest first."""
    filters = OperationFilter(request.GET)
    context = listed(request, filters.narrow(acts()), SORTS, default="-when")
    context["filters"] = filters
    return render(request, "admin_site/activity/index.html", context)


@operator_required
def show(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show both entries of an act, with its parameters as received."""
    entries = list(
        Operation.objects.filter(operation_id=pk).select_related("tenant", "actor").order_by("id")
    )
    if not entries:
        raise Http404
    act = entries[0]
    context = {
        "act": act,
        "entries": entries,
        "outcome": entries[-1].phase,
        "ended_at": entries[-1].at,
        "parameters": shown(act.parameters),
    }
    return render(request, "admin_site/activity/show.html", context)


def shown(parameters: dict[str, Any]) -> str:
    """Return parameters as people read them, "" when there are none."""
    return json.dumps(parameters, indent=2, ensure_ascii=False) if parameters else ""
