"""What else a machine can be asked over SPF: store, deploy, repair, owner, host, and its words."""

from __future__ import annotations

import json

import pytest
from django.conf import settings
from django.http import HttpResponse

from fabric.hypervisors.simulated import plan_fault
from fabric.vmm.models import Job, UserRole, VirtualMachine
from tests.contract.spf_service.conftest import Caller, key, said
from tests.factories.vmm import acting_for, deploy, finish, make_fabric, make_role, make_share


@pytest.fixture
def fabric(db, vault):
    return make_fabric(hosts=2)


@pytest.fixture
def machine(fabric, role) -> VirtualMachine:
    make_share(fabric)
    return deploy(fabric, acting_for(role))


@pytest.fixture
def where(machine, stamp) -> str:
    return key("VirtualMachines", machine.pk, stamp.pk)


def done(answer: HttpResponse) -> Job:
    """Return the job that an answer announced, at its end."""
    assert answer.status_code == 204, answer.content
    return finish(Job.objects.get(pk=answer["x-ms-request-id"]))


def test_a_machine_is_stored_and_deployed(tenant, where):
    done(tenant.send("MERGE", where, {"Operation": "Stop"}))
    stored = tenant.send("MERGE", where, {"Operation": "Store"})
    assert tenant.row(where)["Status"] == "Storing"
    assert done(stored).cmdlet == "Save-SCVirtualMachine"
    told = tenant.row(where)
    assert (told["Status"], told["StatusString"], told["VMId"]) == ("Stored", "Stored", None)
    done(tenant.send("MERGE", where, {"Operation": "Deploy"}))
    assert tenant.row(where)["Status"] == "PowerOff"


def test_a_running_machine_is_not_stored(tenant, where):
    answer = tenant.send("MERGE", where, {"Operation": "Store"})
    assert answer.status_code == 409
    assert "it cannot be stored" in said(answer)


def test_a_failed_store_is_undone(tenant, where, machine):
    done(tenant.send("MERGE", where, {"Operation": "Stop"}))
    plan_fault(settings.SIMULATED_RACK, machine.host.name, "ensure_removed", "fail")
    failed = done(tenant.send("MERGE", where, {"Operation": "Store"}))
    assert tenant.row(where)["FailedJobID"] == str(failed.pk)
    undone = done(tenant.send("MERGE", where, {"Operation": "Repair", "Undo": True}))
    assert undone.state == "succeeded"
    told = tenant.row(where)
    assert (told["Status"], told["FailedJobID"]) == ("PowerOff", None)


def test_an_administrator_moves_a_machine_by_naming_its_host(
    administrator, tenant, where, fabric, machine
):
    target = next(host for host in fabric.hosts if host.pk != machine.host_id)
    refused = tenant.send("MERGE", where, {"VMHostName": target.name})
    assert refused.status_code == 400
    assert "VMHostName" in said(refused)
    moved = administrator.send("MERGE", where, {"VMHostName": target.name})
    assert administrator.row(where)["Status"] == "UnderMigration"
    assert done(moved).cmdlet == "Move-SCVirtualMachine"
    assert administrator.row(where)["VMHostName"] == target.name


def test_an_administrator_gives_a_machine_to_another_role(
    administrator, tenant, stranger, where, fabric
):
    other = make_role(fabric, "bob@example.net")
    owner = {"UserName": "bob@example.net", "RoleName": other.name}
    assert tenant.send("MERGE", where, {"Owner": owner}).status_code in (400, 403)
    done(administrator.send("MERGE", where, {"Owner": owner}))
    assert administrator.row(where)["Owner"]["RoleID"] == str(other.pk)
    assert tenant.get(where).status_code == 404
    assert Caller(tenant=other.pk, principal="bob@example.net").row(where)["Name"] == "web-01"
    assert stranger.get(where).status_code == 404


def test_words_are_changed_and_the_whole_row_sent_back_changes_nothing(
    administrator, tenant, where
):
    change = {"CostCenter": "R&D", "StopAction": "ShutdownGuestOS"}
    done(tenant.send("MERGE", where, change))
    told = tenant.row(where)
    assert (told["CostCenter"], told["StopAction"]) == ("R&D", "ShutdownGuestOS")
    jobs = Job.objects.count()
    assert tenant.send("PUT", where, told).status_code == 204
    whole = administrator.row(where)
    assert administrator.send("PUT", where, whole).status_code == 204
    assert Job.objects.count() == jobs


def test_one_kind_of_change_at_a_time(administrator, where):
    answer = administrator.send(
        "MERGE", where, {"VMHostName": "elsewhere.example.net", "CPUCount": 2}
    )
    assert answer.status_code == 400
    assert "one at a time" in json.loads(answer.content)["odata.error"]["message"]["value"]


def test_administrators_say_on_which_share_a_machine_is_stored(
    administrator, tenant, where, machine
):
    done(tenant.send("MERGE", where, {"Operation": "Stop"}))
    path = machine.cloud.store.path
    refused = tenant.send("MERGE", where, {"SharePath": path})
    assert (refused.status_code, "SharePath" in said(refused)) == (400, True)
    unknown = administrator.send("MERGE", where, {"SharePath": "\\\\elsewhere\\x"})
    assert unknown.status_code == 400
    assert done(administrator.send("MERGE", where, {"SharePath": path})).state == "succeeded"
    assert tenant.row(where)["Status"] == "Stored"
    done(tenant.send("MERGE", where, {"Operation": "Deploy", "StartVM": True}))
    assert tenant.row(where)["Status"] == "Running"


@pytest.mark.parametrize(
    ("operation", "status"),
    [("Pause", "Paused"), ("Save", "Saved"), ("Restart", "Running"), ("Shutdown", "PowerOff")],
)
def test_operations_by_the_names_clients_know(tenant, where, operation, status):
    assert done(tenant.send("PUT", where, {"Operation": operation})).state == "succeeded"
    assert tenant.row(where)["Status"] == status


@pytest.mark.parametrize("operation", ["Start", "Stop", "Reset", "Suspend", "SaveState", "Store"])
def test_an_operation_needs_its_permission(tenant, stranger, where, role, operation):
    UserRole.objects.filter(pk=role.pk).update(permissions=[])
    refused = tenant.send("MERGE", where, {"Operation": operation})
    assert (refused.status_code, "does not permit" in said(refused)) == (403, True)
    assert stranger.send("MERGE", where, {"Operation": operation}).status_code == 404


def test_what_is_no_operation(tenant, where):
    answer = tenant.send("MERGE", where, {"Operation": "Explode"})
    assert (answer.status_code, "Explode" in said(answer)) == (400, True)
    both = tenant.send("MERGE", where, {"Operation": "Repair", "Retry": True, "Undo": True})
    assert (both.status_code, "exactly one" in said(both)) == (400, True)
