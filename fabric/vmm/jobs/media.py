"""Put an ISO image into a machine's DVD drive, or take it out.

`inputs` hold `iso`, the library file (null to take it out), and `image`, what the host calls it.
Nothing is held while it is under way, so a job that failed may always be resumed.
"""

from __future__ import annotations

from typing import Any

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Turn
from fabric.hypervisors.base import GuestState
from fabric.vmm import roles
from fabric.vmm.jobs import truth
from fabric.vmm.jobs.faults import step
from fabric.vmm.jobs.hosts import driver
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import DVDDrive, LibraryFile
from fabric.vmm.states import MachineStatus


def ensure_media(turn: Turn) -> Again | None:
    """Have the host change the disc, and look whether it did."""
    image = turn.job.inputs["image"]
    driver(turn).ensure_media(turn.job.subject, image)
    if truth.seen(turn).media != image:
        return truth.not_yet("The drive does not hold what it should; changing it again.")
    return None


def ensure_written(turn: Turn) -> None:
    """Write what the drive holds."""
    if not _is_in_library(turn):
        raise Fault("The ISO image was removed from the library meanwhile.", code="missing")
    _write_media(turn)
    truth.succeeded(turn)


def failed(turn: Turn, fault: Fault) -> None:
    """Believe the host, which may have done what it would not say."""
    found = turn.memo.get("found") or {}
    if found.get("image") == turn.job.inputs["image"] and _is_in_library(turn):
        _write_media(turn)
    truth.failed(turn, fault)


def _write_media(turn: Turn) -> None:
    iso = turn.job.inputs["iso"]
    drives = DVDDrive.objects.filter(machine=turn.job.subject)
    if iso is not None and not drives.exists():
        DVDDrive.objects.create(machine_id=turn.job.subject, iso_id=iso)
    drives.update(iso=iso)


def _is_in_library(turn: Turn) -> bool:
    iso = turn.job.inputs["iso"]
    return iso is None or LibraryFile.objects.filter(pk=iso).exists()


def _ask(turn: Turn, guest: GuestState) -> dict[str, Any]:
    return {"image": guest.media}


def _recipe(name: str, title: str, words: str) -> Recipe:
    return Recipe(
        name,
        title,
        (
            truth.asking("ensure_media", words, ensure_media, _ask, share=40),
            step("ensure_written", "Finish", ensure_written, local=True, share=5),
        ),
        failed=failed,
    )


INSERT = _recipe("insert_media", "Insert ISO image", "Put the image into the DVD drive")
EJECT = _recipe("eject_media", "Eject ISO image", "Take the image out of the DVD drive")

WORKS = tuple(
    Work(
        recipe,
        "Set-SCVirtualDVDDrive",
        any_of=roles.CHANGE,
        busy=MachineStatus.UNDER_UPDATE,
    )
    for recipe in (INSERT, EJECT)
)
