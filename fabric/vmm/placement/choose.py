"""Choose the host of a machine: hard limits first, then a rating by the cloud's strategy."""

from __future__ import annotations

from collections.abc import Iterable

from fabric.vmm.models import Host, VirtualMachine
from fabric.vmm.placement import old
from fabric.vmm.placement.rating import Rating


def place(
    machine: VirtualMachine,
    *,
    among: Iterable[Host] | None = None,
    exclude: Iterable[Host] = (),
    needs_slot: bool = False,
) -> Host:
    """Take room for a machine and its disks on the best host; writes machine.host and volumes.

    The host has `rating`. Raises NoSuitableHost, or NoFreeSlot when all that fit are busy.
    """
    return old.place(machine)


def rate(
    machine: VirtualMachine,
    *,
    among: Iterable[Host] | None = None,
    exclude: Iterable[Host] = (),
) -> list[Rating]:
    """Return every host of the machine's cloud, the best first, with reasons; takes nothing."""
    raise NotImplementedError
