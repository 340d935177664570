"""Machines whose host did not answer get their status back once it does."""

from __future__ import annotations

import logging
import uuid

from django.db import transaction

from fabric.durable.states import LIVE
from fabric.hypervisors.base import Power
from fabric.hypervisors.errors import DriverFault
from fabric.vmm.drivers import open_driver
from fabric.vmm.jobs.hosts import note_of
from fabric.vmm.jobs.move import settle, where_is
from fabric.vmm.jobs.operate import STATUS_OF_POWER
from fabric.vmm.models import Host, Job, VirtualMachine
from fabric.vmm.states import MachineStatus

log = logging.getLogger(__name__)


def heal() -> int:
    """Ask each silent host once where its guests stand; return how many machines are well again.

    A machine that an operation took up meanwhile is left alone, and so is one the host does not
    name: that it is gone is for a refresh to say. One that was being moved may be on either host.
    """
    silent = VirtualMachine.objects.filter(status=MachineStatus.HOST_NOT_RESPONDING)
    still = silent.filter(moving_to=None)
    healed = 0
    for host in Host.objects.filter(pk__in=still.values("host")):
        try:
            guests = open_driver(host.hypervisor, host.name).guests()
        except DriverFault:
            continue
        except Exception:
            _note_broken(host)
            continue
        for guest in guests:
            status = STATUS_OF_POWER.get(guest.power)
            if status is not None:
                healed += still.filter(pk=guest.id, host=host).update(status=status)
    moving = silent.exclude(moving_to=None).select_related("host", "moving_to")
    return healed + sum(_settle(machine) for machine in moving)


def _note_broken(host: Host) -> None:
    """Note that a driver broke: it costs the others nothing."""
    log.exception("host %s was not asked, reference %s", host.name, uuid.uuid4().hex[:8])


def _settle(machine: VirtualMachine) -> bool:
    """Ask both hosts of a move that failed, and count the machine where it is."""
    if machine.host is None or machine.moving_to is None:
        return False
    try:
        found = where_is(note_of(machine.host), note_of(machine.moving_to), machine.pk)
    except DriverFault:
        return False
    except Exception:
        _note_broken(machine.host)
        return False
    if found is None or not found["found"]:
        return False
    with transaction.atomic():
        held = VirtualMachine.objects.select_for_update(no_key=True).get(pk=machine.pk)
        is_same = (held.status, held.moving_to_id) == (machine.status, machine.moving_to_id)
        if not is_same or Job.objects.filter(subject=held.pk, state__in=LIVE).exists():
            return False
        settle(held, found["found"])
        VirtualMachine.objects.filter(pk=held.pk).update(
            status=STATUS_OF_POWER[Power(found["power"])],
            hypervisor_id=found["hypervisor_id"],
            failed_job_id=None,
        )
    return True
