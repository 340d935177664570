"""What VMM works on: a machine, a job and a difference, on a server of their own."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from fabric.vmm.models import Drift
from tests.factories.vmm import ADMINISTRATOR, make_fabric, order


def one_of_each_work() -> dict[str, Any]:
    """Return a machine that waits for its deployment, its job, and an open difference."""
    fabric = make_fabric()
    machine, job = order(fabric, ADMINISTRATOR)
    drift = Drift.objects.create(
        server=fabric.server,
        host=fabric.hosts[0],
        machine=machine,
        kind="renamed",
        object_id=machine.pk,
        object_name=machine.name,
        ours={"name": machine.name},
        theirs={"name": "another"},
        seen_at=timezone.now(),
    )
    return {"machine": machine, "job": job, "drift": drift}
