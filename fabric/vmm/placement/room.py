"""What machines and disks hold on hosts and volumes. The host's row is the lock."""

from __future__ import annotations

from fabric.vmm.models import DiskDrive, Host, StorageVolume, VirtualMachine
from fabric.vmm.placement.old import release, resize

__all__ = ["grow_disk", "release", "release_disk", "resize", "take_disk"]


def take_disk(
    host: Host, drive: DiskDrive, *, volume: StorageVolume | None = None
) -> StorageVolume:
    """Take room for a disk on a volume that fits it (or on this one); writes drive.volume."""
    raise NotImplementedError


def release_disk(drive: DiskDrive) -> None:
    """Give back what a disk holds; writes drive.volume. Nothing when it holds nothing."""
    raise NotImplementedError


def grow_disk(drive: DiskDrive, size_gb: int) -> None:
    """Count another size of a disk; writes drive.size_gb. Smaller gives room back."""
    raise NotImplementedError
