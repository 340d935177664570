"""Orders in every format an SPF may read, and how the client finds out which."""

from __future__ import annotations

import gzip
import json
import uuid

import httpx
import pytest

from fabric.odata import atomread, jsonread
from fabric.providers.abilities import ALL, CHANGES, JOB_STEPS, LOAD, SP1, Description
from fabric.providers.base import MachineOrder, OrderedAdapter
from fabric.providers.errors import BrokenAnswer, Rejected, UnknownSet, Unreachable
from fabric.providers.spf import SPFProvider, bodies, orders
from fabric.providers.spf.bodies import Dialect

ID = "5a1c3f0e-2b7d-4c66-9d0e-8f31b0a4c201"
ROLE = {
    "odata.type": "VMM.UserRole",
    "AddMember@odata.type": "Collection(Edm.String)",
    "AddMember": ["jürgen & söhne@example.net"],
    "AddScope@odata.type": "Collection(VMM.UserRoleScope)",
    "AddScope": [{"Scope": ID, "RoleVMCount": 3, "RoleCPUCount": None}],
}


def machine_order(computer_name: str = "") -> MachineOrder:
    ids = {name: uuid.uuid4() for name in ("stamp_id", "cloud_id", "template_id")}
    return MachineOrder(
        tag=str(uuid.uuid4()),
        name="web-01",
        description="",
        adapters=(OrderedAdapter("front"),),
        cores=2,
        memory_mb=2048,
        admin_user="root",
        password="Guest-secret-2",
        computer_name=computer_name,
        **ids,
    )


def test_light_json_is_what_orders_are_written_in():
    body, kind = bodies.encode(ROLE, Dialect.LIGHT, is_link=False)
    assert json.loads(body) == ROLE
    assert kind == "application/json;odata=minimalmetadata"


def test_verbose_json_names_types_beside_the_values():
    body, kind = bodies.encode(ROLE, Dialect.VERBOSE, is_link=False)
    assert json.loads(body) == {
        "__metadata": {"type": "VMM.UserRole"},
        "AddMember": {
            "__metadata": {"type": "Collection(Edm.String)"},
            "results": ["jürgen & söhne@example.net"],
        },
        "AddScope": {
            "__metadata": {"type": "Collection(VMM.UserRoleScope)"},
            "results": [{"Scope": ID, "RoleVMCount": 3, "RoleCPUCount": None}],
        },
    }
    assert kind == "application/json;odata=verbose"


def test_atom_says_the_same():
    body, kind = bodies.encode(ROLE, Dialect.ATOM, is_link=False)
    assert kind == "application/atom+xml"
    assert b'term="VMM.UserRole"' in body
    told = atomread.read_object(body)
    assert told["AddMember"] == ["jürgen & söhne@example.net"]
    assert told["AddScope"] == [{"Scope": ID, "RoleVMCount": "3", "RoleCPUCount": None}]


@pytest.mark.parametrize("dialect", Dialect)
def test_a_link_is_read_back_from_every_format(dialect):
    url = f"https://spf.example.net:8090/SC2012R2/Stamps(guid'{ID}')?a=1&b=2"
    body, _ = bodies.encode({"url": url}, dialect, is_link=True)
    read = atomread.read_link if dialect is Dialect.ATOM else jsonread.read_link
    assert read(body) == url


def test_what_a_generation_lacks_is_left_out_with_its_type():
    fitted = orders.fit(ROLE, "UserRoles", {"UserRoles.AddScope", "VirtualMachines.AddMember"})
    assert set(fitted) == {"odata.type", "AddMember", "AddMember@odata.type"}


def test_a_format_that_is_not_read_is_changed_once_and_for_all(far, spf):
    made = httpx.Response(201, json={"ID": ID})
    far.on("POST", "/VirtualMachines", httpx.Response(415), httpx.Response(415), made)
    order = machine_order()
    for _time in range(2):
        spf.ensure_machine(order, tenant=uuid.uuid4(), person="alice@example.net", first_try=True)
    kinds = [call.headers["content-type"] for call in far.told("POST")]
    assert kinds == [
        "application/json;odata=minimalmetadata",
        "application/json;odata=verbose",
        "application/atom+xml",
        "application/atom+xml",
    ]


