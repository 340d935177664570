"""Checkpoints made, restored, renamed and removed over SPF."""

from __future__ import annotations

import json
import uuid

import pytest

from fabric.vmm.models import Checkpoint, Job, UserRole, VirtualMachine
from tests.contract.spf_service.conftest import done, key, said, texts, xml
from tests.factories.vmm import acting_for, deploy

RESTORE = """<?xml version="1.0" encoding="utf-8"?>
<entry xmlns="http://www.w3.org/2005/Atom"
       xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"
       xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
 <content type="application/xml"><m:properties>
  <d:VMCheckPointAction>Restore</d:VMCheckPointAction>
 </m:properties></content>
</entry>"""


@pytest.fixture
def machine(fabric, role) -> VirtualMachine:
    return deploy(fabric, acting_for(role))


@pytest.fixture
def body(stamp, machine) -> dict:
    """Return the body of §14.9."""
    return {
        "StampId": stamp.pk,
        "VMId": machine.pk,
        "Name": "before upgrade",
        "Description": "taken by alice",
        "Confirm": None,
    }


def test_a_checkpoint_is_made_restored_and_removed(tenant, stamp, machine, body):
    """§14.9"""
    answer = tenant.send("POST", "VMCheckPoints", body)
    checkpoint = json.loads(answer.content)
    where = key("VMCheckPoints", checkpoint["ID"], stamp.pk)
    assert answer["Location"].endswith(where)
    assert tenant.row(where)["Enabled"] is checkpoint["Enabled"] is True
    done(answer)
    told = tenant.row(where)
    assert (told["Enabled"], told["Accessibility"], told["CheckpointID"]) == (True, "Public", None)
    assert done(tenant.send("MERGE", where, {"VMCheckPointAction": "Restore"})).state == "succeeded"
    at = key("VirtualMachines", machine.pk, stamp.pk)
    assert tenant.row(at)["LastRestoredCheckpointId"] == checkpoint["ID"]
    second = tenant.send("POST", "VMCheckPoints", body | {"Name": None})
    done(second)
    parent = json.loads(second.content)
    assert (parent["ParentCheckpointID"], parent["Name"][:9]) == (checkpoint["ID"], "web-01 - ")
    assert done(tenant.send("DELETE", where)).cmdlet == "Remove-SCVMCheckpoint"
    assert tenant.get(where).status_code == 404
    assert len(tenant.rows(f"{at}/VMCheckpoints")) == 1


def test_in_atom(tenant, stamp, body):
    atom = tenant.send("POST", "VMCheckPoints", body, accept=None)
    (id,) = texts(xml(atom), "a:content/m:properties/d:ID")
    done(atom)
    where = key("VMCheckPoints", id, stamp.pk)
    answer = tenant.send("PUT", where, RESTORE, content_type="application/atom+xml")
    assert done(answer).cmdlet == "Restore-SCVMCheckpoint"


def test_a_checkpoint_is_renamed(tenant, stamp, body):
    answer = tenant.send("POST", "VMCheckPoints", body)
    done(answer)
    where = key("VMCheckPoints", json.loads(answer.content)["ID"], stamp.pk)
    jobs = Job.objects.count()
    assert tenant.send("PUT", where, tenant.row(where)).status_code == 204
    assert Job.objects.count() == jobs
    assert tenant.send("PUT", where, {"Name": "after", "Description": ""}).status_code == 204
    told = tenant.row(where)
    assert (told["Name"], told["Description"]) == ("after", "")
    answer = tenant.send("PUT", where, {"VMCheckPointAction": "Explode"})
    assert (answer.status_code, "Restore" in said(answer)) == (400, True)


def test_permissions(tenant, stranger, administrator, stamp, role, body):
    answer = tenant.send("POST", "VMCheckPoints", body)
    done(answer)
    where = key("VMCheckPoints", json.loads(answer.content)["ID"], stamp.pk)
    assert stranger.send("DELETE", where).status_code == 404
    assert stranger.send("MERGE", where, {"VMCheckPointAction": "Set"}).status_code == 404
    assert stranger.send("POST", "VMCheckPoints", body).status_code == 400
    UserRole.objects.filter(pk=role.pk).update(permissions=["CheckpointRestoreOnly"])
    for method, path, sent in (
        ("POST", "VMCheckPoints", body),
        ("MERGE", where, {"Name": "mine"}),
        ("DELETE", where, None),
    ):
        refused = tenant.send(method, path, sent)
        assert (refused.status_code, "permit Checkpoint" in said(refused)) == (403, True)
    done(tenant.send("MERGE", where, {"VMCheckPointAction": "Set"}))
    done(administrator.send("DELETE", where))


def test_a_permission_may_be_for_one_cloud(tenant, administrator, fabric, stamp, role, body):
    UserRole.objects.filter(pk=role.pk).update(permissions=[])
    assert tenant.send("POST", "VMCheckPoints", body).status_code == 403
    item = {"StampId": stamp.pk, "CloudId": fabric.cloud.pk, "ExplicitPermission": ["Checkpoint"]}
    answer = administrator.send(
        "MERGE",
        f"UserRoles(guid'{role.pk}')",
        json.dumps({"CloudPermissionInput": [item]}, default=str),
    )
    assert answer.status_code == 204, answer.content
    done(tenant.send("POST", "VMCheckPoints", body))


def test_a_checkpoint_asked_for_again_is_one(tenant, body):
    again = {"X_Ms_Client_Request_Id": str(uuid.uuid4())}
    first, second = (tenant.send("POST", "VMCheckPoints", body, **again) for _ in range(2))
    assert json.loads(first.content)["ID"] == json.loads(second.content)["ID"]
    done(first)
    third = tenant.send("POST", "VMCheckPoints", body, **again)
    assert third["x-ms-request-id"] == first["x-ms-request-id"]
    assert Checkpoint.objects.count() == 1
