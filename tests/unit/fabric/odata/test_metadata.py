"""The service describes itself, and a client understands it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from fabric.odata import metadata
from fabric.odata.errors import BadRequest
from fabric.odata.schema import EntitySet, EntityType, Model, Nav, Prop

NS = {
    "x": "http://schemas.microsoft.com/ado/2007/06/edmx",
    "e": "http://schemas.microsoft.com/ado/2009/11/edm",
}
M = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"


@pytest.fixture
def document(model: Model) -> ElementTree.Element:
    return ElementTree.fromstring(metadata.document(model))


def test_the_envelope_announces_version_three(document: ElementTree.Element) -> None:
    services = document.find("x:DataServices", NS)

    assert services is not None
    assert document.get("Version") == "1.0"
    assert services.get(f"{M}DataServiceVersion") == "3.0"
    assert services.get(f"{M}MaxDataServiceVersion") == "3.0"


def test_each_namespace_has_its_schema(document: ElementTree.Element) -> None:
    schemas = document.findall(".//e:Schema", NS)

    assert [schema.get("Namespace") for schema in schemas] == ["VMM", "MicrosoftCompute"]
    names = [each.get("Name") for each in schemas[1].findall("e:ComplexType", NS)]
    assert names == ["Message"]


def test_types_are_spelled_out(document: ElementTree.Element) -> None:
    machine = document.find(".//e:EntityType[@Name='VirtualMachine']", NS)

    assert machine is not None
    found = {
        each.get("Name"): (each.get("Type"), each.get("Nullable"))
        for each in machine.findall("e:Property", NS)
    }
    assert found["ID"] == ("Edm.Guid", "false")
    assert found["Name"] == ("Edm.String", None)
    assert found["Owner"] == ("VMM.UserAndRole", None)
    assert found["Tags"] == ("Collection(Edm.String)", "false")
    assert found["VMConnection"] == ("Edm.Stream", "false")
    assert [each.get("Name") for each in machine.findall("e:Key/e:PropertyRef", NS)] == [
        "ID",
        "StampId",
    ]


def test_navigations_are_backed_by_associations(document: ElementTree.Element) -> None:
    navigations = document.findall(".//e:NavigationProperty", NS)
    associations = {
        f"{schema.get('Namespace')}.{each.get('Name')}": {
            end.get("Role"): (end.get("Type"), end.get("Multiplicity"))
            for end in each.findall("e:End", NS)
        }
        for schema in document.findall(".//e:Schema", NS)
        for each in schema.findall("e:Association", NS)
    }
    used = [each.get("Association") for each in document.findall(".//e:AssociationSet", NS)]

    assert len(navigations) == len(associations) == 6
    assert sorted(map(str, used)) == sorted(associations)
    for nav in navigations:
        roles = associations[nav.get("Relationship", "")]
        assert {nav.get("ToRole"), nav.get("FromRole")} == set(roles)
    assert associations["VMM.VirtualMachine_Cloud"]["Cloud"] == ("VMM.Cloud", "0..1")
    assert associations["VMM.VirtualMachine_Cloud"]["VirtualMachine"] == ("VMM.VirtualMachine", "*")


def test_a_navigation_named_as_its_own_type_keeps_two_roles() -> None:
    node = EntityType("Node", "X", ("ID",), (Prop("ID", "Int32"),), (Nav("Node", "Nodes", False),))
    model = Model("X", "X", {n: EntitySet(n, node) for n in ("Nodes", "Leaves")}, {})

    document = ElementTree.fromstring(metadata.document(model))

    nav = document.find(".//e:NavigationProperty", NS)
    assert nav is not None
    assert nav.get("ToRole") != nav.get("FromRole")
    names = [each.get("Name") for each in document.findall(".//e:AssociationSet", NS)]
    assert len(set(names)) == len(names) == 2


def test_the_container_binds_actions(document: ElementTree.Element) -> None:
    container = document.find(".//e:EntityContainer", NS)

    assert container is not None
    assert container.get("Name") == "VMM"
    imported = container.find("e:FunctionImport[@Name='Expand']", NS)
    assert imported is not None
    assert imported.get("IsBindable") == "true"
    taken = [(p.get("Name"), p.get("Type")) for p in imported.findall("e:Parameter", NS)]
    assert taken == [("bindingParameter", "VMM.VirtualMachine"), ("SizeGB", "Edm.Int32")]


def test_a_client_learns_sets_keys_and_members(model: Model) -> None:
    found = metadata.read(metadata.document(model))

    assert set(found) == set(model.sets)
    assert found["UserRoles"] == {
        "type": "VMM.UserRole",
        "key": ("ID",),
        "properties": {"ID", "Name"},
        "navigations": {"Clouds"},
    }


def test_inherited_members_are_found_and_circles_end() -> None:
    body = b"""<edmx:Edmx xmlns:edmx="urn:e"><edmx:DataServices>
    <Schema Namespace="N" Alias="Self">
     <EntityType Name="Base" BaseType="Self.Child"><Key><PropertyRef Name="ID" /></Key>
      <Property Name="ID" /></EntityType>
     <EntityType Name="Child" BaseType="Self.Base"><Property Name="More" /></EntityType>
     <EntityContainer><EntitySet Name="Children" EntityType="N.Child" />
      <EntitySet Name="Strays" EntityType="Elsewhere.T" /></EntityContainer>
    </Schema></edmx:DataServices></edmx:Edmx>"""

    found = metadata.read(body)

    assert found["Children"]["key"] == ("ID",)
    assert found["Children"]["properties"] == {"ID", "More"}
    assert found["Strays"]["properties"] == set()


@pytest.mark.parametrize("body", [b"", b"<html />", b"{}", b"<!DOCTYPE x><Edmx />"])
def test_what_is_no_metadata_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        metadata.read(body)
