"""Operation Rebuild, which is ours: VMTemplateId and what an order says of the guest."""

from __future__ import annotations

import uuid

import pytest

from fabric.hypervisors.base import GuestSetup
from fabric.vmm import actions
from fabric.vmm.models import Job, VirtualMachine
from tests.contract.spf_service.conftest import GUEST_PASSWORD, done, key, said
from tests.factories.vmm import acting_for, deploy, driver, finish
from tests.unit.fabric.vmm.test_guest_identity import USER_DATA, public_key


@pytest.fixture(autouse=True)
def _prompt(settings):
    settings.SIMULATED_SCALE = 0


@pytest.fixture
def machine(fabric, role) -> VirtualMachine:
    return deploy(fabric, acting_for(role))


@pytest.fixture
def where(machine, stamp) -> str:
    return key("VirtualMachines", machine.pk, stamp.pk)


@pytest.fixture
def wish(fabric):
    """Return the body of a request to rebuild."""
    return {
        "odata.type": "VMM.VirtualMachine",
        "Operation": "Rebuild",
        "VMTemplateId": fabric.template.pk,
        "LocalAdminPassword": GUEST_PASSWORD,
        "LinuxAdministratorSSHKeyString": public_key(),
        "UserData": USER_DATA,
    }


def devices(tenant, machine) -> tuple[list, list]:
    of = f"$filter=VMId eq guid'{machine.pk}'"
    adapters = tenant.rows(f"VirtualNetworkAdapters?{of}")
    kept = [(a["ID"], a["MACAddress"], a["IPv4Addresses"]) for a in adapters]
    return kept, [disk["ID"] for disk in tenant.rows(f"VirtualDiskDrives?{of}")]


def test_a_machine_is_rebuilt(tenant, where, machine, wish):
    adapters, disks = devices(tenant, machine)
    job = done(tenant.send("MERGE", where, wish))
    assert (job.state, job.cmdlet, job.title) == (
        "succeeded",
        "Update-SCVirtualMachine",
        "Rebuild virtual machine",
    )
    told = tenant.row(where)
    assert (told["Name"], told["Status"], told["CPUCount"]) == ("web-01", "Running", 1)
    now, fresh = devices(tenant, machine)
    assert now == adapters
    assert not set(fresh) & set(disks)
    machine.refresh_from_db()
    setup = GuestSetup(
        machine.computer_name,
        "root",
        GUEST_PASSWORD,
        ssh_keys=(public_key(),),
        user_data=USER_DATA,
    )
    assert driver(machine.host).is_set_up(machine.pk, setup)


def test_a_repeated_request_rebuilds_once(tenant, where, wish):
    header = {"x_ms_client_request_id": str(uuid.uuid4())}
    first = tenant.send("MERGE", where, wish, **header)
    done(first)
    again = tenant.send("MERGE", where, wish, **header)
    assert again["x-ms-request-id"] == first["x-ms-request-id"]
    other = tenant.send("MERGE", where, wish, x_ms_client_request_id=str(uuid.uuid4()))
    assert other["x-ms-request-id"] != first["x-ms-request-id"]
    assert Job.objects.filter(recipe="rebuild").count() == 2


def test_it_is_left_off_where_that_is_asked_for(tenant, where, wish):
    done(tenant.send("MERGE", where, wish | {"StartVM": False}))
    assert tenant.row(where)["Status"] == "PowerOff"


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        ({"VMTemplateId": None}, 400, "needs the parameter VMTemplateId"),
        ({"VMTemplateId": uuid.uuid4()}, 400, "There is no template"),
        (
            {"UserName": "CORP\\j", "Password": "J0in-phrase", "Domain": "c.net"},
            400,
            "only Windows",
        ),
        ({"ComputerName": "no name"}, 400, "no computer name"),
    ],
)
def test_a_rebuild_without_sense_is_refused(tenant, where, wish, more, status, says):
    answer = tenant.send("MERGE", where, wish | more)
    assert (answer.status_code, says in said(answer)) == (status, True), answer.content
    assert "J0in-phrase" not in answer.content.decode()
    assert tenant.row(where)["Status"] == "Running"


def test_checkpoints_are_in_the_way(tenant, where, wish, machine, role):
    finish(actions.checkpoints.create(acting_for(role), machine, name="before")[1])
    answer = tenant.send("MERGE", where, wish)
    assert (answer.status_code, "has checkpoints (before)" in said(answer)) == (409, True)


def test_what_rebuilding_takes_changes_nothing_else(tenant, where, wish, fabric):
    """Clients send whole objects: without the operation a template is not heard."""
    answer = tenant.send("MERGE", where, {"VMTemplateId": fabric.template.pk, "UserData": "x"})
    assert answer.status_code == 204
    assert [job.recipe for job in Job.objects.all()] == ["deploy"]


def test_another_tenants_machine_is_not_there(stranger, where, wish):
    assert stranger.send("MERGE", where, wish).status_code == 404


def test_nothing_keeps_what_it_was_given(tenant, where, wish):
    answer = tenant.send("MERGE", where, wish)
    job = Job.objects.get(pk=answer["x-ms-request-id"])
    assert job.sealed
    shown = repr(vars(job)).replace(job.sealed, "")
    finish(job)
    shown += repr(vars(job)) + tenant.get("Jobs").content.decode()
    for secret in (GUEST_PASSWORD, "cl0ud-phrase"):
        assert secret not in shown
    assert job.sealed == ""
