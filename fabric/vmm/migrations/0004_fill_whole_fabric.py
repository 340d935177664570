"""Give what is there its volumes, subnets and images."""

from django.db import migrations


def fill(apps, schema_editor):
    model = apps.get_model
    for host in model("vmm", "Host").objects.all():
        volume = model("vmm", "StorageVolume").objects.create(
            host=host, name="data", capacity_gb=host.storage_gb, used_gb=host.used_storage_gb
        )
        model("vmm", "DiskDrive").objects.filter(machine__host=host).update(volume=volume)
    for drive in model("vmm", "DiskDrive").objects.exclude(source=None).select_related("source"):
        drive.image = drive.source.source_image
        drive.save(update_fields=["image"])
    for pool in model("vmm", "AddressPool").objects.all():
        pool.subnet, _ = model("vmm", "VMSubnet").objects.get_or_create(
            network_id=pool.network_id, cidr=pool.cidr, defaults={"name": pool.name}
        )
        pool.save(update_fields=["subnet"])


class Migration(migrations.Migration):
    dependencies = [("vmm", "0003_whole_fabric")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
