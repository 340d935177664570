from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fabric", "0023_network_subnets"),
    ]

    operations = [
        migrations.AddField(
            model_name="network",
            name="pools",
            field=models.JSONField(default=None, null=True),
        ),
    ]
