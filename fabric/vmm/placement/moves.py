"""Room while something moves: held at both ends, until it is settled or given back."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from fabric.vmm.models import DiskDrive, Host, StorageVolume, VirtualMachine


def reserve_on(machine: VirtualMachine, host: Host) -> dict[UUID, StorageVolume]:
    """Take room for a placed machine on another host as well; return the volume of each disk.

    Writes machine.moving_to and drive.moving_to; the same again returns the same. All limits of
    `place` hold; NoSuitableHost says which is broken.
    """
    raise NotImplementedError


def reserve_best(
    machine: VirtualMachine,
    *,
    among: Iterable[Host] | None = None,
    exclude: Iterable[Host] = (),
) -> tuple[Host, dict[UUID, StorageVolume]]:
    """Do `reserve_on` with the best other host, which has `rating`; once chosen it stays."""
    raise NotImplementedError


def settle_move(machine: VirtualMachine) -> None:
    """Write that the machine is on machine.moving_to, and give back what it held before.

    Nothing when it is not moving, so it may be repeated.
    """
    raise NotImplementedError


def give_back(machine: VirtualMachine) -> None:
    """Give back what is held on machine.moving_to: it stays where it is. May be repeated."""
    raise NotImplementedError


def move_disk(drive: DiskDrive, volume: StorageVolume) -> None:
    """Take room for a disk on another volume of its host as well; writes drive.moving_to."""
    raise NotImplementedError


def settle_disk(drive: DiskDrive) -> None:
    """Write that the disk is on drive.moving_to, and give the old place back. May be repeated."""
    raise NotImplementedError


def give_back_disk(drive: DiskDrive) -> None:
    """Give back what is held on drive.moving_to: the disk stays. May be repeated."""
    raise NotImplementedError
