"""One cloud of a VMM server: what it can hold, and who uses it."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from fabric.actions import offerings
from fabric.models import Cloud
from fabric.states import GONE
from plans import rules
from portal.admin_site.access import operator_required


@operator_required
def show(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a cloud's capacity, content and plans."""
    cloud = get_object_or_404(Cloud.objects.select_related("stamp__provider"), pk=pk)
    content = offerings.content_of(cloud)
    context = {
        "cloud": cloud,
        "content": content,
        "sizes": content.hardware_profiles.order_by("cores", "memory_mb", "name"),
        "capacity": {each.name: getattr(cloud, each.name) for each in rules.RESOURCES},
        "offerings": cloud.offerings.select_related("plan").order_by("plan__name"),
        "machines": cloud.machines_here.exclude(state__in=GONE).count(),
    }
    return render(request, "admin_site/vm_clouds/cloud.html", context)
