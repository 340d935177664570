"""Networks, disks and checkpoints of a machine: shown, changed, refused with the reason."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from fabric.models import Checkpoint, Job, Machine, Network
from fabric.providers.abilities import (
    ALL,
    CHECKPOINTS,
    EMPTY_DISKS,
    FIXED_ADDRESS,
    FROM_CHECKPOINT,
    Description,
)
from fabric.states import MachineState
from portal.tenant_site.views.checkpoints import tree
from tests.factories.devices import (
    make_adapter,
    make_checkpoint,
    make_disk,
    make_library_disk,
    make_media,
)


def url(thing, name: str) -> str:
    return reverse(name, args=[thing.pk])


def key() -> dict[str, str]:
    return {"request_key": str(uuid.uuid4())}


def job() -> Job:
    """Return the only job there is."""
    return Job.objects.get()


def lacking(machine, *abilities: str) -> None:
    """Have the endpoint of the machine say that it cannot do this."""
    described = Description(ALL - set(abilities))
    type(machine.stamp.provider).objects.update(
        capabilities=described.as_json(), abilities_read_at=timezone.now()
    )


# Networks (A067)


def test_adapters_show_network_addresses_and_mac(as_alice, machine) -> None:
    make_adapter(machine, addresses=["10.20.0.4", "10.20.0.5"])
    make_adapter(machine, slot=1, network=None, network_name="", addresses=[], mac="")
    page = as_alice.get(url(machine, "machine-networks")).text
    for told in ("front", "10.20.0.5", "00:1D:D8:B7:1C:0A", "not connected"):
        assert told in page


def test_attaching_to_a_network_is_one_job_however_often_it_is_sent(as_alice, machine) -> None:
    sent = {"network": machine.network.pk, "address": "10.20.0.77", **key()}
    for _time in range(2):
        led = as_alice.post(url(machine, "machine-network"), sent)
        assert led.url == url(machine, "machine-networks")
    assert job().inputs["values"]["address"] == "10.20.0.77"


@pytest.mark.parametrize("address", ["10.20.0", "fe80::1", "127.0.0.1", "10.20.0.4"])
def test_an_address_that_cannot_be_is_refused_at_its_field(as_alice, machine, address) -> None:
    other = Machine.objects.get(pk=machine.pk)
    other.pk, other.name = uuid.uuid4(), "other"
    other.save(force_insert=True)
    sent = {"network": machine.network.pk, "address": address, **key()}
    page = as_alice.post(url(machine, "machine-network"), sent)
    assert page.context["form"].errors["address"]
    assert not Job.objects.exists()


def test_an_address_outside_the_subnet_is_refused_at_its_field(as_alice, machine) -> None:
    Network.objects.update(subnets=["10.20.0.0/24", "2001:db8::/64"])
    form, adapter = url(machine, "machine-network"), make_adapter(machine)
    page = as_alice.get(form)
    assert "front (10.20.0.0/24)" in page.text
    assert "Otherwise an address in 10.20.0.0/24." in page.text
    for where in (form, url(adapter, "adapter-change")):
        sent = {"network": machine.network.pk, "address": "10.20.9.4", **key()}
        for asked in (sent, sent | {"look": "1"}):
            page = as_alice.post(where, asked)
            assert page.context["form"].errors == {
                "address": ["10.20.9.4 is not in the network's subnet 10.20.0.0/24."]
            }
    assert not Job.objects.exists()


def test_an_address_outside_the_pool_is_refused_at_its_field(as_alice, machine) -> None:
    keeps = {"reserved": [["10.20.0.60", "10.20.0.69"]], "gateways": [], "dns_servers": []}
    pool = {"first": "10.20.0.50", "last": "10.20.0.99", **keeps}
    Network.objects.update(subnets=["10.20.0.0/24"], pools=[pool])
    form, adapter = url(machine, "machine-network"), make_adapter(machine)
    page = as_alice.get(form)
    assert "front (10.20.0.50–10.20.0.99)" in page.text
    assert "Otherwise an address in 10.20.0.50–10.20.0.99." in page.text
    for address, says in (
        ("10.20.0.9", "10.20.0.9 is outside the network's address pool 10.20.0.50–10.20.0.99."),
        ("10.20.0.60", "10.20.0.60 is reserved in the network's address pool."),
    ):
        for where in (form, url(adapter, "adapter-change")):
            sent = {"network": machine.network.pk, "address": address, **key()}
            for asked in (sent, sent | {"look": "1"}):
                page = as_alice.post(where, asked)
                assert page.context["form"].errors == {"address": [says]}
    assert not Job.objects.exists()


def test_a_network_the_plan_does_not_hold_is_refused_at_its_field(as_alice, machine) -> None:
    for other in (uuid.uuid4(), "front"):
        page = as_alice.post(url(machine, "machine-network"), {"network": other, **key()})
        assert list(page.context["form"].errors) == ["network"]


def test_where_addresses_cannot_be_fixed_the_field_says_so(as_alice, machine) -> None:
    lacking(machine, FIXED_ADDRESS)
    page = as_alice.get(url(machine, "machine-network"))
    assert page.context["form"].fields["address"].disabled
    assert "This SPF takes no fixed addresses" in page.text


def test_an_adapter_gets_another_address(as_alice, machine) -> None:
    adapter = make_adapter(machine)
    page = as_alice.get(url(adapter, "adapter-change"))
    assert page.context["form"]["address"].value() == "10.20.0.4"
    sent = {"network": machine.network.pk, "address": "10.20.0.9"}
    assert as_alice.post(url(adapter, "adapter-change"), sent).status_code == 302
    assert job().inputs["values"] == {
        "adapter_id": str(adapter.remote_id),
        "network_id": None,
        "address": "10.20.0.9",
    }


def test_changing_nothing_is_told(as_alice, machine) -> None:
    adapter = make_adapter(machine)
    sent = {"network": machine.network.pk, "address": "10.20.0.4"}
    assert "Nothing would change." in as_alice.post(url(adapter, "adapter-change"), sent).text


def test_an_adapter_is_detached_after_a_question(as_alice, machine) -> None:
    adapter = make_adapter(machine)
    assert "The machine leaves “front”" in as_alice.get(url(adapter, "adapter-remove")).text
    assert not Job.objects.exists()
    as_alice.post(url(adapter, "adapter-remove"), {"sure": "1"})
    assert job().inputs["values"] == {"adapter_id": str(adapter.remote_id)}


# Disks (A068)


def test_disks_show_their_size_and_which_one_it_starts_from(as_alice, machine) -> None:
    make_disk(machine, "system", is_boot=True, size_gb=10)
    make_disk(machine)
    page = as_alice.get(url(machine, "machine-disks")).text
    for told in ("system", "the machine starts from it", "20 GB", "SCSI 0:1", "2 disks, 30 GB"):
        assert told in page


def test_an_empty_disk_is_added(as_alice, machine) -> None:
    sent = {"size_gb": "25", "name": "logs", **key()}
    assert as_alice.post(url(machine, "machine-disk"), sent).status_code == 302
    assert job().inputs["values"]["size_gb"] == 25
    assert "Adding a disk" in as_alice.get(url(machine, "machine-disks")).text


def test_a_disk_of_the_library_has_its_own_size(as_alice, machine) -> None:
    tools = make_library_disk(machine)
    as_alice.post(
        url(machine, "machine-disk"), {"library_disk": tools.pk, "size_gb": "99", **key()}
    )
    assert job().inputs["values"]["size_gb"] == tools.size_gb


@pytest.mark.parametrize(
    "sent", [{}, {"size_gb": "0"}, {"size_gb": "much"}, {"size_gb": "99999999"}]
)
def test_a_disk_of_no_possible_size_is_refused_at_its_field(as_alice, machine, sent) -> None:
    page = as_alice.post(url(machine, "machine-disk"), {**sent, **key()})
    assert page.context["form"].errors["size_gb"]


def test_a_disk_the_quota_has_no_room_for_is_refused(as_alice, machine) -> None:
    page = as_alice.post(url(machine, "machine-disk"), {"size_gb": "9999", **key()})
    assert page.status_code == 200
    assert page.context["form"].errors
    assert not Job.objects.exists()


def test_where_there_are_no_empty_disks_the_field_says_so(as_alice, machine) -> None:
    lacking(machine, EMPTY_DISKS)
    assert "This SPF adds no empty disks" in as_alice.get(url(machine, "machine-disk")).text


@pytest.mark.parametrize(("size", "grows"), [("20", False), ("5", False), ("21", True)])
def test_disks_only_grow(as_alice, machine, size, grows) -> None:
    disk = make_disk(machine)
    answer = as_alice.post(url(disk, "disk-grow"), {"size_gb": size})
    assert (answer.status_code == 302) is grows
    assert Job.objects.exists() is grows


@pytest.mark.parametrize(("typed", "goes"), [("", False), ("web-01", False), ("web-01_data", True)])
def test_removing_a_disk_wants_its_name(as_alice, machine, typed, goes) -> None:
    disk = make_disk(machine)
    assert "Nobody can bring back what is on it." in as_alice.get(url(disk, "disk-remove")).text
    as_alice.post(url(disk, "disk-remove"), {"confirm": typed})
    assert Job.objects.exists() is goes


def test_the_disk_it_starts_from_stays(as_alice, machine) -> None:
    disk = make_disk(machine, "system", is_boot=True)
    assert url(disk, "disk-remove") not in as_alice.get(url(machine, "machine-disks")).text
    page = as_alice.post(url(disk, "disk-remove"), {"confirm": "system"})
    assert "The machine starts from this disk" in page.text
    assert not Job.objects.exists()


def test_with_checkpoints_disks_stay_as_they_are(as_alice, machine) -> None:
    disk = make_disk(machine)
    make_checkpoint(machine)
    page = as_alice.get(url(machine, "machine-disks")).text
    assert "Delete its checkpoints first" in page
    assert url(disk, "disk-grow") not in page


def test_an_image_goes_into_the_drive_and_out_of_it(as_alice, machine) -> None:
    image = make_media(machine)
    as_alice.post(url(machine, "machine-insert"), {"media": image.pk})
    assert job().inputs["values"] == {"media_id": str(image.pk)}
    Job.objects.update(state="succeeded")
    Machine.objects.update(state=MachineState.RUNNING, media=image)
    assert "rescue.iso" in as_alice.get(url(machine, "machine-disks")).text
    as_alice.post(url(machine, "machine-eject"))
    assert Job.objects.filter(inputs__change="EjectMedia").exists()


# Checkpoints


def test_checkpoints_stand_below_the_ones_they_were_made_after(as_alice, machine) -> None:
    root = make_checkpoint(machine, "installed")
    child = make_checkpoint(machine, "patched", parent=root)
    make_checkpoint(machine, "tried", parent=root)
    make_checkpoint(machine, "configured", parent=child, is_current=True)
    page = as_alice.get(url(machine, "machine-checkpoints"))
    shown = [(depth, row.name) for depth, row in page.context["checkpoints"]]
    assert shown == [(0, "installed"), (1, "patched"), (2, "configured"), (1, "tried")]
    assert page.text.count("the machine stands here") == 1


def test_a_tree_that_goes_round_leaves_none_out(machine) -> None:
    one, two = make_checkpoint(machine, "one"), make_checkpoint(machine, "two")
    Checkpoint.objects.filter(pk=one.pk).update(parent=two)
    Checkpoint.objects.filter(pk=two.pk).update(parent=one)
    assert {row.name for _depth, row in tree(machine.checkpoints.all())} == {"one", "two"}


def test_a_checkpoint_is_made_once(as_alice, machine) -> None:
    sent = {"name": "before update", "description": "see ticket 7", **key()}
    for _time in range(2):
        led = as_alice.post(url(machine, "machine-checkpoint"), sent)
        assert led.url == url(machine, "machine-checkpoints")
    assert job().inputs["values"] == {"name": "before update", "description": "see ticket 7"}


def test_restoring_says_what_will_be_lost(as_alice, machine) -> None:
    row = make_checkpoint(machine)
    page = as_alice.get(url(row, "checkpoint-restore")).text
    assert "Files and settings changed since are lost." in page
    assert url(machine, "machine-checkpoint") in page, "what is now can be kept first"
    as_alice.post(url(row, "checkpoint-restore"), {"sure": "1"})
    assert job().inputs["change"] == "RestoreCheckpoint"


def test_a_checkpoint_is_renamed(as_alice, machine) -> None:
    row = make_checkpoint(machine)
    assert as_alice.post(url(row, "checkpoint-rename"), {"name": ""}).context["form"].errors["name"]
    as_alice.post(url(row, "checkpoint-rename"), {"name": "good", "description": ""})
    assert job().inputs["values"]["name"] == "good"


def test_deleting_a_checkpoint_says_what_stays(as_alice, machine) -> None:
    row = make_checkpoint(machine)
    make_checkpoint(machine, "later", parent=row)
    page = as_alice.get(url(row, "checkpoint-remove")).text
    assert "1 checkpoint below it stays, and moves up." in page
    as_alice.post(url(row, "checkpoint-remove"), {"sure": "1"})
    assert job().inputs["change"] == "RemoveCheckpoint"


def test_a_machine_is_made_from_a_checkpoint_once(as_alice, machine) -> None:
    row = make_checkpoint(machine)
    sent = {"name": "web-02", **key()}
    first = as_alice.post(url(row, "checkpoint-machine"), sent)
    assert as_alice.post(url(row, "checkpoint-machine"), sent).url == first.url
    assert Machine.objects.get(name="web-02").state == MachineState.CREATING


def test_what_the_endpoint_cannot_is_off_with_the_reason(as_alice, machine) -> None:
    row = make_checkpoint(machine)
    lacking(machine, FROM_CHECKPOINT)
    page = as_alice.get(url(machine, "machine-checkpoints")).text
    assert "This SPF makes no machines from checkpoints." in page
    assert url(row, "checkpoint-machine") not in page
    lacking(machine, CHECKPOINTS)
    assert "This SPF knows no checkpoints." in as_alice.get(url(machine, "machine")).text


@pytest.mark.parametrize("tab", ["networks", "disks", "checkpoints"])
def test_a_live_line_is_told_when_a_device_changed(as_alice, machine, tab) -> None:
    make = {"networks": make_adapter, "disks": make_disk, "checkpoints": make_checkpoint}[tab]
    seen = as_alice.get(url(machine, f"machine-{tab}")).context["mark"]
    asked = {"path": url(machine, f"machine-{tab}"), "data": {"seen": seen}}
    assert as_alice.get(**asked, headers={"HX-Request": "true"}).status_code == 204
    make(machine)
    assert 'id="tab"' in as_alice.get(**asked, headers={"HX-Request": "true"}).text
