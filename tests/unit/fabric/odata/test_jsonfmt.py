"""JSON bodies as SPF writes them, and as its clients send them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from fabric.odata import jsonfmt
from fabric.odata.errors import BadRequest
from fabric.odata.negotiate import Format
from fabric.odata.schema import ComplexType, EntitySet, EntityType, Model, Prop
from fabric.odata.shape import resolve

STAMP = UUID("5a1c3f0e-2b7d-4c66-9d0e-8f31b0a4c201")
CLOUD = UUID("c2d9e7b4-61f8-4a0d-b3a5-19e04f7d8802")
KEY = f"(ID=guid'{CLOUD}',StampId=guid'{STAMP}')"

GOLD: dict[str, object] = {
    "ID": CLOUD,
    "StampId": STAMP,
    "Name": "Gold",
    "Description": "Production capacity",
    "WritableLibraryPath": "\\\\lib01.example.net\\Library\\Gold\\",
}
ADAPTER: dict[str, object] = {"ID": CLOUD, "StampId": STAMP, "IPv4Addresses": ["10.20.1.4"]}


def test_a_feed_in_json_light(model: Model, root: str) -> None:
    body = jsonfmt.feed(model, "Clouds", [GOLD], root=root, count=1)

    assert json.loads(body) == {
        "odata.metadata": f"{root}$metadata#Clouds",
        "odata.count": "1",
        "value": [
            {
                "Description": "Production capacity",
                "ID": str(CLOUD),
                "LastModifiedDate": None,
                "Name": "Gold",
                "StampId": str(STAMP),
                "UserRoleID": None,
                "WritableLibraryPath": "\\\\lib01.example.net\\Library\\Gold\\",
            }
        ],
    }


def test_an_entity_lists_its_members_in_order_and_its_metadata_last(
    model: Model, root: str
) -> None:
    row = {
        "ID": CLOUD,
        "StampId": STAMP,
        "Enabled": False,
        "TotalSize": 4194304,
        "QuotaPoint": Decimal("1.5"),
        "Load": float("nan"),
        "AddedTime": datetime(2026, 2, 3, 10, tzinfo=UTC),
        "Thumbprint": b"\x00",
        "NotOfThisType": "ignored",
    }

    found = json.loads(jsonfmt.entry(model, "VirtualMachines", row, root=root))

    names = list(found)
    assert names == sorted(names)
    assert names[-1] == "odata.metadata"
    assert found["odata.metadata"] == f"{root}$metadata#VirtualMachines/@Element"
    assert found["VMConnection@odata.mediaContentType"] == "application/x-rdp"
    assert found["TotalSize"] == "4194304"
    assert found["QuotaPoint"] == "1.5"
    assert found["Load"] == "NaN"
    assert found["AddedTime"] == "2026-02-03T10:00:00.0000000+00:00"
    assert found["Thumbprint"] == "AA=="
    assert found["Enabled"] is False
    assert found["Owner"] == {"RoleID": None, "RoleName": None, "UserName": None}
    assert found["Tags"] == found["NewVirtualNetworkAdapterInput"] == []
    assert "NotOfThisType" not in found
    assert "VirtualNetworkAdapters" not in found


def test_null_and_missing_are_written_alike(model: Model, root: str) -> None:
    key = {"ID": CLOUD, "StampId": STAMP}
    nulls = {prop.name: None for prop in model.set("VirtualMachines").type.props} | key

    assert jsonfmt.entry(model, "VirtualMachines", nulls, root=root) == jsonfmt.entry(
        model, "VirtualMachines", key, root=root
    )


def test_writing_leaves_no_trace_in_the_next_row(model: Model, root: str) -> None:
    full = {"ID": CLOUD, "StampId": STAMP, "Owner": {"UserName": "alice"}, "Tags": ["a"]}
    empty = {"ID": CLOUD, "StampId": STAMP}

    body = jsonfmt.feed(model, "VirtualMachines", [empty, full, empty], root=root)

    first, _, last = json.loads(body)["value"]
    assert first == last
    assert full["Tags"] == ["a"]


def test_full_metadata_lets_a_client_follow_links(model: Model, root: str) -> None:
    body = jsonfmt.feed(model, "Clouds", [GOLD], root=root, fmt=Format.JSON_FULL)

    cloud = json.loads(body)["value"][0]
    assert cloud["odata.type"] == "VMM.Cloud"
    assert cloud["odata.id"] == f"{root}Clouds{KEY}"
    assert cloud["odata.editLink"] == f"Clouds{KEY}"
    assert cloud["LogicalNetworks@odata.navigationLinkUrl"] == f"Clouds{KEY}/LogicalNetworks"
    assert cloud["ID@odata.type"] == "Edm.Guid"
    assert "Name@odata.type" not in cloud
    assert "LastModifiedDate@odata.type" not in cloud
    assert cloud["LastModifiedDate"] is None


def test_full_metadata_of_structured_values(model: Model, root: str) -> None:
    row = {"ID": CLOUD, "StampId": STAMP, "Owner": {"RoleID": STAMP}, "Tags": ["a"]}

    found = json.loads(
        jsonfmt.entry(model, "VirtualMachines", row, root=root, fmt=Format.JSON_FULL)
    )

    assert found["Owner"]["odata.type"] == "VMM.UserAndRole"
    assert found["Owner"]["RoleID@odata.type"] == "Edm.Guid"
    assert found["Tags@odata.type"] == "Collection(Edm.String)"
    assert found["#VMM.Expand"]["target"] == f"{root}VirtualMachines{KEY}/Expand"


def test_no_metadata_means_none_at_all(model: Model, root: str) -> None:
    body = jsonfmt.entry(model, "VirtualMachines", GOLD, root=root, fmt=Format.JSON_NONE)

    assert b"odata" not in body


def test_verbose_wraps_everything_in_d(model: Model, root: str) -> None:
    row = {"ID": CLOUD, "StampId": STAMP, "Tags": ["a"], "VirtualNetworkAdapters": [ADAPTER]}

    body = jsonfmt.feed(
        model,
        "VirtualMachines",
        [row],
        root=root,
        fmt=Format.JSON_VERBOSE,
        count=7,
        next_link="next",
        expand=("VirtualNetworkAdapters",),
    )

    found = json.loads(body)["d"]
    machine = found["results"][0]
    assert found["__count"] == "7"
    assert found["__next"] == "next"
    assert machine["__metadata"]["uri"] == f"{root}VirtualMachines{KEY}"
    assert machine["__metadata"]["type"] == "VMM.VirtualMachine"
    assert machine["Cloud"]["__deferred"]["uri"] == f"{root}VirtualMachines{KEY}/Cloud"
    assert machine["Tags"]["results"] == ["a"]
    assert machine["VirtualNetworkAdapters"]["results"][0]["IPv4Addresses"]["results"] == [
        "10.20.1.4"
    ]


def test_expanded_navigations_are_inline(model: Model, root: str) -> None:
    row = {
        "ID": CLOUD,
        "StampId": STAMP,
        "Cloud": GOLD,
        "VirtualNetworkAdapters": [ADAPTER | {"LogicalNetwork": {"Name": "front"}}],
    }

    found = json.loads(
        jsonfmt.entry(
            model,
            "VirtualMachines",
            row,
            root=root,
            expand=["VirtualNetworkAdapters/LogicalNetwork", "Cloud"],
        )
    )

    assert found["Cloud"]["Name"] == "Gold"
    assert found["VirtualNetworkAdapters"][0]["IPv4Addresses"] == ["10.20.1.4"]
    assert found["VirtualNetworkAdapters"][0]["LogicalNetwork"]["Name"] == "front"
    assert list(found) == sorted(found)


def test_an_expanded_navigation_without_rows(model: Model, root: str) -> None:
    expand = ("VirtualNetworkAdapters", "Cloud")

    body = jsonfmt.entry(model, "VirtualMachines", GOLD, root=root, expand=expand)

    found = json.loads(body)
    assert found["VirtualNetworkAdapters"] == []
    assert found["Cloud"] is None


def test_select_narrows_also_across_expand(model: Model, root: str) -> None:
    row = {"ID": CLOUD, "StampId": STAMP, "Name": "web-01", "VirtualNetworkAdapters": [ADAPTER]}

    body = jsonfmt.feed(
        model,
        "VirtualMachines",
        [row],
        root=root,
        fmt=Format.JSON_NONE,
        select=("Name", "Owner/UserName", "VirtualNetworkAdapters/IPv4Addresses"),
        expand=("VirtualNetworkAdapters",),
    )

    assert json.loads(body)["value"] == [
        {
            "Name": "web-01",
            "Owner": {"RoleID": None, "RoleName": None, "UserName": None},
            "VirtualNetworkAdapters": [{"IPv4Addresses": ["10.20.1.4"]}],
        }
    ]


@pytest.mark.parametrize(
    "options",
    [{"expand": ("Nothing",)}, {"expand": ("Name",)}, {"select": ("Nothing",)}],
)
def test_members_the_type_lacks_cannot_be_asked_for(
    model: Model, root: str, options: dict[str, Any]
) -> None:
    with pytest.raises(BadRequest):
        jsonfmt.feed(model, "VirtualMachines", [], root=root, **options)


def test_a_type_that_contains_itself_ends_its_nulls(root: str) -> None:
    tree = ComplexType("Tree", (Prop("Name", "String"), Prop("Child", "Complex:Tree")))
    thing = EntityType("Thing", "X", ("ID",), (Prop("ID", "Int32"), Prop("Tree", "Complex:Tree")))
    model = Model("X", "X", {"Things": EntitySet("Things", thing)}, {"Tree": tree})
    row = {"ID": 1, "Tree": {"Name": "a", "Child": {"Name": "b"}}}

    found = json.loads(jsonfmt.entry(model, "Things", row, root=root, fmt=Format.JSON_NONE))
    empty = json.loads(jsonfmt.entry(model, "Things", {"ID": 1}, root=root, fmt=Format.JSON_NONE))

    assert found["Tree"]["Child"]["Name"] == "b"
    assert empty["Tree"] == {"Child": None, "Name": None}


def test_the_service_document_lists_the_sets(model: Model, root: str) -> None:
    light = json.loads(jsonfmt.service_document(model, root=root, fmt=Format.JSON_MINIMAL))
    verbose = json.loads(jsonfmt.service_document(model, root=root, fmt=Format.JSON_VERBOSE))

    assert {"name": "Clouds", "url": "Clouds"} in light["value"]
    assert "Clouds" in verbose["d"]["EntitySets"]


def test_links_hold_addresses(model: Model, root: str) -> None:
    body = jsonfmt.links("UserRoles", "Clouds", ["https://x/1"], root=root, fmt=Format.JSON_MINIMAL)

    assert json.loads(body)["value"] == [{"url": "https://x/1"}]


def test_a_whole_object_full_of_nulls_is_read(model: Model) -> None:
    body = json.dumps(
        {
            "odata.metadata": None,
            "odata.type": "VMM.VirtualMachine",
            "ID": "00000000-0000-0000-0000-000000000000",
            "StampId": str(STAMP),
            "Operation": "Start",
            "Owner": None,
            "Cloud": None,
            "VirtualNetworkAdapters": [],
            "Tags": None,
            "OSType": "of another generation",
        }
    )

    assert jsonfmt.read_entry(body.encode(), model, "virtualmachines") == {
        "ID": UUID(int=0),
        "StampId": STAMP,
        "Operation": "Start",
        "Owner": None,
        "Tags": None,
    }


def test_typed_members_of_a_create(model: Model) -> None:
    body = json.dumps(
        {
            "CPUCount": "4",
            "Memory": 8192,
            "Enabled": "true",
            "TotalSize": 5,
            "NewVirtualNetworkAdapterInput@odata.type": "Collection(VMM.Wrong)",
            "NewVirtualNetworkAdapterInput": [
                {"odata.type": "Wrong", "VMNetworkName": "front", "VLanId": "7", "More": 1},
                None,
            ],
            "Owner": {"UserName": "alice"},
        }
    )

    assert jsonfmt.read_entry(body.encode(), model, "VirtualMachines") == {
        "CPUCount": 4,
        "Memory": 8192,
        "Enabled": True,
        "TotalSize": 5,
        "NewVirtualNetworkAdapterInput": [{"VMNetworkName": "front", "VLanId": 7}],
        "Owner": {"UserName": "alice"},
    }


def test_a_body_nested_without_end_is_refused(model: Model) -> None:
    for body in (
        b'{"Owner":' * 500 + b"1" + b"}" * 500,
        b'{"Unknown":' + b"[" * 99 + b"]" * 99 + b"}",
    ):
        with pytest.raises(BadRequest, match="nested"):
            jsonfmt.read_entry(body, model, "VirtualMachines")


@pytest.mark.parametrize("fmt", [each for each in Format if each.is_json])
def test_a_feed_in_parts_is_the_feed_in_one(model: Model, root: str, fmt: Format) -> None:
    shape = resolve(model, "Clouds", (), None)
    chunks = [[], [GOLD], [], [GOLD, {**GOLD, "Name": None}]]
    rows = [row for chunk in chunks for row in chunk]

    parts = jsonfmt.feed_parts(
        shape, chunks, root=root, fmt=fmt, count=3, next_link=lambda: "further"
    )

    assert b"".join(parts) == jsonfmt.feed(
        model, "Clouds", rows, root=root, fmt=fmt, count=3, next_link="further"
    )


def test_values_of_other_types_than_promised_are_still_written(model: Model, root: str) -> None:
    row = {"ID": str(CLOUD), "StampId": STAMP, "Name": 7, "Memory": "8192", "Enabled": 1}

    found = json.loads(jsonfmt.entry(model, "VirtualMachines", row, root=root))

    assert (found["ID"], found["Name"]) == (str(CLOUD), "7")
    assert (found["Memory"], found["Enabled"]) == (8192, True)


def test_verbose_dates_of_version_2_are_milliseconds(model: Model, root: str) -> None:
    row = {**GOLD, "AddedTime": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)}

    body = jsonfmt.entry(
        model, "VirtualMachines", row, root=root, fmt=Format.JSON_VERBOSE, version=2
    )

    assert json.loads(body)["d"]["AddedTime"] == "/Date(1000)/"
    assert b'"\\/Date(1000)\\/"' in body


def test_a_wrong_value_is_named_by_its_property_only(model: Model) -> None:
    body = b'{"NewVirtualNetworkAdapterInput":[{"VLanId":"S3cret"}]}'

    with pytest.raises(BadRequest) as caught:
        jsonfmt.read_entry(body, model, "VirtualMachines")

    assert caught.value.message == (
        "The value of the property 'NewVirtualNetworkAdapterInput/VLanId' is not a valid Edm.Int16."
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"5",
        b"{",
        b"\xff\xfe\xfa",
        b'{"Tags":"a"}',
        b'{"Owner":"alice"}',
        b'{"Name":{"a":1}}',
        b"[" * 100_000,
        b'{"Memory":' + b"9" * 5_000 + b"}",
    ],
    ids=range(10),
)
def test_broken_bodies_are_bad_requests(model: Model, body: bytes) -> None:
    with pytest.raises(BadRequest):
        jsonfmt.read_entry(body, model, "VirtualMachines")


@pytest.mark.parametrize(
    "body",
    [
        {"odata.metadata": "x", "odata.count": "9", "value": [{"ID": 1}], "odata.nextLink": "n"},
        {"d": {"results": [{"__metadata": {}, "ID": 1}], "__count": "9", "__next": "n"}},
    ],
)
def test_a_client_reads_both_dialects_of_a_feed(body: object) -> None:
    assert jsonfmt.read_feed(json.dumps(body).encode()) == ([{"ID": 1}], "n", 9)


def test_a_client_reads_bare_arrays_and_skips_oddities() -> None:
    assert jsonfmt.read_feed(b'{"d":[{"ID":1},null]}') == ([{"ID": 1}], None, None)
    assert jsonfmt.read_feed(b'{"value":[],"odata.count":"many"}') == ([], None, None)
    with pytest.raises(BadRequest):
        jsonfmt.read_feed(b'{"ID":1}')


def test_a_client_sees_values_without_wrappers() -> None:
    verbose = {
        "d": {
            "__metadata": {"uri": "x"},
            "Name": "a",
            "Tags": {"__metadata": {}, "results": ["t"]},
            "Adapters": {"results": [{"__metadata": {}, "ID": 1}]},
            "Cloud": {"__deferred": {"uri": "x"}},
        }
    }
    light = {
        "odata.type": "x",
        "Name": "a",
        "Tags@odata.type": "x",
        "Tags": ["t"],
        "Adapters": [{"odata.id": "x", "ID": 1}],
        "Cloud@odata.navigationLinkUrl": "x",
    }
    expected = {"Name": "a", "Tags": ["t"], "Adapters": [{"ID": 1}]}

    assert jsonfmt.read_object(json.dumps(verbose).encode()) == expected
    assert jsonfmt.read_object(json.dumps(light).encode()) == expected


def test_nesting_cannot_exhaust_the_stack() -> None:
    for depth in (400, 900, 50_000):
        body = b'{"a":' * depth + b"1" + b"}" * depth
        try:
            jsonfmt.read_object(body)
        except BadRequest:
            pass


def test_the_address_in_a_link_body() -> None:
    assert jsonfmt.read_link(b'{"url":"https://x/Stamps(1)"}') == "https://x/Stamps(1)"
    assert jsonfmt.read_link(b'{"d":{"uri":"https://x"}}') == "https://x"
    with pytest.raises(BadRequest):
        jsonfmt.read_link(b"{}")
