"""Addresses of the REST interface, below /api/v1/ of the tenant site."""

from __future__ import annotations

from django.urls import path, re_path

from portal.api import machines, operations
from portal.api.frame.elsewhere import nowhere

urlpatterns = [
    path("machines/", machines.Machines.as_view(), name="api-machine-list"),
    path("machines/<uuid:pk>/", machines.OneMachine.as_view(), name="api-machine"),
    path("operations/", operations.Operations.as_view(), name="api-operation-list"),
    path("operations/<uuid:pk>/", operations.OneOperation.as_view(), name="api-operation"),
    re_path(r"^.*$", nowhere, name="api-nowhere"),
]
