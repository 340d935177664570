"""Machines whose host did not answer get their status back once it does."""

from __future__ import annotations

from django.db.models.functions import Now

from fabric.hypervisors.errors import DriverFault
from fabric.vmm.drivers import open_driver
from fabric.vmm.jobs.operate import STATUS_OF_POWER
from fabric.vmm.models import Host, VirtualMachine
from fabric.vmm.states import MachineStatus


def heal() -> int:
    """Ask each silent host once where its guests stand; return how many machines are well again.

    A machine that an operation took up meanwhile is left alone, and so is one the host does not
    name: that it is gone is for a refresh to say.
    """
    silent = VirtualMachine.objects.filter(status=MachineStatus.HOST_NOT_RESPONDING)
    healed = 0
    for host in Host.objects.filter(pk__in=silent.values("host")):
        try:
            guests = open_driver(host.hypervisor, host.name).guests()
        except DriverFault:
            continue
        for guest in guests:
            status = STATUS_OF_POWER.get(guest.power)
            if status is not None:
                healed += silent.filter(pk=guest.id, host=host).update(
                    status=status, modified_at=Now()
                )
    return healed
