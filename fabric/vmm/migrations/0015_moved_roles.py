"""Metering: a role that moves waits for machines that are just being made in it, or changed.

Else such a machine stayed with the subscription before, or the move met an allocation that it had
not seen.
"""

from __future__ import annotations

from django.db import migrations

FAMILY = """
CREATE OR REPLACE FUNCTION vmm_note_family() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz;
BEGIN
    -- Who notes a machine reads its role after its own lock: before this one, or when it is over.
    LOCK TABLE vmm_allocation IN {mode} MODE;
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
"""


class Migration(migrations.Migration):
    dependencies = [("vmm", "0014_metering")]

    operations = [
        migrations.RunSQL(
            FAMILY.format(mode="SHARE ROW EXCLUSIVE"), FAMILY.format(mode="ROW EXCLUSIVE")
        )
    ]
