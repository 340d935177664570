"""What SPF itself remembers: who may call, which VMM servers it speaks for, and its tenants.

Machines, clouds and user roles are VMM's. A stamp means the VMM server named by its server of type
VMM; the two sides share that name and nothing else.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Lower


class Group(models.TextChoices):
    """The local groups of an SPF server: each opens one service."""

    ADMIN = "SPF_Admin", "Admin service"
    VMM = "SPF_VMM", "VMM service"
    PROVIDER = "SPF_Provider", "Provider service"
    USAGE = "SPF_Usage", "Usage service"


class Account(models.Model):
    """A caller. `is_vmm_administrator` is a right inside VMM: without it the groups open the door
    of the VMM service, and nothing is behind it. `last_seen_at` may be some minutes behind.
    """

    username = models.CharField(max_length=150, unique=True)
    password = models.CharField(max_length=200)
    groups = models.JSONField(default=list)
    is_vmm_administrator = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return self.username

    def has(self, group: str) -> bool:
        """Tell whether the account is in a group."""
        return group in self.groups


class DataCenter(models.Model):
    """A place that stamps are in."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="spf_datacenter_name")]

    def __str__(self) -> str:
        return self.name


class Stamp(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    data_center = models.ForeignKey(
        DataCenter, null=True, blank=True, on_delete=models.PROTECT, related_name="stamps"
    )

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="spf_stamp_name")]

    def __str__(self) -> str:
        return self.name


class ServerType(models.IntegerChoices):
    VMM = 0
    OPERATIONS_MANAGER = 1
    DATA_PROTECTION_MANAGER = 2
    DATA_WAREHOUSE = 3
    REMOTE_DESKTOP_GATEWAY = 4
    ORCHESTRATOR = 5
    NONE = 6


class ServerEntry(models.Model):
    """A server SPF knows of; one server may stand for one stamp of each kind."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    server_type = models.PositiveSmallIntegerField(
        choices=ServerType.choices, default=ServerType.VMM
    )
    stamps = models.ManyToManyField(Stamp, related_name="servers", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), "server_type", name="spf_server_name"),
        ]

    def __str__(self) -> str:
        return self.name


class SettingType(models.TextChoices):
    DATABASE = "DatabaseConnectionString", "Database"
    ENDPOINT = "EndpointConnectionString", "Endpoint"


class SpfSetting(models.Model):
    """How a server is reached; its value may hold a password, and is sealed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    setting_type = models.CharField(max_length=30, choices=SettingType.choices)
    sealed = models.TextField(blank=True, default="")
    server = models.ForeignKey(
        ServerEntry, null=True, blank=True, on_delete=models.CASCADE, related_name="settings"
    )

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="spf_setting_name")]

    def __str__(self) -> str:
        return self.name


class AccountStatus(models.IntegerChoices):
    ACTIVE = 0
    SUSPENDED = 1


class Tenant(models.Model):
    """A subscription; its id is also the id of its user role in VMM."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, unique=True)
    account_status = models.PositiveSmallIntegerField(
        choices=AccountStatus.choices, default=AccountStatus.ACTIVE
    )
    key = models.TextField(blank=True, default="")
    issuer_name = models.CharField(max_length=255, blank=True, default="")
    stamps = models.ManyToManyField(Stamp, related_name="tenants", blank=True)

    def __str__(self) -> str:
        return self.name


class TrustedIssuer(models.Model):
    """Whose tokens tenants come with; `key` is its certificate, in Base64."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    key = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="spf_trustedissuer_name")]

    def __str__(self) -> str:
        return self.name


class SubscriptionState(models.IntegerChoices):
    ACTIVE = 0, "Active"
    SUSPENDED = 1, "Suspended"
    DELETE_PENDING = 2, "DeletePending"


class Subscription(models.Model):
    """What a portal said of a tenant through the Provider service.

    `quota_settings` are the plan's, as they came: a list of {Key, Value}; `add_ons` are several
    such lists, which count on top of it.
    """

    tenant = models.OneToOneField(
        Tenant, primary_key=True, on_delete=models.CASCADE, related_name="subscription"
    )
    name = models.CharField(max_length=255)
    state = models.PositiveSmallIntegerField(
        choices=SubscriptionState.choices, default=SubscriptionState.ACTIVE
    )
    admin_id = models.CharField(max_length=320, blank=True, default="")
    co_admin_ids = models.JSONField(default=list)
    quota_settings = models.JSONField(default=list)
    add_ons = models.JSONField(default=list)
    last_error = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return self.name
