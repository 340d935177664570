"""What a portal has to know of before it offers anything: sizes, the current checkpoint, media."""

from __future__ import annotations

from typing import Any

import pytest

from fabric.vmm import actions
from fabric.vmm.errors import Invalid
from fabric.vmm.models import UserRole, VirtualMachine
from fabric.vmm.roles import Grant, ScopeLimits
from tests.contract.spf_service.conftest import Caller, key, said
from tests.factories.vmm import ADMINISTRATOR, acting_for, deploy, finish, make_iso, make_share


@pytest.fixture(autouse=True)
def _prompt(settings):
    settings.SIMULATED_SCALE = 0


@pytest.fixture
def alice(role):
    return acting_for(role)


# Sizes


def sizes(caller: Caller) -> tuple[Any, ...]:
    (template,) = caller.rows("VMTemplates")
    return (
        template["CapabilityProfile"],
        *(template["CPUCountMinimum"], template["CPUCountMaximum"]),
        *(template["MemoryMBMinimum"], template["MemoryMBMaximum"]),
    )


def test_a_template_tells_the_sizes_it_allows(tenant, fabric):
    assert sizes(tenant) == ("Hyper-V", None, None, None, None)
    small = actions.capability.add(
        ADMINISTRATOR, fabric.server, name="Small", most_cores=4, least_memory_mb=512
    )
    actions.templates.change(ADMINISTRATOR, fabric.template, capability_profile=small)
    assert sizes(tenant) == ("Small", 1, 4, 512, None)


def test_a_template_of_one_size_tells_that(tenant, administrator, fabric):
    actions.templates.change(ADMINISTRATOR, fabric.template, tenant_may_change=["memory"])
    for caller in (tenant, administrator):
        assert sizes(caller) == ("Hyper-V", 1, 1, None, None)


# Checkpoints


def test_a_machine_tells_the_checkpoint_it_stands_at(tenant, fabric, alice, stamp):
    machine = deploy(fabric, alice)
    where = key("VirtualMachines", machine.pk, stamp.pk)
    assert tenant.row(where)["CurrentCheckpointId"] is None
    made = []
    for name in ("first", "second"):
        checkpoint, job = actions.checkpoints.create(alice, machine, name=name)
        finish(job)
        made.append(checkpoint)
    assert tenant.row(where)["CurrentCheckpointId"] == str(made[1].pk)
    finish(actions.checkpoints.restore(alice, made[0]))
    told = tenant.row(where)
    assert told["CurrentCheckpointId"] == told["LastRestoredCheckpointId"] == str(made[0].pk)
    # A machine is one row, however many checkpoints it has.
    assert len(tenant.rows("VirtualMachines")) == 1


# Images and disks


@pytest.fixture
def images(fabric) -> dict[str, Any]:
    share = make_share(fabric)
    return {name: make_iso(fabric, share, name) for name in ("tools.iso", "rescue.iso")}


def seen(caller: Caller) -> set[str]:
    return {row["Name"] for row in caller.rows("ISOs")}


def granting(images, *names: str) -> list[Grant]:
    return [Grant("ISO", images[name].pk) for name in names]


def test_images_are_seen_as_granted(tenant, administrator, stranger, role, images, stamp):
    """Without any grant, those on the shares of its clouds."""
    assert seen(tenant) == {"tools.iso", "rescue.iso"}
    place = f"UserRoles(guid'{role.pk}')"
    item = {"StampId": stamp.pk, "Resource": images["tools.iso"].pk, "ResourceType": "ISO"}
    body = {"AddResource@odata.type": "Collection(VMM.UserRoleResource)", "AddResource": [item]}
    assert administrator.send("MERGE", place, body).status_code == 204
    assert seen(tenant) == {"tools.iso"}
    assert seen(stranger) == seen(administrator) == {"tools.iso", "rescue.iso"}


def test_an_image_that_was_not_granted_is_in_no_drive(tenant, fabric, role, alice, images, stamp):
    machine = deploy(fabric, alice)
    actions.userroles.change(ADMINISTRATOR, role, add_resources=granting(images, "tools.iso"))
    body = {"StampId": stamp.pk, "VMId": machine.pk, "ISOId": images["rescue.iso"].pk}
    answer = tenant.send("POST", "VirtualDVDDrives", body)
    assert (answer.status_code, "ISO" in said(answer)) == (400, True)
    body["ISOId"] = images["tools.iso"].pk
    assert tenant.send("POST", "VirtualDVDDrives", body).status_code == 201


def test_a_role_inside_sees_no_more_images_than_its_tenant(tenant, fabric, role, images):
    inside = actions.userroles.add(
        ADMINISTRATOR,
        name="inside",
        profile="SelfServiceUser",
        parent=role,
        scopes=[ScopeLimits(fabric.cloud.pk)],
    )
    bob = Caller(tenant=inside.pk)
    change = actions.userroles.change
    change(ADMINISTRATOR, role, add_resources=granting(images, "tools.iso"))
    assert seen(bob) == {"tools.iso"}
    with pytest.raises(Invalid, match="would have rescue.iso, which its parent"):
        change(ADMINISTRATOR, inside, add_resources=granting(images, "rescue.iso"))


def test_what_is_no_image_is_not_granted_as_one(fabric, role):
    script = actions.library.add_file(
        ADMINISTRATOR,
        fabric.server,
        share=make_share(fabric),
        kind="script",
        name="join.ps1",
        content="secret",
    )
    with pytest.raises(Invalid, match="There is no ISO image"):
        actions.userroles.change(ADMINISTRATOR, role, add_resources=[Grant("ISO", script.pk)])


def test_library_disks_are_seen_as_granted(tenant, stranger, fabric, role):
    disk = actions.library.add_disk(ADMINISTRATOR, fabric.server, name="data.vhdx", size_gb=5)
    before = {row["Name"] for row in tenant.rows("VirtualHardDisks")}
    assert before == {"ubuntu.vhdx"}
    grant = Grant("VirtualHardDisk", disk.pk)
    actions.userroles.change(ADMINISTRATOR, role, add_resources=[grant])
    assert {row["Name"] for row in tenant.rows("VirtualHardDisks")} == before | {"data.vhdx"}
    assert {row["Name"] for row in stranger.rows("VirtualHardDisks")} == before
    assert UserRole.objects.count() == 2
    assert not VirtualMachine.objects.exists()