def test_one_that_reads_no_format_refuses(far, spf):
    far.on("POST", "/VirtualMachines", httpx.Response(415))
    with pytest.raises(Rejected, match="does not understand the format"):
        spf.ensure_machine(machine_order(), tenant=uuid.uuid4(), person="", first_try=True)
    assert len(far.told("POST")) == 3


def test_an_answer_is_asked_for_in_what_it_speaks(far, spf):
    far.on("GET", "/Stamps", httpx.Response(406), httpx.Response(200, json={"d": {"results": []}}))
    assert spf.stamps() == ()
    assert spf.stamps() == ()
    asked = [call.headers["accept"].partition(",")[0] for call in far.calls]
    verbose = "application/json;odata=verbose"
    assert asked == ["application/json;odata=minimalmetadata", verbose, verbose]


def test_a_write_that_cannot_be_answered_is_not_sent_twice(far, spf):
    """The server may have made the machine before it found no format to say so."""
    order = machine_order()
    made = httpx.Response(201, json={"ID": ID})
    far.on("POST", "/VirtualMachines", httpx.Response(406), made)
    with pytest.raises(Unreachable):
        spf.ensure_machine(order, tenant=uuid.uuid4(), person="", first_try=True)
    assert len(far.told("POST")) == 1
    far.feed("/VirtualMachines", {"ID": ID, "Tag": order.tag, "Name": order.name})
    found = spf.ensure_machine(order, tenant=uuid.uuid4(), person="", first_try=False)
    assert found.object_id == uuid.UUID(ID)
    assert len(far.told("POST")) == 1


def edmx(*sets: str) -> bytes:
    """Return a description with these sets; `Set:Property,Property`."""
    types, entries = [], []
    for each in sets:
        name, _, props = each.partition(":")
        inside = "".join(f'<Property Name="{p}" Type="Edm.String"/>' for p in props.split(",") if p)
        types.append(f'<EntityType Name="{name}Type">{inside}</EntityType>')
        entries.append(f'<EntitySet Name="{name}" EntityType="VMM.{name}Type"/>')
    return (
        '<edmx:Edmx xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx" Version="1.0">'
        '<edmx:DataServices><Schema Namespace="VMM">'
        f'{"".join(types)}<EntityContainer Name="VMM">{"".join(entries)}</EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>"
    ).encode()


@pytest.fixture
def old(far):
    """A 2012 SP1 that knows its own addresses only."""
    far.on("GET", "/SC2012/Admin", httpx.Response(200, json={"value": []}))
    admin = httpx.Response(200, content=edmx("Stamps", "Tenants"))
    far.on("GET", "/SC2012/Admin/Microsoft.Management.Odata.svc/$metadata", admin)
    sent = ",".join(set(orders.SENT["VirtualMachines"]) - {"ComputerName"})
    vmm = edmx("Clouds", "Jobs", f"VirtualMachines:{sent},ID", "VirtualNetworkAdapters:ID")
    far.on("GET", "/SC2012/VMM", httpx.Response(200, content=vmm))
    return far


def test_a_server_with_addresses_of_its_own_is_found(old, spf):
    described = spf.describe()
    assert described == Description(
        frozenset(), SP1, "SC2012", frozenset({"VirtualMachines.ComputerName"})
    )
    old.feed("/SC2012/VMM", {"ID": ID})
    spf.machines(uuid.UUID(ID))
    assert "/SC2012/VMM/" in str(old.calls[-1].url)


def test_what_it_lacks_is_not_asked_for(old, spf):
    spf.describe()
    before = len(old.calls)
    assert spf.load(uuid.UUID(ID), uuid.UUID(ID), "hour") == ()
    with pytest.raises(Rejected, match="when a machine was changed"):
        spf.changes(uuid.UUID(ID), None)
    assert len(old.calls) == before


def test_what_it_lacks_is_not_sent(old, spf):
    spf.describe()
    old.on("POST", "/VirtualMachines", httpx.Response(201, json={"ID": ID}))
    order = machine_order(computer_name="web-01")
    spf.ensure_machine(order, tenant=uuid.uuid4(), person="", first_try=True)
    assert "ComputerName" not in json.loads(old.told("POST")[0].content)


