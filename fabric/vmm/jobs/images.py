"""Copies of a machine's disks in the library: made, proved, and dropped when of no more use.

A job's `images` are dicts of disk and image. The name of an image holds the job's id, so that a
copy left by an earlier job, and by now out of date, is never taken for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from fabric.durable.recipe import Again
from fabric.hypervisors.base import Hypervisor, Outcome
from fabric.vmm.jobs.faults import again
from fabric.vmm.models import DiskDrive

# What hosts know an image made of a disk by.
PREFIX = "store:"
Image = Mapping[str, str]
Copy = Callable[[UUID, str], Outcome]


def name_of(job_id: UUID, drive: DiskDrive) -> str:
    """Return what the copy of a disk is called that a job makes."""
    return f"{PREFIX}{job_id}:{drive.pk}"


def ensure_made(
    host: Hypervisor, images: Iterable[Image], copy: Copy | None = None
) -> Again | None:
    """Have the host copy the disks into the library, and look whether the copies are there.

    They are copied as they are now, or as `copy` does it.
    """
    wanted = list(images)
    for each in wanted:
        waiting = again((copy or host.ensure_image)(UUID(each["disk"]), each["image"]))
        if waiting is not None:
            return waiting
    if {each["image"] for each in wanted} - set(host.images()):
        return Again(1.0, message="The library has no copy yet; copying again.")
    return None


def ensure_dropped(host: Hypervisor, names: Iterable[str]) -> Again | None:
    """Have the copies removed from the library, and look whether they are gone."""
    wanted = set(names)
    if not wanted:
        return None
    for name in sorted(wanted):
        host.ensure_image_removed(name)
    if wanted & set(host.images()):
        return Again(1.0, message="The library still has a copy; removing it again.")
    return None
