"""Jobs of what is done at once: clients wait for the job of every change, so there is one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fabric.spf.scope import Scope
from fabric.vmm.actions import jobs
from fabric.vmm.models import VirtualMachine
from fabric.vmm.roles import Caller


def record(
    scope: Scope,
    thing: Any,
    cmdlet: str,
    title: str,
    *,
    server_id: Any = None,
    by: Caller | None = None,
) -> UUID:
    """The id of a job that says what was done to a thing; call it in the same transaction."""
    assert scope.caller is not None
    job = jobs.record(
        by or scope.caller,
        server_id=server_id or thing.server_id,
        cmdlet=cmdlet,
        title=title,
        thing=thing,
        kind="VM" if isinstance(thing, VirtualMachine) else "",
    )
    id: UUID = job.pk
    return id
