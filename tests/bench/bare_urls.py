"""The bare view, and the way to sign in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from fabric.models import Machine
from portal.tenant_site.access import signed_in
from portal.urls.tenant import urlpatterns as tenant_site

LINE = "There are {{ count }} machines.\n"


@signed_in
def bare(request: HttpRequest) -> HttpResponse:
    count = Machine.objects.visible_to(request.user).count()
    return HttpResponse(engines["django"].from_string(LINE).render({"count": count}))


urlpatterns = [path("bare/", bare), *tenant_site]
