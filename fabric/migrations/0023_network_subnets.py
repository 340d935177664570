from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fabric", "0022_ended_jobs"),
    ]

    operations = [
        migrations.AddField(
            model_name="network",
            name="subnets",
            field=models.JSONField(default=list),
        ),
    ]
