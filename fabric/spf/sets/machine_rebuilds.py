"""Operation Rebuild over SPF, which is ours: fresh disks of a template, the guest as ordered."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from uuid import UUID

from django.db import IntegrityError

from fabric.odata.errors import BadRequest
from fabric.spf.schema import Row, names
from fabric.spf.scope import Scope
from fabric.spf.sets.machine_orders import GUEST
from fabric.vmm import errors as vmm
from fabric.vmm.actions import machines
from fabric.vmm.actions.setups import Asked
from fabric.vmm.models import Job, VirtualMachine

OPERATION = "Rebuild"

TAKES = names("VMTemplateId ComputerName TimeZone StartVM") | GUEST.keys()


def rebuild(scope: Scope, machine: VirtualMachine, body: Row) -> UUID:
    """Rebuild a machine, once for a request that is repeated; it is started unless StartVM is
    false."""
    assert scope.caller is not None
    if "VMTemplateId" not in body:
        raise BadRequest("The operation Rebuild needs the parameter VMTemplateId.")
    key = _key(scope, machine, body)
    known = _begun(key)
    if known is not None:
        return known
    said = {keyword: body[name] for name, keyword in GUEST.items() if name in body}
    guest = Asked(**said, time_zone=str(body.get("TimeZone", "")))
    try:
        job = machines.rebuild(
            replace(scope.caller, request_key=key),
            machine,
            template_id=body["VMTemplateId"],
            guest=guest,
            computer_name=body.get("ComputerName") or "",
            start=body.get("StartVM", True),
        )
    except vmm.NotFound as error:
        # What the body names is not there; the machine itself is.
        raise BadRequest(error.message, code=error.code) from None
    except IntegrityError:
        known = _begun(key)
        if known is None:
            raise
        return known
    return job.pk


def _key(scope: Scope, machine: VirtualMachine, body: Row) -> str:
    """What is the same for a request and its repeat. Passwords must leave no trace in it."""
    if not scope.request_key:
        return ""
    said = f"{OPERATION}\0{machine.pk}\0{body['VMTemplateId']}"
    return f"{scope.request_key}:{sha256(said.encode()).hexdigest()[:32]}"


def _begun(key: str) -> UUID | None:
    job = Job.objects.filter(request_key=key).first() if key else None
    return job.pk if job is not None else None
