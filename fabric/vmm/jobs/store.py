"""Store a machine in the library, and deploy it from there; and find the way back from either.

A stored machine is copies of its disks (`stored_image` of each drive) and its rows: it keeps its
addresses and MACs, and has no host. The host lets go of it only once every copy is proved.
"""

from __future__ import annotations

from typing import Any

from django.db.models import F

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Step, Turn
from fabric.vmm import placement, slots
from fabric.vmm.jobs import deploy, leaving, truth
from fabric.vmm.jobs.faults import step
from fabric.vmm.jobs.hosts import driver, locked, on_any_host, status_after, write
from fabric.vmm.jobs.images import ensure_dropped, ensure_made
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import DiskDrive
from fabric.vmm.states import MachineStatus


def ensure_old_copies_dropped(turn: Turn) -> Again | None:
    """Remove what an earlier attempt left in the library: by now it is out of date."""
    return ensure_dropped(driver(turn), turn.job.inputs["old_images"])


def ensure_copied(turn: Turn) -> Again | None:
    """Have the host copy every disk into the library, and prove the copies."""
    return ensure_made(driver(turn), turn.job.inputs["images"])


def ensure_let_go(turn: Turn) -> Again | None:
    """Have the host remove the guest; while it is still there, the copies are proved once more."""
    host = driver(turn)
    if host.guest(turn.job.subject) is not None:
        waiting = ensure_made(host, turn.job.inputs["images"])
        if waiting is not None:
            return waiting
    return leaving.ensure_removed(turn)


def ensure_stored(turn: Turn) -> None:
    """Give back its room, and write where it is now."""
    placement.release(locked(turn))
    write(
        turn,
        status=MachineStatus.STORED,
        stored_on=turn.job.inputs["share"],
        hypervisor_id=None,
        failed_job_id=None,
    )
    turn.message = "The machine is in the library."


def store_failed(turn: Turn, fault: Fault) -> None:
    """Leave the machine where its host has it; the copies are noted on its disks.

    Once the host was asked to let go of it the copies may be all there is: it is only repaired.
    """
    at = STORE.index(turn.job.step) - STORE.index(LET_GO.name)
    if at < 0 or (at == 0 and fault.code == "rejected"):
        status = status_after(fault, turn.job.inputs["before"])
    else:
        status = MachineStatus.UPDATE_FAILED
    write(turn, status=status, failed_job_id=turn.job.pk)


def store_cancelled(turn: Turn) -> None:
    """Leave the machine on its host; the copies are noted on its disks."""
    write(turn, status=turn.job.inputs["before"])


def ensure_there(turn: Turn) -> None:
    """Have the host prove that it still has the machine, before the copies are given up."""
    host = driver(turn)
    if host.guest(turn.job.subject) is None:
        raise Fault(
            "The host has let go of the machine: it can only be stored now.",
            code="missing",
            advice="Resume the job that stores it.",
        )


def ensure_kept(turn: Turn) -> None:
    """Write that the machine is on its host, and nowhere else."""
    DiskDrive.objects.filter(machine=turn.job.subject).update(stored_image="")
    write(turn, status=turn.job.inputs["was"], failed_job_id=None)


def ensure_copies_dropped(turn: Turn) -> Again | None:
    """Remove the copies from the library: the disks on the host are the machine now."""
    return ensure_dropped(driver(turn), _copies(turn))


def _copies(turn: Turn) -> list[str]:
    return [each["image"] for each in turn.job.inputs["images"]]


def ensure_media(turn: Turn) -> Again | None:
    """Put the disc back that was in the drive, and look whether it is there."""
    image = turn.job.inputs["media"]
    if not image:
        return None
    driver(turn).ensure_media(turn.job.subject, image)
    if truth.seen(turn).media != image:
        return truth.not_yet("The drive does not hold its disc yet; putting it back again.")
    return None


def ensure_deployed(turn: Turn) -> None:
    """Write that the machine is on a host again."""
    forget_copies(turn)
    write(turn, stored_on=None)
    deploy.ensure_finished(turn)


def forget_copies(turn: Turn) -> None:
    """Write that the disks were made of the copies, which are there no more."""
    drives = DiskDrive.objects.filter(machine=turn.job.subject).exclude(stored_image="")
    drives.update(image=F("stored_image"), stored_image="")


def deploy_failed(turn: Turn, fault: Fault) -> None:
    """Leave what was made, to be resumed or undone; when nothing was, it is simply stored."""
    _deploy_stopped(turn, fault.told())


def deploy_cancelled(turn: Turn) -> None:
    """Leave what was made, to be undone."""
    _deploy_stopped(turn, {"code": "cancelled", "message": "It was cancelled.", "advice": ""})


def _deploy_stopped(turn: Turn, error: dict[str, str]) -> None:
    status = MachineStatus.UPDATE_FAILED if "host" in turn.memo else MachineStatus.STORED
    write(
        turn,
        status=status,
        failed_job_id=turn.job.pk,
        deployment_error={**error, "step": turn.job.step},
    )


