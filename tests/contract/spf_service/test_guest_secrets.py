"""Secrets of orders, profiles and templates reach the guest, and nothing else tells them."""

from __future__ import annotations

import json
import logging

import pytest
from django.conf import settings
from django.db import models

from fabric.hypervisors.base import GuestSetup
from fabric.vmm import actions
from fabric.vmm.models import Job, UserRole, VirtualMachine
from fabric.vmm.roles import Grant
from tests.contract.spf_service.conftest import GUEST_PASSWORD, key
from tests.factories.vmm import ADMINISTRATOR, driver, finish, make_share

PROFILE_PASSWORD = "Pr0file-phrase"
ORDERED_KEY = "AAAAA-11111-BBBBB-22222-CCCCC"
PROFILE_KEY = "DDDDD-33333-EEEEE-44444-FFFFF"
TEMPLATE_KEY = "GGGGG-55555-HHHHH-66666-IIIII"
ANSWERS = "<unattend><Password>An5wer</Password></unattend>"
SCRIPT = "join-monitoring --token t0ken-of-the-script"
SECRETS = (
    *(GUEST_PASSWORD, PROFILE_PASSWORD, ORDERED_KEY, PROFILE_KEY, TEMPLATE_KEY),
    *(ANSWERS, "An5wer", SCRIPT, "t0ken-of-the-script"),
)


@pytest.fixture(autouse=True)
def _prompt(settings):
    settings.SIMULATED_SCALE = 0


@pytest.fixture
def profile(fabric):
    """Return a guest profile with all that one can have."""
    share = make_share(fabric)

    def text(kind: str, name: str, content: str):
        return actions.library.add_file(
            ADMINISTRATOR, fabric.server, share=share, kind=kind, name=name, content=content
        )

    return actions.profiles.add_guest(
        ADMINISTRATOR,
        fabric.server,
        name="Windows at work",
        os_type="Windows",
        product_key=PROFILE_KEY,
        admin_user="keeper",
        admin_password=PROFILE_PASSWORD,
        time_zone="W. Europe Standard Time",
        workgroup="LAB",
        answer_file=text("answer_file", "unattend.xml", ANSWERS),
        script=text("script", "join.ps1", SCRIPT),
    )


@pytest.fixture
def windows(fabric, role, profile):
    """Return a Windows template that alice may use, with a key of its own."""
    disk = actions.library.add_disk(
        ADMINISTRATOR,
        fabric.server,
        name="windows.vhdx",
        size_gb=40,
        os_name="Windows Server",
        os_type="Windows",
    )
    template = actions.templates.add(
        ADMINISTRATOR,
        fabric.server,
        name="Windows",
        disk=disk,
        cores=1,
        memory_mb=1024,
        product_key=TEMPLATE_KEY,
    )
    actions.userroles.change(ADMINISTRATOR, role, add_resources=[Grant("VMTemplate", template.pk)])
    return template


@pytest.fixture
def ordered(order, windows):
    """Return the body of an order of that template without anything about its guest."""
    left_out = ("LocalAdminUserName", "LocalAdminPassword", "ComputerName")
    rest = {name: value for name, value in order.items() if name not in left_out}
    return rest | {"VMTemplateId": windows.pk, "CPUCount": 1, "Memory": 1024}


def with_profile(windows, profile) -> None:
    actions.templates.change(ADMINISTRATOR, windows, guest_profile=profile)


def deployed(tenant, body) -> VirtualMachine:
    answer = tenant.send("POST", "VirtualMachines", body)
    assert answer.status_code == 201, answer.content
    machine = VirtualMachine.objects.get()
    finish(Job.objects.get())
    machine.refresh_from_db()
    assert machine.status in ("Running", "PowerOff"), machine.deployment_error
    return machine


def is_set_up(machine: VirtualMachine, **wanted: str) -> bool:
    setup = GuestSetup(machine.computer_name, **wanted)
    return driver(machine.host).is_set_up(machine.pk, setup)


def test_a_template_gives_its_product_key(tenant, ordered):
    machine = deployed(tenant, ordered | {"StartVM": False})
    assert is_set_up(machine, product_key=TEMPLATE_KEY)
    assert machine.status == "PowerOff"


def test_a_guest_profile_goes_before_the_template(tenant, ordered, windows, profile):
    with_profile(windows, profile)
    machine = deployed(tenant, ordered)
    assert is_set_up(
        machine,
        user="keeper",
        password=PROFILE_PASSWORD,
        product_key=PROFILE_KEY,
        time_zone="W. Europe Standard Time",
        workgroup="LAB",
        answer_file=ANSWERS,
        script=SCRIPT,
    )


def test_an_order_goes_before_the_guest_profile(tenant, ordered, windows, profile):
    with_profile(windows, profile)
    more = {
        "LocalAdminUserName": "alice",
        "LocalAdminPassword": GUEST_PASSWORD,
        "ProductKey": ORDERED_KEY,
        "Domain": "corp.example.net",
    }
    machine = deployed(tenant, ordered | more)
    wanted = {
        "user": "alice",
        "password": GUEST_PASSWORD,
        "product_key": ORDERED_KEY,
        "domain": "corp.example.net",
        "script": SCRIPT,
    }
    assert is_set_up(machine, **wanted)
    # Who joins a domain leaves the profile's workgroup.
    assert not is_set_up(machine, workgroup="LAB")


def test_a_file_that_is_not_enabled_is_not_used(tenant, ordered, windows, profile):
    with_profile(windows, profile)
    actions.library.change_file(ADMINISTRATOR, profile.script, is_enabled=False)
    answer = tenant.send("POST", "VirtualMachines", ordered)
    assert answer.status_code == 400
    assert b"join.ps1 is not enabled" in answer.content


@pytest.mark.parametrize("is_ordered", [True, False], ids=["ordered", "of profile"])
def test_nothing_tells_a_secret(tenant, ordered, windows, profile, caplog, is_ordered):
    caplog.set_level(logging.DEBUG)
    with_profile(windows, profile)
    if is_ordered:
        ordered |= {"LocalAdminPassword": GUEST_PASSWORD, "ProductKey": ORDERED_KEY}
    first = tenant.send("POST", "VirtualMachines", ordered)
    job = Job.objects.get()
    waiting = written()
    assert job.sealed
    finish(job)
    assert job.sealed == ""
    place = key("VirtualMachines", json.loads(first.content)["ID"], ordered["StampId"])
    answers = [first, *(tenant.get(path) for path in (place, "VirtualMachines", "Jobs"))]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200]
    told = "".join([waiting, written(), caplog.text, *(a.content.decode() for a in answers)])
    rack = settings.SIMULATED_RACK
    kept = b"".join(path.read_bytes() for path in rack.parent.glob(f"{rack.name}*"))
    assert b"keeper" in kept
    for secret in SECRETS:
        assert secret not in told
        assert json.dumps(secret)[1:-1] not in told
        assert secret.encode() not in kept


def written() -> str:
    """Return the rows that deployments write, with every column."""
    kinds: tuple[type[models.Model], ...] = (Job, VirtualMachine, UserRole)
    return "".join(json.dumps(list(kind.objects.values()), default=str) for kind in kinds)