def test_no_spf_at_any_of_its_addresses(far, spf):
    page = httpx.Response(404, headers={"Content-Type": "text/html"}, content=b"<html/>")
    far.on("GET", "/", page)
    with pytest.raises(BrokenAnswer, match="no Service Provider Foundation"):
        spf.check()
    assert {str(call.url).split("/")[3] for call in far.calls} == {"SC2012R2", "SC2012", "SC2016"}


def test_a_set_that_is_not_there_after_all_is_told_from_a_machine_that_is_not(far, spf):
    with pytest.raises(UnknownSet):
        spf.load(uuid.UUID(ID), uuid.UUID(ID), "hour")
    assert {JOB_STEPS, LOAD, CHANGES} <= ALL


def test_changes_are_asked_for_by_the_clock_the_rows_were_told_in(far, spf):
    """Microsoft's compares wall clocks; its rows tell theirs with an offset."""
    row = {"ID": ID, "ModifiedTime": "2026-02-03T04:00:01.2345678-05:00"}
    far.feed("/VirtualMachines", row)
    far.on("GET", "$count", httpx.Response(200, text="7"))
    (told,) = spf.machines(uuid.UUID(ID))
    changed = spf.changes(uuid.UUID(ID), told.modified_at)
    assert changed.count == 7
    asked = next(str(call.url) for call in far.calls if "ModifiedTime" in str(call.url))
    assert "2026-02-03T04:00:01.234567'" in asked


@pytest.mark.parametrize("status", [400, 404, 405, 500, 501])
def test_a_server_that_does_not_count_is_no_trouble(far, spf, status):
    far.feed("/VirtualMachines")
    far.on("GET", "$count", httpx.Response(status))
    row = {"ModifiedTime": "2026-02-03T04:00:01-05:00", "ID": ID}
    far.feed("VirtualMachines?", row)
    (told,) = spf.machines(uuid.UUID(ID))
    assert spf.changes(uuid.UUID(ID), told.modified_at).count is None


def test_guests_tell_addresses_where_adapters_do_not(far):
    running, starting, off = (str(uuid.uuid4()) for _ in range(3))
    adapters = [{"ID": ID}]
    rows = [
        {"ID": running, "Status": "Running", "VirtualNetworkAdapters": adapters},
        {"ID": starting, "Status": "Running", "VirtualNetworkAdapters": adapters},
        {"ID": off, "Status": "PowerOff", "VirtualNetworkAdapters": adapters},
    ]
    far.feed("/VirtualMachines", *rows)
    far.on("GET", "/GuestInfos", httpx.Response(500))
    told = {"IPv4Addresses": "10.20.0.4;169.254.1.1", "IPv6Addresses": None}
    far.on("GET", f"VMId=guid'{running}'", httpx.Response(200, json=told))
    client = SPFProvider(
        "https://spf.example.net:8090",
        "portal",
        "secret",
        transport=httpx.MockTransport(far),
        described=Description(frozenset({CHANGES}), SP1),
    )
    ids = [uuid.UUID(each) for each in (running, starting, off)]
    found = client.machines(uuid.UUID(ID), ids)
    assert [each.addresses for each in found] == [("10.20.0.4",), None, ()]
    assert not any(off in str(call.url) for call in far.calls if "GuestInfos" in str(call.url))
    everything = client.machines(uuid.UUID(ID))
    assert [each.addresses for each in everything] == [None, None, ()]
    client.close()


def test_a_bomb_in_gzip_is_cut_off(far, spf, monkeypatch):
    monkeypatch.setattr("fabric.providers.spf.session.READ_CAP", 1_000_000)
    packed = gzip.compress(b" " * 50_000_000)
    assert len(packed) < 100_000
    headers = {"Content-Encoding": "gzip"}
    far.on("GET", "/Stamps", lambda _: httpx.Response(200, headers=headers, content=packed))
    with pytest.raises(BrokenAnswer, match="more than"):
        spf.stamps()
