"""What metering remembers. No row here hangs on a machine: machines go, what they used stays.

Allocations, adapters' presences and last curves are written by triggers of the database (see
migration 0014), so nothing that makes, changes or removes a machine can forget them.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Allocation(models.Model):
    """What a machine held on behalf of a subscription, and from when until when.

    The subscription is the tenant's role: of a role inside another, the outer one. `made_in` is the
    transaction: what one transaction changes twice was never different in between.
    """

    id = models.BigAutoField(primary_key=True)
    machine = models.UUIDField()
    cloud = models.UUIDField()
    subscription = models.UUIDField()
    subscriber = models.CharField(max_length=320)
    cores = models.PositiveIntegerField()
    memory_mb = models.PositiveIntegerField()
    storage_gb = models.PositiveIntegerField()
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True)
    made_in = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["machine"],
                condition=models.Q(until_at=None),
                name="vmm_allocation_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine} from {self.from_at}"


class AdapterPresence(models.Model):
    """From when until when a machine had a network adapter."""

    id = models.BigAutoField(primary_key=True)
    adapter = models.UUIDField()
    machine = models.UUIDField(db_index=True)
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["adapter"], name="vmm_adapterpresence_once"),
        ]

    def __str__(self) -> str:
        return f"{self.adapter} from {self.from_at}"


class LastCurve(models.Model):
    """The last hour's curve of a machine that was removed, until it is metered."""

    id = models.BigAutoField(primary_key=True)
    machine = models.UUIDField(db_index=True)
    times = ArrayField(models.DateTimeField())
    cpu_percent = ArrayField(models.IntegerField())
    memory_mb = ArrayField(models.IntegerField())
    storage_iops = ArrayField(models.IntegerField())
    network_kbps = ArrayField(models.IntegerField())

    def __str__(self) -> str:
        return f"the last hour of {self.machine}"


class Meter(models.Model):
    """One row: up to where all is metered. Who holds it is the one who writes records."""

    metered_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"metered until {self.metered_until}"


class Metered(models.IntegerChoices):
    MACHINE = 0, "VirtualMachine"
    ADAPTER = 1, "VirtualNetworkAdapter"
    CLOUD = 2, "Cloud"


class UsageRecord(models.Model):
    """One hour of one thing for one subscription. Never changed; the id rises as records appear.

    `figures` stand in the order of the metrics of its kind (`fabric.vmm.metering.METRICS`), null
    where nothing is known. `resource` is the machine of an adapter.
    """

    id = models.BigAutoField(primary_key=True)
    start_at = models.DateTimeField()
    kind = models.PositiveSmallIntegerField(choices=Metered.choices)
    resource = models.UUIDField()
    adapter = models.UUIDField(null=True)
    subscription = models.UUIDField()
    subscriber = models.CharField(max_length=320)
    figures = ArrayField(models.FloatField(null=True))

    def __str__(self) -> str:
        return f"{self.resource} at {self.start_at}"
