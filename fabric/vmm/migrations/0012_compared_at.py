"""When the hosts of a server were last compared with its books."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vmm", "0011_server_description")]

    operations = [
        migrations.AddField(
            model_name="server",
            name="compared_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
