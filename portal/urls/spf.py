"""Port 8090: Service Provider Foundation and nothing else."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("fabric.spf.urls"))]