def ensure_stored_again(turn: Turn) -> None:
    """Give back the room: the machine is in the library, as it was."""
    placement.release(locked(turn))
    write(
        turn,
        status=MachineStatus.STORED,
        hypervisor_id=None,
        failed_job_id=None,
        deployment_error=None,
    )


def undo_failed(turn: Turn, fault: Fault) -> None:
    """Leave the machine as it is, to be repaired again."""
    write(turn, status=turn.job.inputs["before"], failed_job_id=turn.job.pk)


def ensure_proved(turn: Turn) -> Again | None:
    """Prove the copies before the host is asked to let go of what was made of them."""
    names = set(_copies(turn))
    if names <= set(on_any_host(turn, lambda host: host.images())):
        return None
    raise Fault(
        "The library does not have every copy of the machine's disks.",
        code="missing",
        retry_after=5.0,
        advice="Resume the deployment instead.",
    )


LET_GO = step("ensure_let_go", "Remove the machine from its host", ensure_let_go, share=20)
STORE = slots.heavy(
    Recipe(
        "store",
        "Store virtual machine",
        (
            step("ensure_old_copies_dropped", "Clear old copies", ensure_old_copies_dropped),
            step(
                "ensure_copied",
                "Copy the disks into the library",
                ensure_copied,
                share=50,
                limit=14_400,
            ),
            LET_GO,
            leaving.ORPHANS,
            leaving.NOTHING_LEFT,
            step("ensure_stored", "Release its room", ensure_stored, local=True, share=5),
        ),
        failed=store_failed,
        cancelled=store_cancelled,
        cancel_before="ensure_copied",
    )
)

UNDO_STORE = Recipe(
    "undo_store",
    "Undo storing of virtual machine",
    (
        step("ensure_there", "Ask its host", ensure_there),
        step("ensure_copies_dropped", "Remove its copies", ensure_copies_dropped),
        step("ensure_kept", "Finish", ensure_kept, local=True, share=5),
    ),
    failed=undo_failed,
)

MEDIA = step("ensure_media", "Put back the disc in its drive", ensure_media, share=5)
DROP = step("ensure_copies_dropped", "Remove the copies from the library", ensure_copies_dropped)


def _deployment(name: str, *steps: Step) -> Recipe:
    finish = step("ensure_deployed", "Finish", ensure_deployed, local=True, share=5)
    recipe = Recipe(
        name,
        "Deploy stored virtual machine",
        (*deploy.LANDING, MEDIA, *steps, DROP, finish),
        failed=deploy_failed,
        cancelled=deploy_cancelled,
        cancel_before=deploy.ATTACH.name,
    )
    return slots.heavy(recipe, placed_by=deploy.PLACE.name)


DEPLOY_STORED = _deployment("deploy_stored", deploy.START)
DEPLOY_STORED_OFF = _deployment("deploy_stored_off")

UNDO_DEPLOY = Recipe(
    "undo_deploy_stored",
    "Undo deployment of stored virtual machine",
    (
        step("ensure_proved", "Check the copies in the library", ensure_proved),
        *leaving.STEPS,
        step("ensure_stored_again", "Release its room", ensure_stored_again, local=True, share=5),
    ),
    failed=undo_failed,
)


def _undoing(job: Any) -> dict[str, Any]:
    """Have the host that was chosen, if any was, let go of what was made."""
    notes = {key: job.memo[key] for key in ("host", "hypervisor") if key in job.memo}
    return {**job.inputs, "hosts": [notes] if notes else []}


def _resume_deployment(job: Any) -> str | None:
    # Once the copies are being removed the disks cannot be made again.
    return None if job.step == DROP.name else deploy.resume_at(job)


_NEEDS = ("Store",)

WORKS = (
    Work(
        STORE,
        "Save-SCVirtualMachine",
        busy=MachineStatus.STORING,
        undo=UNDO_STORE,
        dismiss=UNDO_STORE,
        permissions=_NEEDS,
    ),
    Work(
        UNDO_STORE, "Repair-SCVirtualMachine", busy=MachineStatus.UNDER_UPDATE, permissions=_NEEDS
    ),
    Work(
        UNDO_DEPLOY,
        "Repair-SCVirtualMachine",
        busy=MachineStatus.UNDER_MIGRATION,
        permissions=_NEEDS,
    ),
    *(
        Work(
            recipe,
            "Move-SCVirtualMachine",
            busy=MachineStatus.UNDER_MIGRATION,
            resume_at=_resume_deployment,
            undo=UNDO_DEPLOY,
            dismiss=UNDO_DEPLOY,
            undoing=_undoing,
            permissions=_NEEDS,
        )
        for recipe in (DEPLOY_STORED, DEPLOY_STORED_OFF)
    ),
)
