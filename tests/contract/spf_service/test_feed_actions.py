"""Actions bound to one entity: `POST VirtualDiskDrives(…)/Expand`, in whatever form it is sent."""

from __future__ import annotations

from uuid import UUID

import pytest

from fabric.vmm.models import DiskDrive, Job, VirtualMachine
from tests.contract.spf_service.conftest import said
from tests.factories.vmm import acting_for, deploy

ATOM = "application/atom+xml"
DATA = "http://schemas.microsoft.com/ado/2007/08/dataservices"
PROPERTIES = (
    f'<m:properties xmlns:m="{DATA}/metadata" xmlns:d="{DATA}">'
    '<d:VirtualHardDiskSizeGB m:type="Edm.Byte">60</d:VirtualHardDiskSizeGB></m:properties>'
)
ENTRY = (
    '<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml">'
    f"{PROPERTIES}</content></entry>"
)


@pytest.fixture
def drive(fabric, role) -> DiskDrive:
    machine = deploy(fabric, acting_for(role))
    VirtualMachine.objects.filter(pk=machine.pk).update(status="PowerOff")
    return DiskDrive.objects.get(machine=machine)


@pytest.fixture
def expand(drive, stamp) -> str:
    return f"VirtualDiskDrives(ID=guid'{drive.pk}',StampId=guid'{stamp.pk}')/Expand"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"VirtualHardDiskSizeGB": 60}, "application/json"),
        ({"VirtualHardDiskSizeGB": "60", "Unknown": 1}, "application/json;odata=verbose"),
        ({"d": {"VirtualHardDiskSizeGB": 60}}, "application/json;odata=verbose"),
        (ENTRY, ATOM),
        (PROPERTIES, "application/xml"),
    ],
    ids=["json", "digits", "verbose", "entry", "properties"],
)
def test_it_begins_a_job_and_says_which(tenant, expand, drive, body, kind):
    answer = tenant.send("POST", expand, body, content_type=kind)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["DataServiceVersion"] == "1.0;"
    job = Job.objects.get(pk=UUID(answer["x-ms-request-id"]))
    assert job.subject == drive.machine_id


def test_its_parameters_are_asked_for_by_name(tenant, expand):
    for body in (None, {}, {"VirtualHardDiskSizeGB": None}):
        answer = tenant.send("POST", expand, body)
        assert answer.status_code == 400
        assert "VirtualHardDiskSizeGB is mandatory" in said(answer)
    answer = tenant.send("POST", expand, {"VirtualHardDiskSizeGB": "plenty"})
    assert answer.status_code == 400
    assert "VirtualHardDiskSizeGB" in said(answer)
    assert "plenty" not in said(answer)


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "MERGE"])
def test_it_is_posted_and_nothing_else(tenant, expand, verb):
    body = {} if verb in ("PUT", "MERGE") else None
    assert tenant.send(verb, expand, body).status_code == 405


def test_strangers_find_nothing_to_expand(stranger, expand):
    assert stranger.send("POST", expand, {"VirtualHardDiskSizeGB": 60}).status_code == 404


def test_the_whole_set_cannot_be_expanded(tenant):
    body = {"VirtualHardDiskSizeGB": 60}
    assert tenant.send("POST", "VirtualDiskDrives/Expand", body).status_code == 404
