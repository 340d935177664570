"""Jobs known by the request that asked for them, permissions for one cloud, restored checkpoints."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vmm", "0012_compared_at")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="request_key",
            field=models.CharField(blank=True, max_length=120, null=True),
        ),
        migrations.AddField(
            model_name="rolescope",
            name="permissions",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="virtualmachine",
            name="last_restored_id",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("request_key__isnull", False)),
                fields=("request_key",),
                name="vmm_job_request_key",
            ),
        ),
    ]
