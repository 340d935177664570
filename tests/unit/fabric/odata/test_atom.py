"""Atom bodies as SPF writes them, and as its clients send them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID
from xml.etree import ElementTree

import pytest

from fabric.odata import atom
from fabric.odata.errors import BadRequest
from fabric.odata.schema import Model, Prop
from fabric.odata.shape import resolve

STAMP = UUID("5a1c3f0e-2b7d-4c66-9d0e-8f31b0a4c201")
CLOUD = UUID("c2d9e7b4-61f8-4a0d-b3a5-19e04f7d8802")
KEY = f"(ID=guid'{CLOUD}',StampId=guid'{STAMP}')"
NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
NS = {
    "a": "http://www.w3.org/2005/Atom",
    "app": "http://www.w3.org/2007/app",
    "d": "http://schemas.microsoft.com/ado/2007/08/dataservices",
    "m": "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata",
}
M = f"{{{NS['m']}}}"
GOLD: dict[str, object] = {"ID": CLOUD, "StampId": STAMP, "Name": "Gold & <Silver>"}

CREATE = """<?xml version="1.0" encoding="utf-8"?>
<entry xmlns="http://www.w3.org/2005/Atom"
       xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"
       xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
 <category term="VMM.VirtualMachine"
           scheme="http://schemas.microsoft.com/ado/2007/08/dataservices/scheme" />
 <content type="application/xml"><m:properties>{}</m:properties></content>
