"""Machines over REST: the same rows the pages show, read-only."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers, viewsets
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from fabric.models import Machine


class MachineSerializer(serializers.ModelSerializer[Machine]):
    """Memory in MB, storage in GB, times in ISO 8601 UTC."""

    subscription = serializers.CharField(source="subscription.name")
    cloud = serializers.CharField(source="cloud.name")

    class Meta:
        model = Machine
        fields = (
            "id",
            "name",
            "description",
            "subscription",
            "cloud",
            "state",
            "status_text",
            "os_name",
            "cores",
            "memory_mb",
            "storage_gb",
            "addresses",
            "created_at",
            "synced_at",
        )
        read_only_fields = fields


class ByName(CursorPagination):
    ordering = ("name", "id")

    def decode_cursor(self, request: Request) -> Any:
        """Refuse what PostgreSQL cannot even be asked for."""
        cursor = super().decode_cursor(request)
        if cursor is not None and "\0" in (cursor.position or ""):
            raise NotFound(self.invalid_cursor_message)
        return cursor


class MachineViewSet(viewsets.ReadOnlyModelViewSet[Machine]):
    """List and show the machines of one's tenants; a stranger's is not found, by any method."""

    serializer_class = MachineSerializer
    pagination_class = ByName
    metadata_class = None  # OPTIONS is refused like every other method

    def get_queryset(self) -> QuerySet[Machine]:
        return Machine.objects.visible_to(self.request.user).select_related("subscription", "cloud")

    def http_method_not_allowed(
        self, request: Request, *args: object, **kwargs: object
    ) -> Response:
        """Refuse a method, of an object only to somebody who may know of it."""
        if self.lookup_field in kwargs:
            self.get_object()
        return super().http_method_not_allowed(request, *args, **kwargs)
