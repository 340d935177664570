"""What VMM says of a recipe: its cmdlet, who may resume or stop it, its machine meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fabric.durable.recipe import Recipe
from fabric.vmm import roles
from fabric.vmm.models import VirtualMachine
from fabric.vmm.roles import Caller
from fabric.vmm.states import MachineStatus


def _always(job: Any) -> str:
    return ""


def _where_it_failed(job: Any) -> str | None:
    return None


def _as_it_was(job: Any) -> dict[str, Any]:
    return {**job.inputs, "undoes": job.memo, "was": job.inputs["before"]}


@dataclass(frozen=True)
class Work:
    """A recipe as declared to VMM. The caller needs all `permissions` and one of `any_of`.

    `busy` is the machine's status meanwhile (None leaves it). `refusal` says why a failed job
    cannot be resumed, "" when it can; `resume_at` names the step to resume at, None for the failed
    one. A failed job is repaired by `undo` or, where reading the host again is not enough, by
    `dismiss`: recipes that get what `undoing` makes of it, which is its inputs, its memo as
    `undoes` and where the machine stood as `was`. One that is `of_fabric` is for those who run the
    fabric. One that is `timed` counts for expected times.
    """

    recipe: Recipe
    cmdlet: str
    permissions: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    busy: MachineStatus | None = None
    refusal: Callable[[Any], str] = _always
    resume_at: Callable[[Any], str | None] = _where_it_failed
    undo: Recipe | None = None
    dismiss: Recipe | None = None
    undoing: Callable[[Any], dict[str, Any]] = _as_it_was
    of_fabric: bool = False
    timed: bool = False

    def require(self, caller: Caller, machine: VirtualMachine | None) -> None:
        """Raise Denied unless the caller may ask for this of the machine it works on, if any."""
        clouds = [machine.cloud_id] if machine is not None else []
        if self.of_fabric:
            roles.require_fabric(caller)
        roles.require_all(caller, *self.permissions, clouds=clouds)
        if self.any_of:
            roles.require_any(caller, *self.any_of, clouds=clouds)
