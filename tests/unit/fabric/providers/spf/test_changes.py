"""The calls that changes take, as they go over the wire."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import httpx
import pytest

from fabric.providers import changes
from fabric.providers.base import OrderedAdapter
from fabric.providers.errors import Forbidden, Rejected, Throttled, Unreachable
from fabric.providers.guests import DomainJoin
from tests.unit.fabric.providers.spf.test_verbs import machine_order

MACHINE, THING = uuid4(), uuid4()
SECRET = "Do-not-tell-9"


def refusal(status: int, words: str = "No.") -> httpx.Response:
    return httpx.Response(status, json={"odata.error": {"message": {"value": words}}})


def done(**headers: str) -> httpx.Response:
    return httpx.Response(204, headers=headers)


@pytest.fixture
def ask(spf, stamp_id):
    def ask(change, *, first_try: bool = True, key: str = "key-1"):
        return spf.change(
            change,
            stamp_id=stamp_id,
            tenant=UUID(int=7),
            person="alice@example.net",
            first_try=first_try,
            key=key,
        )

    return ask


def sent(far, method: str) -> tuple[str, dict]:
    """The set that a call of a method named last, and its body."""
    call = far.told(method)[-1]
    body = json.loads(call.content) if call.content else {}
    return call.url.path.partition(".svc/")[2].partition("(")[0], body


def machine_row(stamp_id, **fields) -> dict:
    values = {"ID": str(MACHINE), "StampId": str(stamp_id), "Name": "web-01", "Status": "Running"}
    return values | {"MostRecentTaskId": str(THING)} | fields


def job_row(status: str, *, completed: bool) -> dict:
    return {"ID": str(THING), "Status": status, "IsCompleted": completed}


def test_an_order_says_all_that_a_guest_is_told(far, spf):
    far.on("POST", "VirtualMachines", httpx.Response(201, json={"ID": str(uuid4())}))
    join = DomainJoin("corp.example", "joiner", SECRET, account_domain="CORP", ou="OU=Web")
    wanted = machine_order(
        ssh_keys=("ssh-ed25519 A", "ssh-ed25519 B"),
        product_key=SECRET,
        time_zone="110",
        domain_join=join,
        user_data="#cloud-config",
        adapters=(OrderedAdapter("front"), OrderedAdapter("back", "10.30.0.9")),
        start=False,
    )
    spf.ensure_machine(wanted, tenant=uuid4(), person="", first_try=True)
    _, body = sent(far, "POST")
    assert body["LinuxAdministratorSSHKeyString"] == "ssh-ed25519 A\nssh-ed25519 B"
    assert (body["Domain"], body["UserName"]) == ("corp.example", "CORP\\joiner")
    assert body["Password"] == body["ProductKey"] == SECRET
    assert (body["MachineObjectOU"], body["TimeZone"]) == ("OU=Web", 110)
    assert (body["UserData"], body["StartVM"]) == ("#cloud-config", False)
    front, back = body["NewVirtualNetworkAdapterInput"]
    assert "IPv4Address" not in front
    assert (back["IPv4AddressType"], back["IPv4Address"]) == ("Static", "10.30.0.9")
    assert SECRET not in repr(wanted)


@pytest.mark.parametrize(
    ("lets_in", "told"),
    [
        ({"password": SECRET}, {"LocalAdminUserName", "LocalAdminPassword"}),
        ({"ssh_keys": ("ssh-ed25519 A",)}, {"LocalAdminUserName"}),
        ({}, set()),
    ],
)
def test_who_administers_the_guest_is_told_with_a_way_in(far, spf, lets_in, told):
    far.on("POST", "VirtualMachines", httpx.Response(201, json={"ID": str(uuid4())}))
    wanted = machine_order(**{"admin_user": "keeper", "password": ""} | lets_in)
    spf.ensure_machine(wanted, tenant=uuid4(), person="", first_try=True)
    _, body = sent(far, "POST")
    assert {name for name in body if name.startswith("LocalAdmin")} == told
    assert body.get("LocalAdminUserName") == ("keeper" if told else None)


def test_no_secret_of_an_order_comes_back_in_a_message(far, spf):
    far.on("POST", "VirtualMachines", refusal(400, f"The key {SECRET} is not valid."))
    with pytest.raises(Rejected) as caught:
        spf.ensure_machine(
            machine_order(product_key=SECRET), tenant=uuid4(), person="", first_try=True
        )
    assert SECRET not in caught.value.message
    rebuild = changes.Rebuild(
        machine_id=MACHINE, template_id=uuid4(), known=frozenset(), password=SECRET
    )
    assert SECRET not in repr(rebuild)


def test_a_copy_names_its_source_alone(far, spf):
    far.on("POST", "VirtualMachines", httpx.Response(201, json={"ID": str(uuid4())}))
    bare = {"template_id": None, "source_machine_id": MACHINE, "adapters": (), "password": ""}
    spf.ensure_machine(machine_order(**bare), tenant=uuid4(), person="", first_try=True)
    _, body = sent(far, "POST")
    assert body["SourceVMId"] == str(MACHINE)
    assert not {"VMTemplateId", "SourceCheckpointId"} & body.keys()
    of_checkpoint = machine_order(**bare, source_checkpoint_id=THING)
    spf.ensure_machine(of_checkpoint, tenant=uuid4(), person="", first_try=True)
    _, body = sent(far, "POST")
    assert body["SourceCheckpointId"] == str(THING)
    assert not {"VMTemplateId", "SourceVMId"} & body.keys()


def test_each_change_is_one_call(far, ask):
    far.on("MERGE", "", done(**{"x-ms-request-id": str(THING)}))
    far.on("DELETE", "", done())
    far.on("POST", "/Expand", done())
    for change, method, named, part in (
        (changes.Configure(MACHINE, cores=4), "MERGE", "VirtualMachines", {"CPUCount": 4}),
        (changes.Store(MACHINE), "MERGE", "VirtualMachines", {"Operation": "Store"}),
        (changes.DeployStored(MACHINE), "MERGE", "VirtualMachines", {"Operation": "Deploy"}),
        (
            changes.GrowDisk(MACHINE, THING, 40),
            "POST",
            "VirtualDiskDrives",
            {"VirtualHardDiskSizeGB": 40},
        ),
        (changes.RemoveDisk(MACHINE, THING), "DELETE", "VirtualDiskDrives", {}),
        (changes.RemoveAdapter(MACHINE, THING), "DELETE", "VirtualNetworkAdapters", {}),
        (
            changes.RestoreCheckpoint(MACHINE, THING),
            "MERGE",
            "VMCheckPoints",
            {"VMCheckPointAction": "Restore"},
        ),
        (changes.RemoveCheckpoint(MACHINE, THING), "DELETE", "VMCheckPoints", {}),
    ):
        far.calls.clear()
        ask(change)
        name, body = sent(far, method)
        assert len(far.calls) == 1
        assert name == named
        assert part.items() <= body.items()


def test_calls_are_made_in_the_role_given(far, ask):
    far.on("DELETE", "", done())
    ask(changes.RemoveDisk(MACHINE, THING))
    (call,) = far.calls
    assert f"/VMM/{UUID(int=7)}/" in call.url.path
    assert call.headers["x-ms-principal-id"] == "alice@example.net"


def test_tries_of_one_change_share_their_request_id(far, ask, stamp_id):
    far.on("POST", "VirtualDiskDrives", httpx.Response(201, json={"ID": str(THING)}))
    far.feed("VirtualMachines?", machine_row(stamp_id))
    far.feed("Jobs?", job_row("Completed", completed=True))
    disk = changes.AddDisk(MACHINE, "data-1", size_gb=4)
    ask(disk)
    ask(disk, first_try=False)
    ask(disk, key="key-2")
    ids = [call.headers["x-ms-client-request-id"] for call in far.told("POST")]
    assert ids[0] == ids[1] != ids[2]
    assert sent(far, "POST")[1]["Size"] == str(4 * 2**30)


def test_what_a_failed_job_took_away_is_made_anew(far, ask, stamp_id):
    """Our SPF answers a request it knows with what came of it, and refuses when that is gone."""
    made = httpx.Response(201, json={"ID": str(THING)})
    far.on("POST", "VirtualDiskDrives", refusal(409), made)
    far.feed("VirtualMachines?", machine_row(stamp_id))
    far.feed("Jobs?", job_row("Failed", completed=True))
    accepted = ask(changes.AddDisk(MACHINE, "data-1", size_gb=4), first_try=False)
    assert accepted.object_id == THING
    first, second = far.told("POST")
    assert first.headers["x-ms-client-request-id"] != second.headers["x-ms-client-request-id"]


def test_a_conflict_at_the_first_try_is_told(far, ask):
    far.on("POST", "VirtualDiskDrives", refusal(409, "There is a disk of that name."))
    with pytest.raises(Rejected, match="of that name"):
        ask(changes.AddDisk(MACHINE, "data-1", size_gb=4))
    assert len(far.calls) == 1


def test_a_change_under_way_is_waited_for(far, ask, stamp_id):
    far.feed("VirtualMachines?", machine_row(stamp_id, Status="UnderUpdate"))
    far.feed("Jobs?", job_row("Running", completed=False))
    accepted = ask(changes.GrowDisk(MACHINE, THING, 40), first_try=False)
    assert accepted.job_id == THING
    assert not far.told("POST")


def test_nothing_is_asked_while_something_else_is_under_way(far, ask, stamp_id):
    far.feed("VirtualMachines?", machine_row(stamp_id, Status="Starting"))
    far.feed("Jobs?", job_row("Running", completed=False))
    with pytest.raises(Throttled) as caught:
        ask(changes.GrowDisk(MACHINE, THING, 40), first_try=False)
    assert caught.value.retry_after
    assert not far.told("POST")


def test_a_store_that_failed_half_way_is_repaired(far, ask, stamp_id):
    far.feed("VirtualMachines?", machine_row(stamp_id, Status="UpdateFailed"))
    far.feed("Jobs?", job_row("Failed", completed=True))
    far.on("MERGE", "VirtualMachines", done())
    ask(changes.Store(MACHINE), first_try=False)
    _, body = sent(far, "MERGE")
    assert (body["Operation"], body["Retry"]) == ("Repair", True)


def test_what_is_gone_is_removed_and_what_is_hidden_is_not(far, ask):
    far.on("DELETE", "VirtualDiskDrives", refusal(404))
    far.feed("VirtualDiskDrives?")
    remove = changes.RemoveDisk(MACHINE, THING)
    assert ask(remove) is None
    far.feed("VirtualDiskDrives?", {"ID": str(THING)})
    with pytest.raises(Forbidden):
        ask(remove)


def test_an_image_goes_into_the_drive_there_is(far, ask):
    drive = uuid4()
    far.on("MERGE", "VirtualDVDDrives", done())
    far.on("POST", "VirtualDVDDrives", httpx.Response(201, json={"ID": str(drive)}))
    far.feed("VirtualDVDDrives?", {"ID": str(drive)})
    ask(changes.InsertMedia(MACHINE, THING))
    assert sent(far, "MERGE")[1]["ISOId"] == str(THING)
    ask(changes.EjectMedia(MACHINE))
    assert sent(far, "MERGE")[1]["ISOId"] == str(UUID(int=0))
    far.feed("VirtualDVDDrives?")
    assert ask(changes.EjectMedia(MACHINE)) is None
    ask(changes.InsertMedia(MACHINE, THING))
    assert sent(far, "POST")[1]["ISOId"] == str(THING)


def test_a_lost_reply_may_have_been_done(far, ask):
    far.on("MERGE", "", httpx.ReadTimeout("slow"))
    with pytest.raises(Unreachable):
        ask(changes.Configure(MACHINE, cores=2))


def test_devices_are_read_forty_machines_at_a_time(far, spf, stamp_id):
    row = machine_row(
        stamp_id,
        VirtualDiskDrives=[
            {"ID": str(uuid4()), "BusType": "SCSI", "LUN": 0, "Size": str(2**30 + 1)},
            {"ID": str(THING), "BusType": "IDE", "LUN": 0, "Size": str(2**30)},
            {"ID": None},
        ],
        VirtualNetworkAdapters=[{"ID": str(uuid4()), "VMNetworkName": None}],
        VMCheckpoints=None,
    )
    far.feed("VirtualMachines?", row)
    found = spf.devices(stamp_id, [uuid4() for _ in range(80)])
    assert len(far.calls) == 2
    first, second = found[0].disks
    assert (first.id, first.is_boot, first.size_gb) == (THING, True, 1)
    assert (second.is_boot, second.size_gb) == (False, 2)
    assert found[0].adapters[0].network_name == ""
    assert found[0].current_checkpoint_id is None


def test_the_current_checkpoint_is_told_or_taken_for_the_one_restored(far, spf, stamp_id):
    old, new = uuid4(), uuid4()
    rows = [
        {"ID": str(old), "AddedTime": "2024-05-01T10:00:00Z"},
        {"ID": str(new), "AddedTime": "2024-05-02T10:00:00Z", "ParentCheckpointID": str(old)},
    ]
    for told, current in (
        ({}, new),
        ({"LastRestoredCheckpointId": str(old)}, old),
        ({"LastRestoredCheckpointId": str(uuid4())}, new),
        ({"LastRestoredCheckpointId": str(old), "CurrentCheckpointId": str(new)}, new),
    ):
        far.feed("VirtualMachines?", machine_row(stamp_id, VMCheckpoints=rows, **told))
        (devices,) = spf.devices(stamp_id, [MACHINE])
        assert devices.current_checkpoint_id == current
        assert {each.id: each.parent_id for each in devices.checkpoints} == {old: None, new: old}
