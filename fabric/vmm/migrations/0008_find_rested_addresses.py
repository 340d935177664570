from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vmm", "0007_the_line"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="addresslease",
            index=models.Index(
                condition=models.Q(adapter=None),
                fields=["pool", "rests_until"],
                name="vmm_addresslease_resting",
            ),
        ),
    ]
