"""All tables of the VMM at once, for who begins; who has some of them goes on step by step.

The steps (0001 to 0015) come to the same, and take several times as long.
"""

import uuid
from importlib import import_module

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models

import fabric.vmm.models.template

metering = import_module("fabric.vmm.migrations.0014_metering")


class Migration(migrations.Migration):
    replaces = [
        ("vmm", "0001_initial"),
        ("vmm", "0002_due_by_database_clock"),
        ("vmm", "0003_whole_fabric"),
        ("vmm", "0004_fill_whole_fabric"),
        ("vmm", "0005_pools_have_subnets"),
        ("vmm", "0006_room_while_moving"),
        ("vmm", "0007_the_line"),
        ("vmm", "0008_find_rested_addresses"),
        ("vmm", "0009_count_computer_names"),
        ("vmm", "0010_long_targets"),
        ("vmm", "0011_server_description"),
        ("vmm", "0012_compared_at"),
        ("vmm", "0013_requests_and_cloud_permissions"),
        ("vmm", "0014_metering"),
        ("vmm", "0015_granted_machines"),
    ]

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="LastCurve",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("machine", models.UUIDField(db_index=True)),
                (
                    "times",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(), size=None
                    ),
                ),
                (
                    "cpu_percent",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                (
                    "memory_mb",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                (
                    "storage_iops",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                (
                    "network_kbps",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Meter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("metered_until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Server",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=255, unique=True)),
                ("description", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("compared_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="UsageRecord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("start_at", models.DateTimeField()),
                (
                    "kind",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "VirtualMachine"), (1, "VirtualNetworkAdapter"), (2, "Cloud")]
                    ),
                ),
                ("resource", models.UUIDField()),
                ("adapter", models.UUIDField(null=True)),
                ("subscription", models.UUIDField()),
                ("subscriber", models.CharField(max_length=320)),
                (
                    "figures",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.FloatField(null=True), size=None
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AdapterPresence",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("adapter", models.UUIDField()),
                ("machine", models.UUIDField(db_index=True)),
                ("from_at", models.DateTimeField()),
                ("until_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("adapter",), name="vmm_adapterpresence_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Allocation",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("machine", models.UUIDField()),
                ("cloud", models.UUIDField()),
                ("subscription", models.UUIDField()),
                ("subscriber", models.CharField(max_length=320)),
                ("cores", models.PositiveIntegerField()),
                ("memory_mb", models.PositiveIntegerField()),
                ("storage_gb", models.PositiveIntegerField()),
                ("from_at", models.DateTimeField()),
                ("until_at", models.DateTimeField(null=True)),
                ("made_in", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("until_at", None)),
                        fields=("machine",),
                        name="vmm_allocation_one_open",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CapabilityProfile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("description", models.TextField(blank=True, default="")),
                (
                    "platform",
                    models.CharField(
                        choices=[("Hyper-V", "Hyper-V"), ("Katal", "Katal")],
                        default="Hyper-V",
                        max_length=10,
                    ),
                ),
                ("least_cores", models.PositiveSmallIntegerField(default=1)),
                ("most_cores", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("least_memory_mb", models.PositiveIntegerField(default=32)),
                ("most_memory_mb", models.PositiveIntegerField(blank=True, null=True)),
                ("most_disks", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("most_disk_gb", models.PositiveIntegerField(blank=True, null=True)),
                ("least_adapters", models.PositiveSmallIntegerField(default=0)),
                ("most_adapters", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("most_dvds", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("may_use_dynamic_memory", models.BooleanField(default=True)),
                ("may_be_highly_available", models.BooleanField(default=True)),
                ("may_have_checkpoints", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="capability_profiles",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("server", "name"), name="vmm_capabilityprofile_name"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LibraryServer",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("description", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="library_servers",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("server", "name"), name="vmm_libraryserver_name"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LogicalNetwork",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("description", models.TextField(blank=True, default="")),
                ("is_virtualized", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="logical_networks",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("server", "name"), name="vmm_logicalnetwork_name"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HostGroup",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("description", models.TextField(blank=True, default="")),
                ("reserved_memory_mb", models.PositiveIntegerField(blank=True, null=True)),
                ("reserved_storage_gb", models.PositiveIntegerField(blank=True, null=True)),
                ("cores_per_core", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("slots", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("placement_rules", models.JSONField(default=list)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="vmm.hostgroup",
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="host_groups",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("server", "name"), name="vmm_hostgroup_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="RunAsAccount",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("description", models.TextField(blank=True, default="")),
                ("domain", models.CharField(blank=True, default="", max_length=255)),
                ("username", models.CharField(max_length=104)),
                ("sealed", models.TextField()),
                ("is_enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("modified_at", models.DateTimeField(auto_now=True)),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="run_as_accounts",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("server", "name"), name="vmm_runasaccount_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="StorageClassification",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("description", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="storage_classifications",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("server", "name"), name="vmm_storageclassification_name"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="VIPTemplate",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("description", models.TextField(blank=True, default="")),
                (
                    "protocol",
                    models.CharField(
                        choices=[
                            ("TCP", "TCP"),
                            ("UDP", "UDP"),
                            ("HTTP", "HTTP"),
                            ("HTTPS", "HTTPS"),
                        ],
                        default="TCP",
                        max_length=5,
                    ),
                ),
                ("port", models.PositiveIntegerField()),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("RoundRobin", "Round robin"),
                            ("LeastConnections", "Least connections"),
                            ("FastestResponseTime", "Fastest response"),
                        ],
                        default="RoundRobin",
                        max_length=20,
                    ),
                ),
                ("is_persistent", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="vip_templates",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("server", "name"), name="vmm_viptemplate_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="Host",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=255, unique=True)),
                ("description", models.TextField(blank=True, default="")),
                ("hypervisor", models.CharField(default="simulated", max_length=20)),
                ("version", models.CharField(blank=True, default="", max_length=60)),
                ("cluster", models.CharField(blank=True, default="", max_length=64)),
                ("tags", models.JSONField(default=list)),
                ("cores", models.PositiveIntegerField()),
                ("memory_mb", models.PositiveIntegerField()),
                ("storage_gb", models.PositiveIntegerField()),
                ("own_reserved_memory_mb", models.PositiveIntegerField(blank=True, null=True)),
                ("own_reserved_storage_gb", models.PositiveIntegerField(blank=True, null=True)),
                ("own_cores_per_core", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("own_slots", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("reserved_memory_mb", models.PositiveIntegerField(default=0)),
                ("reserved_storage_gb", models.PositiveIntegerField(default=0)),
                ("cores_per_core", models.PositiveSmallIntegerField(default=8)),
                ("slots", models.PositiveSmallIntegerField(default=8)),
                ("used_cores", models.PositiveIntegerField(default=0)),
                ("used_memory_mb", models.PositiveIntegerField(default=0)),
                ("used_storage_gb", models.PositiveIntegerField(default=0)),
                ("busy_slots", models.PositiveSmallIntegerField(default=0)),
                ("is_available", models.BooleanField(default=True)),
                ("is_in_maintenance", models.BooleanField(default=False)),
                ("drain_started_at", models.DateTimeField(blank=True, null=True)),
                ("drain_total", models.PositiveIntegerField(default=0)),
                (
                    "health",
                    models.CharField(
                        choices=[
                            ("ok", "Healthy"),
                            ("warning", "Needs attention"),
                            ("unreachable", "Not responding"),
                            ("unknown", "Not checked yet"),
                        ],
                        default="unknown",
                        max_length=12,
                    ),
                ),
                ("health_message", models.TextField(blank=True, default="")),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hosts",
                        to="vmm.hostgroup",
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hosts",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "used_memory_mb__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("memory_mb"), "-", models.F("reserved_memory_mb")
                                ),
                            )
                        ),
                        name="vmm_host_memory_not_overfilled",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "used_storage_gb__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("storage_gb"), "-", models.F("reserved_storage_gb")
                                ),
                            )
                        ),
                        name="vmm_host_storage_not_overfilled",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "used_cores__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("cores"), "*", models.F("cores_per_core")
                                ),
                            )
                        ),
                        name="vmm_host_cores_not_overfilled",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("busy_slots__lte", models.F("slots"))),
                        name="vmm_host_slots_not_overfilled",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LibraryShare",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("path", models.CharField(max_length=255)),
                ("description", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "library_server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="shares",
                        to="vmm.libraryserver",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("library_server", "name"), name="vmm_libraryshare_name"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LoadBalancer",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("description", models.TextField(blank=True, default="")),
                ("address", models.CharField(max_length=255)),
                ("manufacturer", models.CharField(blank=True, default="", max_length=64)),
                ("model", models.CharField(blank=True, default="", max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "host_groups",
                    models.ManyToManyField(
                        blank=True, related_name="load_balancers", to="vmm.hostgroup"
                    ),
                ),
                (
                    "logical_networks",
                    models.ManyToManyField(
                        blank=True, related_name="load_balancers", to="vmm.logicalnetwork"
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="load_balancers",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("server", "name"), name="vmm_loadbalancer_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="NetworkSite",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("vlans", models.JSONField(default=list)),
                (
                    "host_groups",
                    models.ManyToManyField(related_name="network_sites", to="vmm.hostgroup"),
                ),
                (
                    "logical_network",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sites",
                        to="vmm.logicalnetwork",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("logical_network", "name"), name="vmm_networksite_name"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MACPool",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("description", models.TextField(blank=True, default="")),
                ("first", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
                ("cursor", models.BigIntegerField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "host_groups",
                    models.ManyToManyField(
                        blank=True, related_name="mac_pools", to="vmm.hostgroup"
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mac_pools",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("server", "name"), name="vmm_macpool_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="HardwareProfile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("description", models.TextField(blank=True, default="")),
                ("cores", models.PositiveSmallIntegerField()),
                ("memory_mb", models.PositiveIntegerField()),
                ("generation", models.PositiveSmallIntegerField(default=2)),
                ("is_dynamic_memory", models.BooleanField(default=False)),
                ("is_highly_available", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("modified_at", models.DateTimeField(auto_now=True)),
                (
                    "capability_profile",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hardware_profiles",
                        to="vmm.capabilityprofile",
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hardware_profiles",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("server", "name"), name="vmm_hardwareprofile_name"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UserRole",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=320, unique=True)),
                (
                    "profile",
                    models.CharField(
                        choices=[
                            ("Administrator", "Administrator"),
                            ("DelegatedAdmin", "Fabric administrator"),
                            ("ReadOnlyAdmin", "Read-only administrator"),
                            ("TenantAdmin", "Tenant administrator"),
                            ("SelfServiceUser", "Application administrator"),
                        ],
                        max_length=20,
                    ),
                ),
                ("description", models.TextField(blank=True, default="")),
                ("members", models.JSONField(default=list)),
                ("permissions", models.JSONField(default=list)),
                ("most_networks", models.PositiveIntegerField(blank=True, null=True)),
                ("member_most_networks", models.PositiveIntegerField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("modified_at", models.DateTimeField(auto_now=True)),
                (
                    "host_groups",
                    models.ManyToManyField(blank=True, related_name="roles", to="vmm.hostgroup"),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="children",
                        to="vmm.userrole",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LibraryFile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("iso", "ISO image"),
                            ("answer_file", "Answer file"),
                            ("script", "Script"),
                        ],
                        max_length=12,
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("path", models.CharField(blank=True, default="", max_length=255)),
                ("size_mb", models.PositiveIntegerField(default=0)),
                (
                    "os_type",
                    models.CharField(
                        choices=[("Windows", "Windows"), ("Linux", "Linux"), ("Other", "Other")],
                        default="Other",
                        max_length=10,
                    ),
                ),
                ("description", models.TextField(blank=True, default="")),
                ("sealed", models.TextField(blank=True, default="")),
                ("is_enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("modified_at", models.DateTimeField(auto_now=True)),
                (
                    "share",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="vmm.libraryshare",
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="library_files",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("share", "kind", "name"), name="vmm_libraryfile_name"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Cloud",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("description", models.TextField(blank=True, default="")),
                (
                    "strategy",
                    models.CharField(
                        choices=[
                            ("most_free", "Most free memory"),
                            ("balanced", "Balanced"),
                            ("packed", "Packed"),
                        ],
                        default="most_free",
                        max_length=10,
                    ),
                ),
                ("machines", models.PositiveIntegerField(blank=True, null=True)),
                ("cores", models.PositiveIntegerField(blank=True, null=True)),
                ("memory_mb", models.PositiveIntegerField(blank=True, null=True)),
                ("storage_gb", models.PositiveIntegerField(blank=True, null=True)),
                ("points", models.PositiveIntegerField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("modified_at", models.DateTimeField(auto_now=True)),
                (
                    "capability_profiles",
                    models.ManyToManyField(
                        blank=True, related_name="clouds", to="vmm.capabilityprofile"
                    ),
                ),
                ("host_groups", models.ManyToManyField(related_name="clouds", to="vmm.hostgroup")),
                (
                    "library_shares",
                    models.ManyToManyField(
                        blank=True, related_name="clouds", to="vmm.libraryshare"
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clouds_storing",
                        to="vmm.libraryshare",
                    ),
                ),
                (
                    "load_balancers",
                    models.ManyToManyField(
                        blank=True, related_name="clouds", to="vmm.loadbalancer"
                    ),
                ),
                (
                    "logical_networks",
                    models.ManyToManyField(related_name="clouds", to="vmm.logicalnetwork"),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clouds",
                        to="vmm.server",
                    ),
                ),
                (
                    "classifications",
                    models.ManyToManyField(
                        blank=True, related_name="clouds", to="vmm.storageclassification"
                    ),
                ),
                (
                    "vip_templates",
                    models.ManyToManyField(blank=True, related_name="clouds", to="vmm.viptemplate"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("server", "name"), name="vmm_cloud_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="StorageVolume",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("capacity_gb", models.PositiveIntegerField()),
                ("used_gb", models.PositiveIntegerField(default=0)),
                ("is_available", models.BooleanField(default=True)),
                (
                    "classification",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="volumes",
                        to="vmm.storageclassification",
                    ),
                ),
                (
                    "host",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="volumes",
                        to="vmm.host",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("host", "name"), name="vmm_storagevolume_name"),
                    models.CheckConstraint(
                        condition=models.Q(("used_gb__lte", models.F("capacity_gb"))),
                        name="vmm_storagevolume_not_overfilled",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RoleResource",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("VMTemplate", "VM template"),
                            ("HardwareProfile", "Hardware profile"),
                            ("VMNetwork", "VM network"),
                            ("GuestOSProfile", "guest operating system profile"),
                            ("VirtualHardDisk", "virtual hard disk"),
                            ("RunAsAccount", "run-as account"),
                            ("VirtualMachine", "virtual machine"),
                            ("ISO", "ISO image"),
                        ],
                        max_length=20,
                    ),
                ),
                ("resource_id", models.UUIDField()),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="resources",
                        to="vmm.userrole",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["resource_id", "kind"], name="vmm_roleresource_holders")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("role", "kind", "resource_id"), name="vmm_roleresource_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AffinitySet",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                (
                    "kind",
                    models.CharField(
                        choices=[("apart", "Keep apart"), ("together", "Keep together")],
                        default="apart",
                        max_length=8,
                    ),
                ),
                ("is_strict", models.BooleanField(default=True)),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="affinity_sets",
                        to="vmm.server",
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="affinity_sets",
                        to="vmm.userrole",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("server", "role", "name"),
                        name="vmm_affinityset_name",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="VirtualHardDisk",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("size_gb", models.PositiveIntegerField()),
                (
                    "os_type",
                    models.CharField(
                        choices=[("Windows", "Windows"), ("Linux", "Linux"), ("Other", "Other")],
                        default="Other",
                        max_length=10,
                    ),
                ),
                ("os_name", models.CharField(blank=True, default="", max_length=200)),
                ("source_image", models.CharField(max_length=255)),
                ("family", models.CharField(blank=True, default="", max_length=100)),
                ("release", models.CharField(blank=True, default="", max_length=40)),
                ("is_enabled", models.BooleanField(default=True)),
                ("description", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="library_disks",
                        to="vmm.server",
                    ),
                ),
                (
                    "share",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disks",
                        to="vmm.libraryshare",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("server", "name"), name="vmm_virtualharddisk_name"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="VMNetwork",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("owner_name", models.CharField(blank=True, default="", max_length=320)),
                ("name", models.CharField(max_length=64)),
                ("description", models.TextField(blank=True, default="")),
                (
                    "isolation",
                    models.CharField(
                        choices=[
                            ("NoIsolation", "None"),
                            ("WindowsNetworkVirtualization", "Network virtualization"),
                            ("VLANNetwork", "VLAN"),
                            ("External", "External"),
                        ],
                        default="NoIsolation",
                        max_length=40,
                    ),
                ),
                ("vlan", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("modified_at", models.DateTimeField(auto_now=True)),
                (
                    "logical_network",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="vm_networks",
                        to="vmm.logicalnetwork",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="own_networks",
                        to="vmm.userrole",
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="vm_networks",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("server", "name"), name="vmm_vmnetwork_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="GuestProfile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("description", models.TextField(blank=True, default="")),
                (
                    "os_type",
                    models.CharField(
                        choices=[("Windows", "Windows"), ("Linux", "Linux"), ("Other", "Other")],
                        max_length=10,
                    ),
                ),
                ("computer_name_pattern", models.CharField(blank=True, default="", max_length=63)),
                ("admin_user", models.CharField(blank=True, default="", max_length=104)),
                ("time_zone", models.CharField(blank=True, default="", max_length=64)),
                ("workgroup", models.CharField(blank=True, default="", max_length=64)),
                ("domain", models.CharField(blank=True, default="", max_length=255)),
                ("sealed", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("modified_at", models.DateTimeField(auto_now=True)),
                (
                    "answer_file",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="profiles_answering",
                        to="vmm.libraryfile",
                    ),
                ),
                (
                    "script",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="profiles_running",
                        to="vmm.libraryfile",
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="guest_profiles",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("server", "name"), name="vmm_guestprofile_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="RoleScope",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("permissions", models.JSONField(default=list)),
                ("vm_count", models.PositiveIntegerField(blank=True, null=True)),
                ("cpu_count", models.PositiveIntegerField(blank=True, null=True)),
                ("memory_mb", models.PositiveIntegerField(blank=True, null=True)),
                ("storage_gb", models.PositiveIntegerField(blank=True, null=True)),
                ("points", models.PositiveIntegerField(blank=True, null=True)),
                ("member_vm_count", models.PositiveIntegerField(blank=True, null=True)),
                ("member_cpu_count", models.PositiveIntegerField(blank=True, null=True)),
                ("member_memory_mb", models.PositiveIntegerField(blank=True, null=True)),
                ("member_storage_gb", models.PositiveIntegerField(blank=True, null=True)),
                ("member_points", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "cloud",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="scopes",
                        to="vmm.cloud",
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scopes",
                        to="vmm.userrole",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("role", "cloud"), name="vmm_rolescope_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="VMSubnet",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("cidr", models.CharField(max_length=43)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "network",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subnets",
                        to="vmm.vmnetwork",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("network", "name"), name="vmm_vmsubnet_name"),
                    models.UniqueConstraint(fields=("network", "cidr"), name="vmm_vmsubnet_range"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AddressPool",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("cidr", models.CharField(max_length=43)),
                ("first", models.GenericIPAddressField()),
                ("last", models.GenericIPAddressField()),
                ("size", models.PositiveIntegerField()),
                ("gateway", models.GenericIPAddressField(blank=True, null=True)),
                ("dns", models.JSONField(default=list)),
                ("reserved", models.JSONField(default=list)),
                ("quarantine_minutes", models.PositiveIntegerField(default=10)),
                ("cursor", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="address_pools",
                        to="vmm.server",
                    ),
                ),
                (
                    "network",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pools",
                        to="vmm.vmnetwork",
                    ),
                ),
                (
                    "subnet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pools",
                        to="vmm.vmsubnet",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("network", "name"), name="vmm_addresspool_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="VMTemplate",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("description", models.TextField(blank=True, default="")),
                ("cores", models.PositiveSmallIntegerField()),
                ("memory_mb", models.PositiveIntegerField()),
                ("os_name", models.CharField(max_length=200)),
                (
                    "os_type",
                    models.CharField(
                        choices=[("Windows", "Windows"), ("Linux", "Linux"), ("Other", "Other")],
                        max_length=10,
                    ),
                ),
                ("generation", models.PositiveSmallIntegerField(default=2)),
                ("adapters", models.PositiveSmallIntegerField(default=1)),
                ("computer_name_pattern", models.CharField(blank=True, default="", max_length=63)),
                (
                    "tenant_may_change",
                    models.JSONField(default=fabric.vmm.models.template.may_change_all),
                ),
                ("tags", models.JSONField(default=list)),
                ("is_dynamic_memory", models.BooleanField(default=False)),
                ("is_highly_available", models.BooleanField(default=False)),
                ("is_enabled", models.BooleanField(default=True)),
                ("sealed", models.TextField(blank=True, default="")),
                ("quota_point", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("modified_at", models.DateTimeField(auto_now=True)),
                (
                    "capability_profile",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="templates",
                        to="vmm.capabilityprofile",
                    ),
                ),
                (
                    "classification",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="templates",
                        to="vmm.storageclassification",
                    ),
                ),
                (
                    "cloud",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="templates",
                        to="vmm.cloud",
                    ),
                ),
                (
                    "disk",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="templates",
                        to="vmm.virtualharddisk",
                    ),
                ),
                (
                    "guest_profile",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="templates",
                        to="vmm.guestprofile",
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="templates",
                        to="vmm.server",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("server", "name"), name="vmm_vmtemplate_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="VirtualMachine",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("owner_name", models.CharField(blank=True, default="", max_length=320)),
                ("name", models.CharField(max_length=64)),
                ("computer_name", models.CharField(max_length=63)),
                ("description", models.TextField(blank=True, default="")),
                ("tag", models.CharField(blank=True, default="", max_length=255)),
                ("cost_center", models.CharField(blank=True, default="", max_length=64)),
                (
                    "request_key",
                    models.CharField(blank=True, max_length=100, null=True, unique=True),
                ),
                ("cores", models.PositiveSmallIntegerField()),
                ("memory_mb", models.PositiveIntegerField()),
                ("storage_gb", models.PositiveIntegerField()),
                ("points", models.PositiveIntegerField(default=1)),
                ("is_dynamic_memory", models.BooleanField(default=False)),
                ("is_highly_available", models.BooleanField(default=False)),
                ("os_name", models.CharField(blank=True, default="", max_length=200)),
                (
                    "os_type",
                    models.CharField(
                        choices=[("Windows", "Windows"), ("Linux", "Linux"), ("Other", "Other")],
                        default="Other",
                        max_length=10,
                    ),
                ),
                ("generation", models.PositiveSmallIntegerField(default=2)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("UnderCreation", "Creating..."),
                            ("CreationFailed", "Creation Failed"),
                            ("Running", "Running"),
                            ("PowerOff", "Stopped"),
                            ("Paused", "Paused"),
                            ("Saved", "Saved"),
                            ("Starting", "Starting..."),
                            ("PoweringOff", "Stopping..."),
                            ("Pausing", "Pausing..."),
                            ("Saving", "Saving..."),
                            ("Restoring", "Restoring..."),
                            ("UnderUpdate", "Updating..."),
                            ("UpdateFailed", "Update Failed"),
                            ("UnderMigration", "Migrating..."),
                            ("Storing", "Storing..."),
                            ("Stored", "Stored"),
                            ("CreatingCheckpoint", "Creating checkpoint..."),
                            ("RecoveringCheckpoint", "Restoring checkpoint..."),
                            ("DeletingCheckpoint", "Deleting checkpoint..."),
                            ("Deleting", "Deleting..."),
                            ("HostNotResponding", "Host Not Responding"),
                            ("Missing", "Missing"),
                        ],
                        default="UnderCreation",
                        max_length=24,
                    ),
                ),
                (
                    "start_action",
                    models.CharField(
                        choices=[
                            ("NeverAutoTurnOnVM", "Never turn on"),
                            ("TurnOnVMIfRunningWhenVSStopped", "Turn on if it was running"),
                            ("AlwaysAutoTurnOnVM", "Always turn on"),
                        ],
                        default="NeverAutoTurnOnVM",
                        max_length=40,
                    ),
                ),
                (
                    "stop_action",
                    models.CharField(
                        choices=[
                            ("SaveVM", "Save state"),
                            ("TurnOffVM", "Turn off"),
                            ("ShutdownGuestOS", "Shut down"),
                        ],
                        default="SaveVM",
                        max_length=40,
                    ),
                ),
                ("hypervisor_id", models.UUIDField(blank=True, null=True)),
                ("most_recent_job_id", models.UUIDField(blank=True, null=True)),
                ("failed_job_id", models.UUIDField(blank=True, null=True)),
                ("last_restored_id", models.UUIDField(blank=True, null=True)),
                ("deployment_error", models.JSONField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("modified_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "affinity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="machines",
                        to="vmm.affinityset",
                    ),
                ),
                (
                    "cloud",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="machines_here",
                        to="vmm.cloud",
                    ),
                ),
                (
                    "host",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="machines",
                        to="vmm.host",
                    ),
                ),
                (
                    "moving_to",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="arrivals",
                        to="vmm.host",
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="machines",
                        to="vmm.userrole",
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="machines",
                        to="vmm.server",
                    ),
                ),
                (
                    "stored_on",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stored_machines",
                        to="vmm.libraryshare",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="machines",
                        to="vmm.vmtemplate",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["role", "cloud"],
                        include=("owner_name", "cores", "memory_mb", "storage_gb", "points"),
                        name="vmm_vm_role_usage",
                    ),
                    models.Index(
                        fields=["cloud"],
                        include=("cores", "memory_mb", "storage_gb", "points"),
                        name="vmm_vm_cloud_usage",
                    ),
                    models.Index(
                        fields=["cloud", "computer_name"],
                        name="vmm_vm_computer_name",
                        opclasses=["uuid_ops", "varchar_pattern_ops"],
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TemplateDisk",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("size_gb", models.PositiveIntegerField()),
                ("lun", models.PositiveSmallIntegerField()),
                (
                    "classification",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="template_disks",
                        to="vmm.storageclassification",
                    ),
                ),
                (
                    "disk",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="template_disks",
                        to="vmm.virtualharddisk",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="data_disks",
                        to="vmm.vmtemplate",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("template", "lun"), name="vmm_templatedisk_place"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("lane", models.CharField(blank=True, default="", max_length=64)),
                ("turn", models.BigIntegerField(default=0)),
                ("recipe", models.CharField(max_length=60)),
                ("title", models.CharField(max_length=200)),
                ("subject", models.UUIDField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="waiting",
                        max_length=12,
                    ),
                ),
                ("step", models.CharField(max_length=60)),
                ("attempt", models.PositiveIntegerField(default=0)),
                ("percent", models.PositiveSmallIntegerField(default=0)),
                ("message", models.TextField(blank=True, default="")),
                ("fault", models.JSONField(blank=True, null=True)),
                ("inputs", models.JSONField(default=dict)),
                ("memo", models.JSONField(default=dict)),
                ("steps", models.JSONField(default=list)),
                ("sealed", models.TextField(blank=True, default="")),
                ("remote_ref", models.UUIDField(blank=True, db_index=True, null=True)),
                (
                    "due_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "nudged_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("claim_token", models.BigIntegerField(default=0)),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                ("cancel_requested_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("holds_slot", models.BooleanField(default=False)),
                ("queued_at", models.DateTimeField(blank=True, null=True)),
                ("owner_name", models.CharField(blank=True, default="", max_length=320)),
                ("cmdlet", models.CharField(max_length=60)),
                ("target_type", models.CharField(default="VM", max_length=30)),
                ("target_name", models.CharField(max_length=255)),
                ("request_key", models.CharField(blank=True, max_length=120, null=True)),
                (
                    "host",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="jobs",
                        to="vmm.host",
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="jobs",
                        to="vmm.server",
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="jobs",
                        to="vmm.userrole",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="jobs",
                        to="vmm.vmtemplate",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "running"])),
                        fields=["due_at"],
                        name="vmm_job_due",
                    ),
                    models.Index(fields=["subject", "-created_at"], name="vmm_job_subj"),
                    models.Index(
                        condition=models.Q(("started_at__isnull", True), ("state", "waiting")),
                        fields=["turn", "created_at"],
                        name="vmm_job_line",
                    ),
                    models.Index(
                        condition=models.Q(("started_at__isnull", True), ("state", "waiting")),
                        fields=["lane", "turn"],
                        name="vmm_job_lane",
                    ),
                    models.Index(fields=["role", "-created_at"], name="vmm_job_role"),
                    models.Index(fields=["server", "-created_at"], name="vmm_job_latest"),
                    models.Index(fields=["host", "-created_at"], name="vmm_job_host"),
                    models.Index(
                        condition=models.Q(("queued_at__isnull", False)),
                        fields=["turn"],
                        name="vmm_job_queue",
                    ),
                    models.Index(
                        condition=models.Q(("queued_at__isnull", False)),
                        fields=["lane", "turn"],
                        name="vmm_job_queue_lane",
                    ),
                    models.Index(
                        condition=models.Q(("holds_slot", True)),
                        fields=["turn"],
                        name="vmm_job_holding",
                    ),
                    models.Index(
                        condition=models.Q(("state", "succeeded")),
                        fields=["template", "-ended_at"],
                        include=("host", "started_at"),
                        name="vmm_job_times",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["waiting", "running"])),
                        fields=("subject",),
                        name="vmm_job_one_live",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("request_key__isnull", False)),
                        fields=("request_key",),
                        name="vmm_job_request_key",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="NetworkAdapter",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("slot", models.PositiveSmallIntegerField(default=0)),
                ("mac", models.CharField(blank=True, max_length=17, null=True, unique=True)),
                (
                    "mac_type",
                    models.CharField(
                        choices=[("Dynamic", "Dynamic"), ("Static", "Static")],
                        default="Static",
                        max_length=8,
                    ),
                ),
                (
                    "ipv4_type",
                    models.CharField(
                        choices=[("Dynamic", "Dynamic"), ("Static", "Static")],
                        default="Dynamic",
                        max_length=8,
                    ),
                ),
                (
                    "ipv6_type",
                    models.CharField(
                        choices=[("Dynamic", "Dynamic"), ("Static", "Static")],
                        default="Dynamic",
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "machine",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="adapters",
                        to="vmm.virtualmachine",
                    ),
                ),
                (
                    "network",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adapters",
                        to="vmm.vmnetwork",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("machine", "slot"), name="vmm_networkadapter_slot"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Performance",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "frame",
                    models.CharField(
                        choices=[("hour", "Hour"), ("day", "Day"), ("month", "Month")], max_length=5
                    ),
                ),
                (
                    "times",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(), size=None
                    ),
                ),
                (
                    "cpu_percent",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                (
                    "memory_mb",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                (
                    "storage_iops",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                (
                    "network_kbps",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                ("weight", models.PositiveIntegerField(default=1)),
                (
                    "machine",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="performance",
                        to="vmm.virtualmachine",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("machine", "frame"), name="vmm_performance_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DVDDrive",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("bus", models.PositiveSmallIntegerField(default=0)),
                ("lun", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "iso",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="drives",
                        to="vmm.libraryfile",
                    ),
                ),
                (
                    "machine",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="dvds",
                        to="vmm.virtualmachine",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("machine", "bus", "lun"), name="vmm_dvddrive_place"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Drift",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("unknown_machine", "Unknown machine"),
                            ("missing_machine", "Missing machine"),
                            ("moved", "Moved"),
                            ("resized", "Resized"),
                            ("renamed", "Renamed"),
                            ("orphan_disk", "Orphan disk"),
                            ("missing_disk", "Missing disk"),
                        ],
                        max_length=16,
                    ),
                ),
                ("object_id", models.UUIDField()),
                ("object_name", models.CharField(blank=True, default="", max_length=255)),
                ("ours", models.JSONField(default=dict)),
                ("theirs", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("ignored", "Ignored"), ("settled", "Settled")],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("settled_by", models.CharField(blank=True, default="", max_length=320)),
                ("settled_how", models.CharField(blank=True, default="", max_length=10)),
                ("message", models.TextField(blank=True, default="")),
                ("found_at", models.DateTimeField(auto_now_add=True)),
                ("seen_at", models.DateTimeField()),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "host",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drifts",
                        to="vmm.host",
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="drifts",
                        to="vmm.server",
                    ),
                ),
                (
                    "machine",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drifts",
                        to="vmm.virtualmachine",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["server", "state", "-found_at"], name="vmm_drift_list")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["open", "ignored"])),
                        fields=("kind", "object_id", "host"),
                        name="vmm_drift_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DiskDrive",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("image", models.CharField(blank=True, max_length=255, null=True)),
                ("stored_image", models.CharField(blank=True, default="", max_length=255)),
                ("size_gb", models.PositiveIntegerField()),
                ("bus_type", models.CharField(default="SCSI", max_length=4)),
                ("bus", models.PositiveSmallIntegerField(default=0)),
                ("lun", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "classification",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="drives",
                        to="vmm.storageclassification",
                    ),
                ),
                (
                    "moving_to",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="arrivals",
                        to="vmm.storagevolume",
                    ),
                ),
                (
                    "volume",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="drives",
                        to="vmm.storagevolume",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="drives",
                        to="vmm.virtualharddisk",
                    ),
                ),
                (
                    "machine",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="disks",
                        to="vmm.virtualmachine",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("machine", "bus_type", "bus", "lun"), name="vmm_diskdrive_place"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("description", models.TextField(blank=True, default="")),
                ("cores", models.PositiveSmallIntegerField()),
                ("memory_mb", models.PositiveIntegerField()),
                ("power", models.CharField(blank=True, default="", max_length=10)),
                ("is_complete", models.BooleanField(default=False)),
                ("is_current", models.BooleanField(default=False)),
                ("owner_name", models.CharField(blank=True, default="", max_length=320)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="children",
                        to="vmm.checkpoint",
                    ),
                ),
                (
                    "machine",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="checkpoints",
                        to="vmm.virtualmachine",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_current", True)),
                        fields=("machine",),
                        name="vmm_checkpoint_one_current",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AddressLease",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("address", models.GenericIPAddressField()),
                ("rests_until", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "pool",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="leases",
                        to="vmm.addresspool",
                    ),
                ),
                (
                    "adapter",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="leases",
                        to="vmm.networkadapter",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("adapter", None)),
                        fields=["pool", "rests_until"],
                        name="vmm_addresslease_resting",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("pool", "address"), name="vmm_addresslease_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(metering.TRIGGERS, metering.GONE),
    ]
