"""Metering: its tables, the triggers that fill them, and the machines there are."""

from __future__ import annotations

import django.contrib.postgres.fields
from django.db import migrations, models

TRIGGERS = """
CREATE FUNCTION vmm_note_allocation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz;
    this bigint := pg_current_xact_id()::text::bigint;
BEGIN
    -- First the lock, then the time: who meters waits for all that noted a time before.
    LOCK TABLE vmm_allocation IN ROW EXCLUSIVE MODE;
    moment := clock_timestamp();
    IF TG_OP <> 'INSERT' THEN
        -- What this very transaction made was never seen.
        DELETE FROM vmm_allocation
        WHERE machine = OLD.id AND until_at IS NULL AND made_in = this
        RETURNING from_at INTO moment;
        IF NOT FOUND THEN
            moment := clock_timestamp();
            UPDATE vmm_allocation SET until_at = greatest(moment, from_at)
            WHERE machine = OLD.id AND until_at IS NULL;
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO vmm_allocation (machine, cloud, subscription, subscriber,
            cores, memory_mb, storage_gb, from_at, made_in)
        SELECT NEW.id, NEW.cloud_id, coalesce(role.parent_id, role.id),
            coalesce(role.members->>0, role.name),
            NEW.cores, NEW.memory_mb, NEW.storage_gb, moment, this
        FROM vmm_userrole AS role WHERE role.id = NEW.role_id;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER vmm_allocation_begins AFTER INSERT ON vmm_virtualmachine
FOR EACH ROW EXECUTE FUNCTION vmm_note_allocation();

CREATE TRIGGER vmm_allocation_changes AFTER UPDATE ON vmm_virtualmachine
FOR EACH ROW WHEN (
    (OLD.cores, OLD.memory_mb, OLD.storage_gb, OLD.role_id, OLD.cloud_id)
    IS DISTINCT FROM (NEW.cores, NEW.memory_mb, NEW.storage_gb, NEW.role_id, NEW.cloud_id)
) EXECUTE FUNCTION vmm_note_allocation();

CREATE TRIGGER vmm_allocation_ends AFTER DELETE ON vmm_virtualmachine
FOR EACH ROW EXECUTE FUNCTION vmm_note_allocation();

-- A role that comes into another, or leaves it, takes its machines to another subscription.
CREATE FUNCTION vmm_note_family() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz;
BEGIN
    -- Who notes a machine reads its role after its own lock: before this one, or when it is over.
    LOCK TABLE vmm_allocation IN SHARE ROW EXCLUSIVE MODE;
    moment := clock_timestamp();
    UPDATE vmm_allocation AS held SET until_at = greatest(moment, held.from_at)
    FROM vmm_virtualmachine AS vm
    WHERE vm.role_id = NEW.id AND held.machine = vm.id AND held.until_at IS NULL;
    INSERT INTO vmm_allocation (machine, cloud, subscription, subscriber,
        cores, memory_mb, storage_gb, from_at, made_in)
    SELECT vm.id, vm.cloud_id, coalesce(NEW.parent_id, NEW.id),
        coalesce(NEW.members->>0, NEW.name), vm.cores, vm.memory_mb, vm.storage_gb, moment,
        pg_current_xact_id()::text::bigint
    FROM vmm_virtualmachine AS vm WHERE vm.role_id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER vmm_allocation_moves AFTER UPDATE ON vmm_userrole
FOR EACH ROW WHEN (OLD.parent_id IS DISTINCT FROM NEW.parent_id)
EXECUTE FUNCTION vmm_note_family();

CREATE FUNCTION vmm_note_adapter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE vmm_adapterpresence IN ROW EXCLUSIVE MODE;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO vmm_adapterpresence (adapter, machine, from_at)
        VALUES (NEW.id, NEW.machine_id, clock_timestamp());
    ELSE
        UPDATE vmm_adapterpresence SET until_at = greatest(clock_timestamp(), from_at)
        WHERE adapter = OLD.id;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER vmm_adapter_comes_or_goes AFTER INSERT OR DELETE ON vmm_networkadapter
FOR EACH ROW EXECUTE FUNCTION vmm_note_adapter();

CREATE FUNCTION vmm_keep_curve() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO vmm_lastcurve
        (machine, times, cpu_percent, memory_mb, storage_iops, network_kbps)
    VALUES (OLD.machine_id, OLD.times, OLD.cpu_percent, OLD.memory_mb, OLD.storage_iops,
        OLD.network_kbps);
    RETURN NULL;
END $$;

CREATE TRIGGER vmm_curve_ends AFTER DELETE ON vmm_performance
FOR EACH ROW WHEN (OLD.frame = 'hour') EXECUTE FUNCTION vmm_keep_curve();

-- What is there already is metered from the hour that runs.
INSERT INTO vmm_allocation (machine, cloud, subscription, subscriber,
    cores, memory_mb, storage_gb, from_at, made_in)
SELECT vm.id, vm.cloud_id, coalesce(role.parent_id, role.id),
    coalesce(role.members->>0, role.name), vm.cores, vm.memory_mb, vm.storage_gb,
    greatest(vm.created_at, date_trunc('hour', now())), 0
FROM vmm_virtualmachine AS vm JOIN vmm_userrole AS role ON role.id = vm.role_id;

INSERT INTO vmm_adapterpresence (adapter, machine, from_at)
SELECT id, machine_id, greatest(created_at, date_trunc('hour', now())) FROM vmm_networkadapter;
"""

GONE = """
DROP TRIGGER vmm_curve_ends ON vmm_performance;
DROP TRIGGER vmm_adapter_comes_or_goes ON vmm_networkadapter;
DROP TRIGGER vmm_allocation_ends ON vmm_virtualmachine;
DROP TRIGGER vmm_allocation_changes ON vmm_virtualmachine;
DROP TRIGGER vmm_allocation_begins ON vmm_virtualmachine;
DROP TRIGGER vmm_allocation_moves ON vmm_userrole;
DROP FUNCTION vmm_keep_curve();
DROP FUNCTION vmm_note_family();
DROP FUNCTION vmm_note_adapter();
DROP FUNCTION vmm_note_allocation();
"""


def _numbers() -> models.Field:
    return django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)


class Migration(migrations.Migration):
    dependencies = [("vmm", "0013_requests_and_cloud_permissions")]

    operations = [
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
                ("cpu_percent", _numbers()),
                ("memory_mb", _numbers()),
                ("storage_iops", _numbers()),
                ("network_kbps", _numbers()),
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
        migrations.RunSQL(TRIGGERS, GONE),
    ]
