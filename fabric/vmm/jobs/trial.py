"""Test a template on a cloud: deploy a machine of it, note how long each step took, remove it.

The trial asks as a person would, through the actions, and works on nothing itself: its subject is
its own id. `memo["report"]` is what came of it; whatever that is, the machine is removed.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Turn
from fabric.durable.states import JobState
from fabric.vmm.jobs.faults import step
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import Job, Server, VirtualMachine
from fabric.vmm.roles import Caller
from fabric.vmm.states import REMOVABLE, MachineStatus

_LOOK_AGAIN = 2.0
_MOST_REMOVALS = 3


def ensure_ordered(turn: Turn) -> None:
    """Order the machine; asked again it is the same one."""
    # Actions lie above jobs, and begin them: this job alone asks for others.
    from fabric.vmm.actions import machines
    from fabric.vmm.actions.adapters import NewAdapter

    inputs = turn.job.inputs
    network = inputs["network"]
    machine, job = machines.create(
        _caller(turn),
        server=Server.objects.get(pk=turn.job.server_id),
        cloud_id=uuid.UUID(inputs["cloud"]),
        template_id=uuid.UUID(inputs["template"]),
        name=inputs["name"],
        adapters=[NewAdapter(network_id=uuid.UUID(network))] if network else [],
        request_key=f"trial:{turn.job.pk}",
    )
    turn.memo.update(machine=str(machine.pk), deployment=str(job.pk))


def wait_for_deployment(turn: Turn) -> Again | None:
    """Wait until the machine is deployed, or has failed, and write down what happened."""
    job = Job.objects.get(pk=turn.memo["deployment"])
    if not job.is_final:
        at = job.current_step
        return Again(_LOOK_AGAIN, percent=job.percent, message=at["title"] if at else job.message)
    turn.memo["report"] = _report(job)
    turn.message = job.message
    return None


def ensure_removed(turn: Turn) -> Again | None:
    """Have the machine stopped and removed, one job after the other, until it is gone."""
    from fabric.vmm.actions import machines

    machine = VirtualMachine.objects.filter(pk=turn.memo["machine"]).first()
    if machine is None:
        return None
    live = Job.objects.filter(subject=machine.pk).order_by("-created_at").first()
    if live is not None and not live.is_final:
        return Again(_LOOK_AGAIN, percent=live.percent, message=f"{live.title}.")
    tries = turn.memo.get("tries", 0)
    if tries >= 2 * _MOST_REMOVALS:
        raise Fault(
            f"The machine {machine.name} could not be removed: {live.message if live else ''}",
            code="left_over",
            advice=f"Remove the machine {machine.name} by hand.",
        )
    turn.memo["tries"] = tries + 1
    if machine.status in REMOVABLE:
        machines.remove(_caller(turn), machine)
    elif machine.status in (MachineStatus.RUNNING, MachineStatus.PAUSED):
        machines.operate(_caller(turn), machine, "Stop")
    return Again(_LOOK_AGAIN, message="Removing the machine.")


def ensure_reported(turn: Turn) -> None:
    """End as the deployment ended."""
    report = turn.memo["report"]
    if report["problem"]:
        raise Fault(
            f"The test failed at “{report['failed_at']}”: {report['problem']}",
            code="trial_failed",
            advice=report["advice"],
        )
    turn.message = f"Deployed in {report['seconds']:.1f} s, and removed."


def _report(job: Job) -> dict[str, Any]:
    fault = job.fault or {}
    failed_at = job.current_step if job.state != JobState.SUCCEEDED else None
    cancelled = "It was cancelled." if job.state == JobState.CANCELLED else ""
    return {
        "steps": [
            {
                "title": each["title"],
                "state": each["state"],
                "seconds": _seconds(each.get("started_at"), each.get("ended_at")),
                "host": each.get("host", ""),
                "message": each.get("message", ""),
            }
            for each in job.steps
        ],
        "seconds": (job.ended_at - (job.started_at or job.created_at)).total_seconds(),
        "host": job.memo.get("host", ""),
        "problem": fault.get("message", "") or cancelled,
        "advice": fault.get("advice", ""),
        "failed_at": failed_at["title"] if failed_at else "",
    }


def _seconds(began: str | None, ended: str | None) -> float | None:
    if not began or not ended:
        return None
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


def _caller(turn: Turn) -> Caller:
    return Caller(is_administrator=True, principal=turn.job.owner_name)


def _refusal(job: Any) -> str:
    at_fault = (job.fault or {}).get("code")
    return "The test is over." if at_fault == "trial_failed" else ""


TRIAL = Recipe(
    "trial",
    "Test deployment",
    (
        step("ensure_ordered", "Order a machine", ensure_ordered, local=True, share=5),
        step("wait_for_deployment", "Deploy it", wait_for_deployment, share=60, limit=14_400),
        step("ensure_removed", "Remove it", ensure_removed, share=30, limit=3_600),
        step("ensure_reported", "Report", ensure_reported, local=True, share=5),
    ),
    cancel_before="ensure_ordered",
)

WORKS = (Work(TRIAL, "New-SCVirtualMachine", of_fabric=True, refusal=_refusal),)
