"""Operation Rebuild over SPF, which is ours: fresh disks of a template, the guest as ordered."""

from __future__ import annotations

from uuid import UUID

from fabric.odata.errors import BadRequest
from fabric.spf.schema import Row, names
from fabric.spf.scope import Scope
from fabric.spf.sets.machine_orders import GUEST
from fabric.spf.sets.repeats import once
from fabric.vmm import errors as vmm
from fabric.vmm.actions import machines
from fabric.vmm.actions.setups import Asked
from fabric.vmm.models import Job, VirtualMachine
from fabric.vmm.roles import Caller

OPERATION = "Rebuild"
TAKES = names("VMTemplateId ComputerName TimeZone StartVM") | GUEST.keys()


def rebuild(scope: Scope, machine: VirtualMachine, body: Row) -> UUID | None:
    """Rebuild a machine, once for a request that is repeated; it is started unless StartVM is
    false."""
    if "VMTemplateId" not in body:
        raise BadRequest("The operation Rebuild needs the parameter VMTemplateId.")
    # What a request is known by again: passwords leave no trace in it.
    said = {"ID": machine.pk, "VMTemplateId": body["VMTemplateId"]}

    def act(caller: Caller) -> tuple[VirtualMachine, Job]:
        return machine, _begin(caller, machine, body)

    return once(scope, OPERATION, said, act, lambda job: machine).job_id


def _begin(caller: Caller, machine: VirtualMachine, body: Row) -> Job:
    said = {keyword: body[name] for name, keyword in GUEST.items() if name in body}
    try:
        return machines.rebuild(
            caller,
            machine,
            template_id=body["VMTemplateId"],
            guest=Asked(**said, time_zone=str(body.get("TimeZone", ""))),
            computer_name=body.get("ComputerName") or "",
            start=body.get("StartVM", True),
        )
    except vmm.NotFound as error:
        # What the body names is not there; the machine itself is.
        raise BadRequest(error.message, code=error.code) from None