</entry>"""


def read(model: Model, properties: str) -> dict[str, object]:
    return atom.read_entry(CREATE.format(properties).encode(), model, "VirtualMachines")


def test_an_entry_has_the_shape_of_the_captures(model: Model, root: str) -> None:
    body = atom.feed(model, "Clouds", [GOLD], root=root, count=1, updated=NOON)

    feed = ElementTree.fromstring(body)
    entry = feed.find("a:entry", NS)
    assert entry is not None
    assert feed.get("{http://www.w3.org/XML/1998/namespace}base") == root
    assert feed.findtext("m:count", None, NS) == "1"
    assert feed.findtext("a:id", None, NS) == f"{root}Clouds"
    assert feed.findtext("a:updated", None, NS) == "2026-02-03T12:00:00Z"
    assert entry.findtext("a:id", None, NS) == f"{root}Clouds{KEY}"
    assert [
        (link.get("rel", "").rpartition("/")[2], link.get("type"), link.get("href"))
        for link in entry.findall("a:link", NS)
    ] == [
        ("edit", None, f"Clouds{KEY}"),
        ("LogicalNetworks", "application/atom+xml;type=feed", f"Clouds{KEY}/LogicalNetworks"),
    ]
    category = entry.find("a:category", NS)
    assert category is not None
    assert category.get("term") == "VMM.Cloud"


def test_properties_carry_their_types_and_nulls(model: Model, root: str) -> None:
    body = atom.feed(model, "Clouds", [GOLD], root=root)

    found = ElementTree.fromstring(body).find(".//m:properties", NS)
    assert found is not None
    properties = {
        element.tag.rpartition("}")[2]: (
            element.get(f"{M}type"),
            element.get(f"{M}null"),
            element.text,
        )
        for element in found
    }
    assert list(properties) == sorted(properties)
    assert properties["ID"] == ("Edm.Guid", None, str(CLOUD))
    assert properties["Name"] == (None, None, "Gold & <Silver>")
    assert properties["LastModifiedDate"] == ("Edm.DateTime", "true", None)
    assert properties["Description"] == (None, "true", None)


def test_streams_actions_and_structured_values(model: Model, root: str) -> None:
    row = {
        **GOLD,
        "Owner": {"UserName": "alice"},
        "Tags": ["a", "b"],
        "NewVirtualNetworkAdapterInput": [{"VMNetworkName": "front"}],
    }

    entry = ElementTree.fromstring(atom.entry(model, "VirtualMachines", row, root=root))

    streams = [
        each for each in entry.findall("a:link", NS) if "mediaresource" in each.get("rel", "")
    ]
    assert [(each.get("type"), each.get("href")) for each in streams] == [
        ("application/x-rdp", f"VirtualMachines{KEY}/VMConnection")
    ]
    action = entry.find("m:action", NS)
    assert action is not None
    assert action.get("title") == "Expand"
    assert entry.findtext(".//d:Owner/d:UserName", None, NS) == "alice"
    assert [each.text for each in entry.findall(".//d:Tags/d:element", NS)] == ["a", "b"]
    assert entry.findtext(".//d:element/d:VMNetworkName", None, NS) == "front"


def test_expanded_navigations_are_inline(model: Model, root: str) -> None:
    row = {**GOLD, "VirtualNetworkAdapters": [{**GOLD, "MACAddress": "00:1D"}], "Cloud": None}
    expand = ("VirtualNetworkAdapters", "Cloud")

    body = atom.entry(model, "VirtualMachines", row, root=root, expand=expand)

    found = atom.read_object(body)
    assert found["VirtualNetworkAdapters"][0]["MACAddress"] == "00:1D"
    assert found["Cloud"] is None


def test_an_expanded_navigation_without_rows_is_an_empty_list(model: Model, root: str) -> None:
    body = atom.entry(model, "VirtualMachines", GOLD, root=root, expand=("VirtualNetworkAdapters",))

    assert atom.read_object(body)["VirtualNetworkAdapters"] == []


def test_select_narrows_and_refuses_what_is_not_there(model: Model, root: str) -> None:
    body = atom.feed(model, "Clouds", [GOLD], root=root, select=("Name",))

    assert atom.read_feed(body) == ([{"Name": "Gold & <Silver>"}], None, None)
    with pytest.raises(BadRequest):
        atom.feed(model, "Clouds", [GOLD], root=root, select=("Nothing",))


def test_the_page_after_this_one(model: Model, root: str) -> None:
    body = atom.feed(model, "Clouds", [], root=root, count=0, next_link="Clouds?$skip=1&x=2")

    assert atom.read_feed(body) == ([], "Clouds?$skip=1&x=2", 0)


def test_characters_xml_cannot_carry_do_not_break_a_feed(model: Model, root: str) -> None:
    row = {**GOLD, "Name": "a\x00b\x1b\ud800\uffffc\r\n\td"}

    rows, _, _ = atom.read_feed(atom.feed(model, "Clouds", [row], root=root))

    assert rows[0]["Name"] == "a\ufffdb\ufffd\ufffd\ufffdc\r\n\td"


def test_the_service_document_lists_the_sets(model: Model, root: str) -> None:
    found = ElementTree.fromstring(atom.service_document(model, root=root))

    names = [each.get("href") for each in found.findall(".//app:collection", NS)]
    assert "Clouds" in names
    assert names == sorted(names, key=str)


def test_a_create_from_a_disk_is_read(model: Model) -> None:
    found = read(
        model,
        f"""<d:StampId m:type="Edm.Guid">{STAMP}</d:StampId>
        <d:Name>db-01</d:Name>
        <d:NewVirtualNetworkAdapterInput
            m:type="Collection(VMM.NewVMVirtualNetworkAdapterInput)">
         <d:element m:type="VMM.NewVMVirtualNetworkAdapterInput">
          <d:VMNetworkName>front</d:VMNetworkName></d:element>
        </d:NewVirtualNetworkAdapterInput>
        <d:Enabled m:type="Edm.Boolean">true</d:Enabled>""",
    )

    assert found == {
        "StampId": STAMP,
        "Name": "db-01",
        "NewVirtualNetworkAdapterInput": [{"VMNetworkName": "front"}],
        "Enabled": True,
    }


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ('<d:Memory m:type="Edm.Byte">8192</d:Memory>', {"Memory": 8192}),
        ("<d:Memory> 8192 </d:Memory>", {"Memory": 8192}),
        ('<d:Enabled m:type="Edm.Boolean">True</d:Enabled>', {"Enabled": True}),
        (
            '<d:Owner m:type="UserAndRole"><d:UserName>bob</d:UserName></d:Owner>',
            {"Owner": {"UserName": "bob"}},
        ),
        ('<d:VMId m:type="Edm.Guid" m:null="true" />', {"VMId": None}),
        ('<d:VMId m:type="Edm.Guid" />', {"VMId": None}),
        ('<d:Name m:null="TRUE" />', {"Name": None}),
        ("<d:Name />", {"Name": ""}),
        ("<d:Tags />", {"Tags": []}),
        ("<d:OSType>of another generation</d:OSType>", {}),
        ("<Operation>Suspend</Operation>", {"Operation": "Suspend"}),
        ("", {}),
    ],
)
def test_what_field_clients_get_wrong_is_tolerated(
    model: Model, properties: str, expected: dict[str, object]
) -> None:
    assert read(model, properties) == expected


def test_an_entry_without_properties_says_nothing(model: Model) -> None:
    body = b'<entry xmlns="http://www.w3.org/2005/Atom"><title /></entry>'

    assert atom.read_entry(body, model, "VirtualMachines") == {}


def test_a_wrong_value_is_named_by_its_property_only(model: Model) -> None:
    with pytest.raises(BadRequest) as caught:
        read(model, "<d:Memory>S3cret</d:Memory>")

    assert caught.value.message == "The value of the property 'Memory' is not a valid Edm.Int32."


ENTITY_BOMB = (
    b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><entry>&b;</entry>"""
)
FILE_READER = b"""<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><entry>&f;</entry>"""


