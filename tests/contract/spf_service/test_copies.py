"""Machines made of machines over the wire: clones (SourceVMId), and what one was at a checkpoint.

Both parameters are ours: Microsoft's SPF makes machines of templates and disks alone.
"""

from __future__ import annotations

import json
import uuid

import pytest

from fabric.vmm import actions
from fabric.vmm.models import VirtualMachine
from tests.contract.spf_service.conftest import done, key, said
from tests.factories.vmm import acting_for, deploy, finish


@pytest.fixture(autouse=True)
def _prompt(settings):
    settings.SIMULATED_SCALE = 0


@pytest.fixture
def alice(role):
    return acting_for(role)


@pytest.fixture
def machine(fabric, alice) -> VirtualMachine:
    return deploy(fabric, alice, start=False, tag="portal:1")


@pytest.fixture
def checkpoint(alice, machine):
    made, job = actions.checkpoints.create(alice, machine, name="before")
    finish(job)
    return made


@pytest.fixture
def copy(stamp, machine):
    """Return the body of an order for a clone."""
    return {"StampId": stamp.pk, "Name": "web-02", "SourceVMId": machine.pk}


def of_checkpoint(copy, checkpoint) -> dict:
    return {"StampId": copy["StampId"], "Name": "web-03", "SourceCheckpointId": checkpoint.pk}


def test_the_metadata_announces_both(tenant):
    text = tenant.get("$metadata", accept=None).content.decode()
    for name in ("SourceVMId", "SourceCheckpointId"):
        assert f'Name="{name}" Type="Edm.Guid"' in text


def test_a_machine_is_cloned(tenant, copy, machine, stamp):
    more = {"CloudId": machine.cloud_id, "Tag": "portal:2", "Description": "", "StartVM": True}
    answer = tenant.send("POST", "VirtualMachines", copy | more)
    assert done(answer).state == "succeeded"
    told = tenant.row(key("VirtualMachines", json.loads(answer.content)["ID"], stamp.pk))
    assert (told["Name"], told["Tag"], told["Status"]) == ("web-02", "portal:2", "Running")
    # What made it is not told.
    assert told["SourceVMId"] is None
    assert tenant.row(key("VirtualMachines", machine.pk, stamp.pk))["Status"] == "PowerOff"


def test_a_machine_is_made_of_a_checkpoint(tenant, copy, machine, checkpoint, alice):
    finish(actions.machines.operate(alice, machine, "Start"))
    answer = tenant.send("POST", "VirtualMachines", of_checkpoint(copy, checkpoint))
    assert done(answer).state == "succeeded"
    told = {row["Name"]: row["Status"] for row in tenant.rows("VirtualMachines")}
    assert told == {"web-01": "Running", "web-03": "PowerOff"}


@pytest.mark.parametrize("what", ["clone", "checkpoint"])
def test_a_repeated_request_makes_one(tenant, copy, checkpoint, what):
    body = copy if what == "clone" else of_checkpoint(copy, checkpoint)
    header = {"x_ms_client_request_id": str(uuid.uuid4())}
    first = tenant.send("POST", "VirtualMachines", body, **header)
    again = tenant.send("POST", "VirtualMachines", body, **header)
    assert first["x-ms-request-id"] == again["x-ms-request-id"]
    done(again)
    # Also when the first one has long ended.
    later = tenant.send("POST", "VirtualMachines", body, **header)
    assert json.loads(later.content)["ID"] == json.loads(first.content)["ID"]
    assert VirtualMachine.objects.count() == 2
    # With the same id, another thing is another request.
    other = tenant.send("POST", "VirtualMachines", body | {"Name": "web-09"}, **header)
    assert other.status_code == 201


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"VMTemplateId": uuid.uuid4()}, "VMTemplateId is not for a copy"),
        ({"SourceCheckpointId": uuid.uuid4()}, "either the parameter SourceVMId or"),
        ({"CPUCount": 2}, "CPUCount is not for a copy"),
        ({"LocalAdminPassword": "S3cret-phrase"}, "LocalAdminPassword is not for a copy"),
        ({"CloudId": uuid.uuid4()}, "CloudId is another cloud"),
        ({"SourceVMId": uuid.uuid4()}, "SourceVMId names no virtual machine"),
        ({"Name": None}, "Name is mandatory"),
    ],
)
def test_a_copy_without_sense_is_refused(tenant, copy, more, says):
    answer = tenant.send("POST", "VirtualMachines", copy | more)
    assert (answer.status_code, says in said(answer)) == (400, True), answer.content
    assert "S3cret-phrase" not in answer.content.decode()
    assert VirtualMachine.objects.count() == 1


def test_a_running_machine_is_not_cloned(tenant, copy, machine, alice):
    finish(actions.machines.operate(alice, machine, "Start"))
    answer = tenant.send("POST", "VirtualMachines", copy)
    assert (answer.status_code, "cannot be cloned" in said(answer)) == (409, True)


def test_what_is_somebody_elses_is_not_there(stranger, copy, checkpoint):
    answer = stranger.send("POST", "VirtualMachines", copy)
    assert (answer.status_code, "names no virtual machine" in said(answer)) == (400, True)
    answer = stranger.send("POST", "VirtualMachines", of_checkpoint(copy, checkpoint))
    assert (answer.status_code, "names no checkpoint" in said(answer)) == (400, True)
    assert VirtualMachine.objects.count() == 1
