"""Test whether a template deploys to a cloud."""

from __future__ import annotations

import uuid

from django.db import transaction

from fabric.durable import engine
from fabric.vmm import roles, wake
from fabric.vmm.actions import fields
from fabric.vmm.errors import Invalid
from fabric.vmm.jobs import WORKS
from fabric.vmm.jobs.trial import TRIAL
from fabric.vmm.models import Cloud, Job, VMNetwork, VMTemplate
from fabric.vmm.roles import Caller


@transaction.atomic
def begin(
    caller: Caller, *, template: VMTemplate, cloud: Cloud, network: VMNetwork | None = None
) -> Job:
    """Deploy a machine of the template to the cloud, and remove it; the job's memo reports.

    The machine is nobody's and counts against no user role, but needs its room.
    """
    roles.require_fabric(caller)
    fields.require_server(cloud.server, [template], "template")
    if template.cloud_id not in (None, cloud.pk):
        raise Invalid(
            f"The template {template.name} is not for the cloud {cloud.name}.", field="template"
        )
    if (
        network is not None
        and not cloud.logical_networks.filter(pk=network.logical_network_id).exists()
    ):
        raise Invalid(
            f"The VM network {network.name} is not in the cloud {cloud.name}.", field="network"
        )
    id = uuid.uuid4()
    job = engine.start(
        Job,
        TRIAL,
        id=id,
        subject=id,
        inputs={
            "template": str(template.pk),
            "cloud": str(cloud.pk),
            "network": str(network.pk) if network is not None else None,
            "name": f"trial-{id.hex[:4]}",
        },
        server_id=cloud.server_id,
        owner_name=caller.principal,
        cmdlet=WORKS[TRIAL.name].cmdlet,
        target_type="VMTemplate",
        target_name=template.name,
    )
    wake.begin_on_commit()
    return job
