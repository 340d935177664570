"""Machines granted to roles inside a tenant's, granted images, an index by what was granted."""

from __future__ import annotations

from django.db import migrations, models

KINDS = [
    ("VMTemplate", "VM template"),
    ("HardwareProfile", "Hardware profile"),
    ("VMNetwork", "VM network"),
    ("GuestOSProfile", "guest operating system profile"),
    ("VirtualHardDisk", "virtual hard disk"),
    ("RunAsAccount", "run-as account"),
    ("VirtualMachine", "virtual machine"),
    ("ISO", "ISO image"),
]


class Migration(migrations.Migration):
    dependencies = [("vmm", "0014_metering")]

    operations = [
        migrations.AlterField(
            model_name="roleresource",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=20),
        ),
        migrations.AddIndex(
            model_name="roleresource",
            index=models.Index(fields=["resource_id", "kind"], name="vmm_roleresource_holders"),
        ),
    ]
