"""A machine as the interface tells of it: columns, and what they become. Fast: no model rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from fabric.models.machine import EndAction
from fabric.states import MachineState
from portal.api.frame.fields import Shape
from portal.api.frame.formats import moment

COLUMNS = (
    "id",
    "name",
    "description",
    "state",
    "status_text",
    "subscription_id",
    "subscription__name",
    "subscription__tenant_id",
    "subscription__plan_id",
    "cloud_id",
    "cloud__name",
    "template_id",
    "hardware_profile_id",
    "os_name",
    "os_type",
    "computer_name",
    "cores",
    "memory_mb",
    "storage_gb",
    "addresses",
    "tags",
    "is_protected",
    "ends_at",
    "end_action",
    "media_id",
    "rescued_at",
    "unreachable_since",
    "created_by__email",
    "created_at",
    "synced_at",
)
# A pass that finds nothing new is no news.
NOT_IN_ETAG = frozenset({"synced_at"})


class MachineShape(Shape):
    """A virtual machine. Memory in MB, storage in GB, times in ISO 8601 UTC."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    state = serializers.ChoiceField(choices=list(MachineState.values))
    status_text = serializers.CharField(help_text="What is going on, in words.")
    subscription = serializers.UUIDField()
    subscription_name = serializers.CharField()
    tenant = serializers.UUIDField()
    plan = serializers.UUIDField()
    cloud = serializers.UUIDField()
    cloud_name = serializers.CharField()
    template = serializers.UUIDField(allow_null=True)
    hardware_profile = serializers.UUIDField(allow_null=True)
    os_name = serializers.CharField()
    os_type = serializers.CharField()
    computer_name = serializers.CharField()
    cores = serializers.IntegerField()
    memory_mb = serializers.IntegerField()
    storage_gb = serializers.IntegerField()
    addresses = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    is_protected = serializers.BooleanField(help_text="It cannot be deleted until this is off.")
    ends_at = serializers.DateTimeField(allow_null=True, help_text="When its lease ends.")
    end_action = serializers.ChoiceField(choices=list(EndAction.values))
    media = serializers.UUIDField(allow_null=True, help_text="What lies in its DVD drive.")
    rescued_at = serializers.DateTimeField(allow_null=True)
    unreachable_since = serializers.DateTimeField(allow_null=True)
    created_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    synced_at = serializers.DateTimeField(
        allow_null=True, help_text="When its cloud was last asked. Not part of the ETag."
    )


def etag_columns(rows: list[dict[str, Any]]) -> Any:
    """Return what the ETag of machines is made of."""
    return [[value for name, value in row.items() if name not in NOT_IN_ETAG] for row in rows]


def machine(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a machine of its columns."""
    return {
        "id": row["id"],
        "url": f"/api/v1/machines/{row['id']}/",
        "name": row["name"],
        "description": row["description"],
        "state": row["state"],
        "status_text": row["status_text"],
        "subscription": row["subscription_id"],
        "subscription_name": row["subscription__name"],
        "tenant": row["subscription__tenant_id"],
        "plan": row["subscription__plan_id"],
        "cloud": row["cloud_id"],
        "cloud_name": row["cloud__name"],
        "template": row["template_id"],
        "hardware_profile": row["hardware_profile_id"],
        "os_name": row["os_name"],
        "os_type": row["os_type"],
        "computer_name": row["computer_name"],
        "cores": row["cores"],
        "memory_mb": row["memory_mb"],
        "storage_gb": row["storage_gb"],
        "addresses": row["addresses"],
        "tags": row["tags"],
        "is_protected": row["is_protected"],
        "ends_at": moment(row["ends_at"]),
        "end_action": row["end_action"],
        "media": row["media_id"],
        "rescued_at": moment(row["rescued_at"]),
        "unreachable_since": moment(row["unreachable_since"]),
        "created_by": row["created_by__email"],
        "created_at": moment(row["created_at"]),
        "synced_at": moment(row["synced_at"]),
    }
