"""Move machines between hosts."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from fabric.hypervisors.base import Capability
from fabric.vmm import placement, roles
from fabric.vmm.actions import held, jobs
from fabric.vmm.drivers import open_driver
from fabric.vmm.errors import Conflict, WrongState
from fabric.vmm.jobs.deploy import told
from fabric.vmm.jobs.hosts import note_host
from fabric.vmm.jobs.move import MOVE
from fabric.vmm.models import Host, Job, VirtualMachine
from fabric.vmm.roles import Caller
from fabric.vmm.states import MachineStatus

_LIVE = frozenset({MachineStatus.RUNNING, MachineStatus.PAUSED})


@transaction.atomic
def move(caller: Caller, machine: VirtualMachine, *, host: Host | None = None) -> Job:
    """Move a machine to another host of its cloud, live when it runs; without one to the best.

    Choosing the host is for those who run both. NoSuitableHost says why it cannot go there.
    """
    row = held.held(caller, machine)
    if host is None:
        roles.require_all(caller, "MigrateVM", clouds=[row.cloud_id])
    else:
        groups = [host.group_id, *([row.host.group_id] if row.host is not None else [])]
        roles.require_fabric(caller, groups)
    live = jobs.live_job(row)
    if live is not None and live.recipe == MOVE.name:
        return live
    held.require_idle(row, live)
    against = obstacle(row)
    if against:
        raise WrongState(against)
    if host is not None:
        if host.pk == row.host_id:
            raise Conflict(f"The machine {row.name} is on {host.name} already.", field="host")
        host, _ = placement.reserve_best(row, among=[host])
    return begin(caller, row, host)


def begin(caller: Caller, machine: VirtualMachine, host: Host | None = None) -> Job:
    """Begin the move of a held machine that nothing is against; its job takes the room."""
    inputs: dict[str, Any] = {"before": machine.status, "target": None}
    note_host(inputs, machine.host)
    if host is not None:
        inputs["target"] = str(host.pk)
        inputs["placement"] = told(host.rating) if host.rating is not None else None
    return held.begin(caller, machine, MOVE, inputs=inputs, status=MachineStatus.UNDER_MIGRATION)


def obstacle(machine: VirtualMachine) -> str:
    """Return why a machine cannot be moved where it stands, "" when it can."""
    if machine.host is None or machine.status not in held.SETTLED:
        return f"The machine {machine.name} is {machine.status_string}: it cannot be moved."
    if machine.failed_job_id is not None and machine.moving_to_id is not None:
        return f"An earlier move of {machine.name} has to be repaired first."
    driver = open_driver(machine.host.hypervisor, machine.host.name)
    if machine.status in _LIVE and Capability.LIVE_MOVE not in driver.capabilities:
        return f"Its host cannot move {machine.name} while it runs: stop it first."
    return ""
