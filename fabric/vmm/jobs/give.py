"""Note that a machine went to another owner: the change itself is made by the action, at once."""

from __future__ import annotations

from fabric.durable.recipe import Recipe, Turn
from fabric.vmm.jobs.faults import step
from fabric.vmm.jobs.work import Work


def ensure_given(turn: Turn) -> None:
    """Say who had the machine, and who has it."""
    turn.message = f"From {turn.job.inputs['from']} to {turn.job.inputs['to']}."


GIVE = Recipe(
    "give",
    "Change owner of virtual machine",
    (step("ensure_given", "Change the owner", ensure_given, local=True),),
)

WORKS = (Work(GIVE, "Set-SCVirtualMachine", of_fabric=True),)