@pytest.mark.parametrize(
    "body",
    [
        ENTITY_BOMB,
        FILE_READER,
        b'<!DOCTYPE entry SYSTEM "https://evil.example/x.dtd"><entry />',
        b"",
        b"<entry>",
        b"{}",
        b"<feed />",
        b'<?xml version="1.0" encoding="no-such"?><entry />',
        b"<entry>&undefined;</entry>",
        b"<entry>" + b"<a>" * 5_000 + b"</a>" * 5_000 + b"</entry>",
        b"\xff\xfe\x00",
    ],
    ids=range(11),
)
def test_hostile_and_broken_xml_is_refused(model: Model, body: bytes) -> None:
    with pytest.raises(BadRequest):
        atom.read_entry(body, model, "VirtualMachines")
    with pytest.raises(BadRequest):
        atom.read_object(body)


def test_a_request_with_too_many_elements_is_refused_and_a_feed_is_not(model: Model) -> None:
    many = b"<entry>" + b"<a/>" * 20_000 + b"</entry>"

    with pytest.raises(BadRequest, match="too many"):
        atom.read_entry(many, model, "VirtualMachines")
    assert atom.read_object(many) == {}


def test_the_parameters_of_an_action_may_come_without_an_entry(model: Model) -> None:
    wanted = (Prop("SizeGB", "Int32"),)
    for body in (
        b"<properties><SizeGB>60</SizeGB><Other>1</Other></properties>",
        CREATE.format("<d:SizeGB>60</d:SizeGB>").encode(),
    ):
        assert atom.read_values(body, model, wanted) == {"SizeGB": 60}


def test_an_old_client_is_told_nothing_of_version_3(model: Model, root: str) -> None:
    row = {**GOLD, "Tags": ["a"], "Owner": {"UserName": "alice"}}

    body = atom.entry(model, "VirtualMachines", row, root=root, version=2).decode()

    assert "alice" in body
    for later in ("m:action", "Collection(", "mediaresource"):
        assert later not in body


def test_a_structured_property_alone(model: Model, root: str) -> None:
    prop = model.set("VirtualMachines").type.prop("Owner")
    assert prop is not None
    body = atom.property_value(model, prop, {"UserName": "alice"}, root=root)

    found = ElementTree.fromstring(body)
    assert found.get(f"{M}type") == "VMM.UserAndRole"
    assert found.findtext("d:UserName", None, NS) == "alice"


def test_a_feed_in_parts_is_the_feed_in_one(model: Model, root: str) -> None:
    shape = resolve(model, "Clouds", (), None)
    chunks = [[GOLD], [], [GOLD, {**GOLD, "Name": "Silver"}]]

    parts = list(
        atom.feed_parts(
            shape, chunks, root=root, count=3, next_link=lambda: "Clouds?$skip=3", updated=NOON
        )
    )

    assert len(parts) > len(chunks)
    assert b"".join(parts) == atom.feed(
        model,
        "Clouds",
        [row for chunk in chunks for row in chunk],
        root=root,
        count=3,
        next_link="Clouds?$skip=3",
        updated=NOON,
    )


def test_a_client_reads_values_by_their_types(model: Model) -> None:
    body = CREATE.format(
        """<d:CPUCount m:type="Edm.Byte">300</d:CPUCount>
        <d:Odd m:type="Edm.Int32">many</d:Odd>
        <d:Enabled m:type="Edm.Boolean">true</d:Enabled>
        <d:Load m:type="Edm.Double">0.5</d:Load>
        <d:Points m:type="Edm.Decimal">1.50</d:Points>
        <d:VMId m:type="Edm.Guid" m:null="true" />
        <d:Tags m:type="Collection(Edm.String)"><d:element>a</d:element></d:Tags>
        <d:None m:type="Collection(Edm.String)" />
        <d:Owner m:type="VMM.UserAndRole"><d:UserName>bob</d:UserName></d:Owner>"""
    )

    assert atom.read_object(body.encode()) == {
        "CPUCount": 300,
        "Odd": "many",
        "Enabled": True,
        "Load": 0.5,
        "Points": "1.50",
        "VMId": None,
        "Tags": ["a"],
        "None": [],
        "Owner": {"UserName": "bob"},
    }


def test_the_address_in_a_link_body() -> None:
    body = b'<uri xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices"> https://x </uri>'

    assert atom.read_link(body) == "https://x"
    with pytest.raises(BadRequest):
        atom.read_link(b"<uri />")
