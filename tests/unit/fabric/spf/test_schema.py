"""Declarations are checked when the process starts; what is published is one whole generation."""

from __future__ import annotations

import pytest

from fabric.odata import metadata
from fabric.odata.schema import Model
from fabric.spf import edm
from fabric.spf.edm.build import declare, structure
from fabric.spf.schema import Column, Join, Resource, Service, Table, Update
from fabric.spf.services import ADMIN_SERVICE, VMM_SERVICE

THINGS = Model(
    namespace="Test",
    container="Test",
    sets={
        "Things": declare(
            "Things",
            "Thing",
            namespace="Test",
            key="ID",
            Guid="ID OwnerId",
            String="Name!",
            complex="Place:Place",
            lists="Tags:String Places:Place",
            navs="Owner>Things Parts>>Things",
        )
    },
    complex_types={"Place": structure("Place", String="City", Int32="Floor")},
)


def test_the_shorthand_says_what_it_means():
    thing = THINGS.set("things").type
    told = {prop.name: (prop.type, prop.nullable) for prop in thing.props}
    assert told == {
        "ID": ("Guid", False),
        "Name": ("String", False),
        "OwnerId": ("Guid", True),
        "Place": ("Complex:Place", True),
        "Places": ("Collection(Complex:Place)", False),
        "Tags": ("Collection(String)", False),
    }
    assert [(nav.name, nav.target_set, nav.many) for nav in thing.navs] == [
        ("Owner", "Things", False),
        ("Parts", "Things", True),
    ]


def nothing(*args):
    return None


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"sources": (Table(nothing, nothing, {"Nmae": Column("name")}),)}, "Nmae"),
        ({"joins": {"Ownre": Join("OwnerId", "ID")}}, "Ownre"),
        ({"joins": {"Owner": Join("Owner", "ID")}}, "Owner"),
        ({"joins": {"Owner": Join("OwnerId", "Id")}}, "Owner"),
        ({"needs": ("Parent",)}, "Parent"),
        ({"update": Update(nothing, frozenset({"Naem"}))}, "Naem"),
        ({"links": {"Wheels": None}}, "Wheels"),
    ],
)
def test_a_declaration_that_names_what_is_not_there_is_refused(wrong, named):
    with pytest.raises(LookupError, match=named):
        Service(THINGS, [Resource(name="Things", **wrong)])


def test_what_is_published_hangs_together():
    for model in (edm.VMM, edm.ADMIN):
        for each in model.sets.values():
            assert {prop.name for prop in each.type.props} >= set(each.type.key)
            assert all(model.set(nav.target_set) for nav in each.type.navs)
            complex_names = {prop.complex_name for prop in each.type.props} - {""}
            assert complex_names <= model.complex_types.keys()
        assert metadata.read(metadata.document(model)).keys() == model.sets.keys()


def test_the_whole_generation_is_announced():
    machine = edm.VMM.set("VirtualMachines").type
    ours = {
        "CurrentCheckpointId",
        "MachineObjectOU",
        "SourceCheckpointId",
        "SourceVMId",
        "UserData",
    }
    assert len({prop.name for prop in machine.props} - ours) == 128
    assert len(machine.props) == 128 + len(ours)
    assert machine.stream == "VMConnection"
    assert machine.key == ("ID", "StampId")
    assert edm.VMM.set("CloudServices").type.namespace == "MicrosoftCompute"
    # What only later generations have is not.
    assert machine.prop("Shielded") is None
    assert "VMShieldingData" not in edm.VMM.sets
    assert VMM_SERVICE.resource("VMNetworkGateways").sources == ()
    assert ADMIN_SERVICE.resource("Stamps").create is not None


def test_a_set_is_filtered_by_all_that_it_tells_and_by_no_secret():
    machines = VMM_SERVICE.filters(VMM_SERVICE.model.set("VirtualMachines"))
    assert {"ID", "StampId", "Name", "Owner", "Status", "MostRecentTaskId"} <= machines
    sent = {"LocalAdminPassword", "Password", "ProductKey", "Operation", "VMTemplateId", "StartVM"}
    assert not machines & sent
    for service in (VMM_SERVICE, ADMIN_SERVICE):
        for entity_set in service.model.sets.values():
            able = service.filters(entity_set)
            assert able >= set(entity_set.type.key), entity_set.name
            assert not {name for name in able if name.lower().endswith("password")}


def test_filters_may_be_declared_and_must_exist():
    narrow = Service(THINGS, [Resource(name="Things", filters=frozenset({"Name"}))])
    assert narrow.filters(THINGS.set("Things")) == {"Name"}
    for wrong in ({"filters": frozenset({"Colour"})}, {"only_sent": frozenset({"Colour"})}):
        with pytest.raises(LookupError, match="Colour"):
            Service(THINGS, [Resource(name="Things", **wrong)])
