"""Addresses in any case; a subscription's id stands before or after the `.svc`."""

from __future__ import annotations

from django.urls import re_path

from fabric.spf import views
from fabric.spf.provider_service import provider_service
from fabric.spf.usage_service import usage_service

_GUID = r"\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?"
_VERSION = r"sc2012(?:r2)?|sc2016"
_DOOR = r"microsoft\.management\.odata\.svc"

urlpatterns = [
    re_path(
        rf"(?i)^(?P<root>(?:{_VERSION})/vmm/(?:(?P<before>{_GUID})/)?{_DOOR}"
        rf"(?:/(?P<after>{_GUID})(?=/|$))?)(?P<path>/.*|)$",
        views.vmm_service,
    ),
    re_path(
        rf"(?i)^(?P<root>(?:{_VERSION})/admin/{_DOOR})(?P<path>/.*|)$",
        views.admin_service,
    ),
    re_path(r"(?i)^provider(?P<path>/.*|)$", provider_service),
    re_path(r"(?i)^usage(?P<path>/.*|)$", usage_service),
    re_path(r"", views.nothing_here),
]
