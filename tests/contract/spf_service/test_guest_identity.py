"""SSH keys, domain and user data of orders: taken, checked, given to the host, and told by nothing.

UserData and MachineObjectOU are ours; the rest is named as Microsoft names it.
"""

from __future__ import annotations

import json
import logging

import pytest
from django.conf import settings

from fabric.hypervisors.base import GuestSetup
from fabric.vmm import answerfile
from fabric.vmm.answerfile import Join
from fabric.vmm.models import Job, VirtualHardDisk, VirtualMachine, VMTemplate
from tests.contract.spf_service.conftest import GUEST_PASSWORD, key, said, xml
from tests.factories.vmm import driver, finish
from tests.unit.fabric.vmm.test_guest_identity import (
    JOIN_PASSWORD,
    USER_DATA,
    public_key,
)

UNIT = "OU=Web,DC=corp,DC=example,DC=net"
ACCOUNT = {"Domain": "corp.example.net", "UserName": "PARTNER\\joiner", "Password": JOIN_PASSWORD}
ENCODED = answerfile.encoded(JOIN_PASSWORD)


@pytest.fixture(autouse=True)
def _prompt(settings):
    settings.SIMULATED_SCALE = 0


@pytest.fixture
def windows(fabric) -> None:
    """Have the fabric's template be of Windows."""
    VirtualHardDisk.objects.filter(pk=fabric.template.disk_id).update(os_type="Windows")
    VMTemplate.objects.filter(pk=fabric.template.pk).update(os_type="Windows")


def deployed(tenant, body) -> VirtualMachine:
    answer = tenant.send("POST", "VirtualMachines", body)
    assert answer.status_code == 201, answer.content
    finish(Job.objects.get())
    return VirtualMachine.objects.get()


def is_set_up(machine: VirtualMachine, **wanted) -> bool:
    return driver(machine.host).is_set_up(machine.pk, GuestSetup(machine.computer_name, **wanted))


def test_the_metadata_announces_what_is_ours(tenant):
    text = tenant.get("$metadata", accept=None).content.decode()
    for name in ("UserData", "MachineObjectOU"):
        assert f'Name="{name}" Type="Edm.String"' in text


def test_keys_and_user_data_arrive(tenant, order):
    keys = (public_key(), public_key("ssh-rsa", "bob@laptop", "b"))
    more = {"LinuxAdministratorSSHKeyString": "\n".join(keys), "UserData": USER_DATA}
    machine = deployed(tenant, order | more)
    assert is_set_up(
        machine, user="root", password=GUEST_PASSWORD, ssh_keys=keys, user_data=USER_DATA
    )


def test_the_account_of_a_domain_arrives_in_an_answer_file(tenant, order, windows):
    machine = deployed(tenant, order | ACCOUNT | {"MachineObjectOU": UNIT, "TimeZone": 110})
    join = Join("corp.example.net", "PARTNER", "joiner", JOIN_PASSWORD, UNIT)
    assert is_set_up(
        machine,
        domain="corp.example.net",
        time_zone="110",
        answer_file=answerfile.joining("", join),
    )


def test_atom_carries_lines_and_marks(tenant, order):
    """User data has lines, and characters that XML escapes."""
    text = "#!/bin/sh\necho '<&>' > /etc/motd\n"
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    body = f"""<entry xmlns="http://www.w3.org/2005/Atom"
       xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"
       xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
     <content type="application/xml"><m:properties>
      <d:StampId m:type="Edm.Guid">{order["StampId"]}</d:StampId>
      <d:CloudId m:type="Edm.Guid">{order["CloudId"]}</d:CloudId>
      <d:VMTemplateId m:type="Edm.Guid">{order["VMTemplateId"]}</d:VMTemplateId>
      <d:Name>web-01</d:Name><d:UserData>{escaped}</d:UserData>
     </m:properties></content></entry>"""
    answer = tenant.send(
        "POST", "VirtualMachines", body, accept=None, content_type="application/atom+xml"
    )
    assert answer.status_code == 201, answer.content
    assert xml(answer) is not None
    finish(Job.objects.get())
    assert is_set_up(VirtualMachine.objects.get(), user_data=text)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"MachineObjectOU": "CN=Computers,DC=corp,DC=net"}, "not an organisational unit"),
        ({"UserName": "PARTNER\\"}, "write it as DOMAIN\\user"),
        ({"Password": None}, "the password lacks"),
        ({"WorkGroup": "LAB"}, "not both"),
        ({"LinuxAdministratorSSHKeyString": public_key()}, "only Linux takes SSH keys"),
        ({"UserData": "x" * 70_000}, "The user data is longer"),
    ],
)
def test_a_guest_without_sense_is_refused(tenant, order, windows, more, says):
    answer = tenant.send("POST", "VirtualMachines", order | ACCOUNT | more)
    assert answer.status_code == 400, answer.content
    assert says in said(answer)
    assert JOIN_PASSWORD not in answer.content.decode()
    assert not VirtualMachine.objects.exists()


def test_nothing_tells_what_the_guest_was_given(tenant, order, windows, caplog):
    caplog.set_level(logging.DEBUG)
    first = tenant.send("POST", "VirtualMachines", order | ACCOUNT | {"UserData": USER_DATA})
    job = Job.objects.get()
    waiting = json.dumps(list(Job.objects.values()), default=str)
    assert job.sealed
    finish(job)
    assert (job.state, job.sealed) == ("succeeded", "")
    place = key("VirtualMachines", json.loads(first.content)["ID"], order["StampId"])
    answers = [first, *(tenant.get(path) for path in (place, "VirtualMachines", "Jobs"))]
    told = waiting + caplog.text + "".join(a.content.decode() for a in answers)
    rack = settings.SIMULATED_RACK
    kept = b"".join(path.read_bytes() for path in rack.parent.glob(f"{rack.name}*")).decode(
        errors="replace"
    )
    for secret in (JOIN_PASSWORD, ENCODED, "cl0ud-phrase"):
        assert secret not in told
        assert secret not in kept
